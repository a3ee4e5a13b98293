package rsa

import "math"

// passAt is the unbiased estimate of the chance that one of k samples is right,
// from n of which right are: 1 - C(n-right, k)/C(n, k) (Chen et al. 2021, eq. 1).
// NaN for k > n. Its expectation is 1 - (1-p)^k exactly.
func passAt(n, right, k int) float64 {
	if k < 1 || k > n {
		return math.NaN()
	}
	miss := 1.0
	for i := n - right + 1; i <= n; i++ {
		miss *= 1 - float64(k)/float64(i)
	}
	return 1 - miss
}

// passKs are the k of a report: powers of two below n, and n.
func passKs(n int) (ks []int) {
	for k := 1; k < n; k *= 2 {
		ks = append(ks, k)
	}
	return append(ks, n)
}
