package rsa

// direct samples and takes any answer: what the model can do without help.
var direct = Method{
	Name:  "direct",
	About: "direct sampling; the answer is a sample drawn at random",
	Plan:  parallel,
	Rule:  ByMean,
}
