package rsa

// recursive is the paper's algorithm: t populations, each of n rollouts; those of
// the later ones are prompted with k candidates of the one before.
var recursive = Method{
	Name:  "rsa",
	About: "Recursive Self-Aggregation; the answer is a rollout of the last population",
	Plan:  func(n, k, t int) Plan { return Plan{N: n, K: k, T: t} },
	Rule:  ByMean,
}
