package rsa

// singleStep spends half of the budget on samples and half on one step of
// aggregating them.
var singleStep = Method{
	Name:  "single-step",
	About: "one step of aggregation over half of the budget (T = 2)",
	Plan:  func(n, k, t int) Plan { return Plan{N: max(1, n*t/2), K: min(k, max(1, n*t/2)), T: 2} },
	Rule:  ByMean,
}
