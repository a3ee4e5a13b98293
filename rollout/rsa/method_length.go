package rsa

// bestByLength samples and takes the shortest finished completion: long ones
// are often lost ones.
var bestByLength = Method{
	Name:  "best-length",
	About: "direct sampling; the answer is that of the shortest finished completion",
	Plan:  parallel,
	Rule:  ByLength,
}
