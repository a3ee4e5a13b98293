package advantage

import "gonum.org/v1/gonum/stat"

// DrGRPO is GRPO done right (arXiv 2503.20783): no division by the standard
// deviation, which would weigh the easiest and the hardest prompts most,
//
//	A_i = r_i - mean.
//
// Its other half, a loss divided by a constant in place of each sequence's
// length, is the trainer's `normalise: constant`. Advantages of a group sum to
// 0; groups of one and groups of equal rewards have advantages of 0.
type DrGRPO struct{}

var _ Estimator = DrGRPO{}

// Name is "dr_grpo".
func (DrGRPO) Name() string { return "dr_grpo" }

// Constants: none.
func (DrGRPO) Constants() map[string]float64 { return map[string]float64{} }

// Estimate centres each group.
func (DrGRPO) Estimate(groups [][]float64) [][]float64 {
	return byGroup(groups, func(rewards, advantages []float64) {
		mean := stat.Mean(rewards, nil)
		for i, r := range rewards {
			advantages[i] = r - mean
		}
	})
}
