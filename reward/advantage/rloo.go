package advantage

import "gonum.org/v1/gonum/stat"

// RLOO is REINFORCE with a leave-one-out baseline (arXiv 2402.14740): each
// sample is compared with the mean of the others of its group,
//
//	A_i = r_i - sum_{j≠i} r_j / (n-1) = n/(n-1) · (r_i - mean).
//
// The gradient is unbiased. Advantages of a group sum to 0. A group of one has
// no others: its advantage is 0, as where all rewards are equal.
type RLOO struct{}

var _ Estimator = RLOO{}

// Name is "rloo".
func (RLOO) Name() string { return "rloo" }

// Constants: none.
func (RLOO) Constants() map[string]float64 { return map[string]float64{} }

// Estimate compares each sample with the others of its group.
func (RLOO) Estimate(groups [][]float64) [][]float64 {
	return byGroup(groups, func(rewards, advantages []float64) {
		n := float64(len(rewards))
		mean := stat.Mean(rewards, nil)
		for i, r := range rewards {
			advantages[i] = n / (n - 1) * (r - mean)
		}
	})
}
