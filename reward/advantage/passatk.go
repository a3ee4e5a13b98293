package advantage

import "slices"

// PassAtK maximises the expected best of k samples in place of the expected
// sample: pass@k where rewards are 0 or 1. It is the leave-one-out form of
// pass-at-k policy optimisation (arXiv 2505.15201, continuous rewards), which
// uses all subsets of the group:
//
//	A_i = k · ( E[max over S | i ∈ S] - E[max over S | i ∉ S] )
//
// with S uniform over the subsets of k samples of the group. The baseline does
// not depend on sample i, so the mean over samples of A_i times the gradient of
// its log-probability is an unbiased estimate of the gradient of E[max of k].
// For c right answers of n, with C the binomial coefficient, that is
//
//	right:  k · C(n-c, k) / C(n-1, k)
//	wrong:  k · ( C(n-1-c, k) / C(n-1, k) - C(n-1-c, k-1) / C(n-1, k-1) )
//
// k = 1 is [RLOO]. Advantages of a group sum to 0. The baseline needs k samples
// beside i: in a group of n ≤ k, n-1 takes the place of k. A group of one and a
// group of equal rewards have advantages of 0.
type PassAtK struct {
	K int // at least 1
}

var _ Estimator = PassAtK{}

// Name is "pass_at_k".
func (PassAtK) Name() string { return "pass_at_k" }

// Constants is k.
func (e PassAtK) Constants() map[string]float64 { return map[string]float64{"k": float64(e.K)} }

// Estimate takes n·d steps for a group of n samples with d distinct rewards.
func (e PassAtK) Estimate(groups [][]float64) [][]float64 {
	return byGroup(groups, func(rewards, advantages []float64) {
		k := min(e.K, len(rewards)-1)
		sorted := slices.Sorted(slices.Values(rewards))
		// The largest of k, and of k-1, of the other n-1 samples: by rank among them.
		without, with := maxWeights(len(rewards)-1, k), maxWeights(len(rewards)-1, k-1)
		byReward := make(map[float64]float64)
		for at, r := range sorted {
			if _, done := byReward[r]; !done {
				byReward[r] = float64(k) * lift(sorted, at, without, with)
			}
		}
		for i, r := range rewards {
			advantages[i] = byReward[r]
		}
	})
}

// lift is E[max | i ∈ S] - E[max | i ∉ S] for the sample at place i of the
// sorted rewards. with is nil where k is 1: then S holds i alone.
func lift(sorted []float64, i int, without, with []float64) float64 {
	in, out := 0.0, 0.0
	if with == nil {
		in = sorted[i]
	}
	rank := 0
	for j, r := range sorted {
		if j == i {
			continue
		}
		out += without[rank] * r
		if with != nil {
			in += with[rank] * max(r, sorted[i])
		}
		rank++
	}
	return in - out
}

// maxWeights gives, for a uniform subset of q of m samples in ascending order,
// the chance that its largest is the one of each rank: C(rank, q-1) / C(m, q).
// It is nil for q = 0, where there is none.
func maxWeights(m, q int) []float64 {
	if q == 0 {
		return nil
	}
	w := make([]float64, m)
	w[m-1] = float64(q) / float64(m)
	for rank := m - 1; rank >= q; rank-- {
		w[rank-1] = w[rank] * float64(rank-q+1) / float64(rank)
	}
	return w
}
