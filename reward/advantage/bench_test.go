package advantage

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// A batch of the paper's recipe has 256 groups of 4; groups of 64 are the largest in use.
func BenchmarkEstimate(b *testing.B) {
	for _, name := range Names() {
		for _, n := range []int{4, 64} {
			b.Run(name+"/256x"+strconv.Itoa(n), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				groups := make([][]float64, 256)
				for g := range groups {
					groups[g] = make([]float64, n)
					for i := range groups[g] {
						groups[g][i] = float64(r.IntN(2))
					}
				}
				e := make1(b, name, Options{Epsilon: DefaultEpsilon, K: DefaultK})
				b.ReportAllocs()
				for b.Loop() {
					e.Estimate(groups)
				}
				b.ReportMetric(float64(256*n)*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
			})
		}
	}
}
