package rsa

// bestByLogprob samples and takes the completion of which the model is surest, by
// its mean log-probability a token: sums would only favour the short.
var bestByLogprob = Method{
	Name:  "best-logprob",
	About: "direct sampling; the answer is that of the highest mean log-probability",
	Plan:  parallel,
	Rule:  ByLogprob,
}
