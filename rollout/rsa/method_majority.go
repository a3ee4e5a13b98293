package rsa

// majorityVote samples and takes the answer that most samples give (self-consistency,
// Wang et al. 2022), answers being the same when the grader says so.
var majorityVote = Method{
	Name:  "majority",
	About: "direct sampling; the answer is the one that most samples give",
	Plan:  parallel,
	Rule:  ByMajority,
}
