package rsa

// selfRefinement lets each rollout correct one of the round before: RSA with sets
// of one, n chains that may branch and end.
var selfRefinement = Method{
	Name:  "refine",
	About: "self-refinement: RSA with one candidate in a prompt (K = 1)",
	Plan:  func(n, _, t int) Plan { return Plan{N: n, K: 1, T: t} },
	Rule:  ByMean,
}
