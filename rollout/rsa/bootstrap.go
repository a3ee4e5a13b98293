package rsa

import (
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
	slices.Sort(means)
	return [2]float64{
		stat.Quantile(0.025, stat.Empirical, means, nil),
		stat.Quantile(0.975, stat.Empirical, means, nil),
	}
}
