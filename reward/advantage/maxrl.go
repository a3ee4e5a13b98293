package advantage

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// MaxRL is maximum-likelihood reinforcement learning (arXiv 2602.02710):
//
//	A_i = (r_i - mean) / mean
//
// which weighs a prompt by the inverse of its success rate, as the gradient of
// the log-likelihood of success does. It is made for rewards of 0 or more; a
// mean of 0 or less, or one that is only rounding, gives advantages of 0, and
// so do groups of one and groups of equal rewards. Advantages of a group sum to
// 0 and, for rewards of 0 or more, lie in -1 … n-1.
type MaxRL struct{}

var _ Estimator = MaxRL{}

// roundingShare is the share of the largest reward below which a mean is taken
// for rounding. Rewards of 0 or more never come near it.
const roundingShare = 1e-12

// Name is "maxrl".
func (MaxRL) Name() string { return "maxrl" }

// Constants: none.
func (MaxRL) Constants() map[string]float64 { return map[string]float64{} }

// Estimate weighs each group by the inverse of its mean.
func (MaxRL) Estimate(groups [][]float64) [][]float64 {
	return byGroup(groups, func(rewards, advantages []float64) {
		mean := stat.Mean(rewards, nil)
		if mean <= roundingShare*floats.Norm(rewards, math.Inf(1)) {
			return
		}
		for i, r := range rewards {
			advantages[i] = (r - mean) / mean
		}
	})
}
