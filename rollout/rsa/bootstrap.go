package rsa

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// resamples of a bootstrap interval.
const resamples = 1000

// bootstrap gives the 95 % percentile interval of the mean of values, which are
// drawn again with replacement (Efron 1979). rng decides it wholly. values must
// not be empty.
func bootstrap(values []float64, rng *rand.Rand) [2]float64 {
	means := make([]float64, resamples)
	for i := range means {
		var sum float64
		for range values {
			sum += values[rng.IntN(len(values))]
		}
		means[i] = sum / float64(len(values))
	}
	return middle95(means)
}

// bootstrapRatio is [bootstrap] of sum(over)/sum(under), whose terms are drawn in
// pairs: the interval of a share of things that come in clusters. Resamples with
// nothing under the line are left out; NaN if all are.
func bootstrapRatio(over, under []float64, rng *rand.Rand) [2]float64 {
	ratios := make([]float64, 0, resamples)
	for range resamples {
		var a, b float64
		for range over {
			i := rng.IntN(len(over))
			a += over[i]
			b += under[i]
		}
		if b > 0 {
			ratios = append(ratios, a/b)
		}
	}
	if len(ratios) == 0 {
		return [2]float64{math.NaN(), math.NaN()}
	}
	return middle95(ratios)
}

// middle95 sorts what was drawn.
func middle95(drawn []float64) [2]float64 {
	slices.Sort(drawn)
	return [2]float64{
		stat.Quantile(0.025, stat.Empirical, drawn, nil),
		stat.Quantile(0.975, stat.Empirical, drawn, nil),
	}
}
