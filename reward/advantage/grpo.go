package advantage

import "gonum.org/v1/gonum/stat"

// GRPO is group-relative policy optimisation's advantage (arXiv 2402.03300):
//
//	A_i = (r_i - mean) / (std + ε)
//
// with the unbiased standard deviation of the group (divisor n-1) and ε added
// to it. Advantages of a group sum to 0. Groups of one and groups of equal
// rewards have advantages of 0.
type GRPO struct {
	Epsilon float64
}

var _ Estimator = GRPO{}

// Name is "grpo".
func (GRPO) Name() string { return "grpo" }

// Constants are epsilon and ddof, what is subtracted from n in the divisor of
// the variance: 1.
func (e GRPO) Constants() map[string]float64 {
	return map[string]float64{"epsilon": e.Epsilon, "ddof": 1}
}

// Estimate standardises each group.
func (e GRPO) Estimate(groups [][]float64) [][]float64 {
	return byGroup(groups, func(rewards, advantages []float64) {
		mean, std := stat.MeanStdDev(rewards, nil)
		divisor := std + e.Epsilon
		if divisor == 0 {
			return // rewards so close that their variance is 0 in floating point
		}
		for i, r := range rewards {
			advantages[i] = (r - mean) / divisor
		}
	})
}
