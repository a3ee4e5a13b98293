package advantage

import (
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Reinforce is REINFORCE (Williams 1992) with one baseline for the batch, the
// mean reward of all its samples:
//
//	A_i = r_i - batch mean.
//
// Groups do not matter but for the shape, and a group of equal rewards has
// advantages that are not 0 unless its rewards are the batch's mean: an easy
// prompt is pushed up and a hard one down as a whole. Advantages of the batch
// sum to 0. A batch of one sample, or of equal rewards, has advantages of 0.
type Reinforce struct{}

var _ Estimator = Reinforce{}

// Name is "reinforce".
func (Reinforce) Name() string { return "reinforce" }

// Constants: none.
func (Reinforce) Constants() map[string]float64 { return map[string]float64{} }

// Estimate centres the batch.
func (Reinforce) Estimate(groups [][]float64) [][]float64 {
	all := slices.Concat(groups...)
	equal := ZeroVariance(all)
	mean := stat.Mean(all, nil)
	out := make([][]float64, len(groups))
	for g, rewards := range groups {
		out[g] = make([]float64, len(rewards))
		for i, r := range rewards {
			if !equal {
				out[g][i] = r - mean
			}
		}
	}
	return out
}
