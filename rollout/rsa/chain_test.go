package rsa

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ropewalk/ropewalk/rollout/config"
)

// chain is the exact law of RSA against an engine that answers right with
// chance accuracy[c] when c of K candidates are right. Given that x of N
// rollouts are right, each of the next N is right independently with chance
// f(x) = sum_c Hypergeometric(c; N, x, K) accuracy[c], so the next x is
// Binomial(N, f(x)): a Markov chain on 0..N.
type chain struct {
	n, k     int
	accuracy []float64
}

func (c chain) f(x int) float64 {
	total := 0.0
	for right := 0; right <= c.k; right++ {
		if right <= x && c.k-right <= c.n-x {
			ways := float64(combin.Binomial(x, right)) * float64(combin.Binomial(c.n-x, c.k-right))
			total += ways / float64(combin.Binomial(c.n, c.k)) * c.accuracy[right]
		}
	}
	return total
}

// start is the law of the number right in round 0.
func (c chain) start(direct float64) []float64 {
	law := make([]float64, c.n+1)
	for x := range law {
		law[x] = distuv.Binomial{N: float64(c.n), P: direct}.Prob(float64(x))
	}
	return law
}

func (c chain) step(law []float64) []float64 {
	next := make([]float64, c.n+1)
	for x, p := range law {
		b := distuv.Binomial{N: float64(c.n), P: c.f(x)}
		for y := range next {
			next[y] += p * b.Prob(float64(y))
		}
	}
	return next
}

// moments are the mean and the variance of g(x) under a law.
func moments(law []float64, g func(x int) float64) (mean, variance float64) {
	for x, p := range law {
		mean += p * g(x)
		variance += p * g(x) * g(x)
	}
	return mean, variance - mean*mean
}

// within fails unless a mean of n independent values is within 4.5 standard
// errors of its expectation: one chance in 150,000, and the seed is fixed.
func within(t *testing.T, what string, got Number, mean, variance float64, n int) {
	t.Helper()
	bound := 4.5*math.Sqrt(variance/float64(n)) + 1e-9
	if off := math.Abs(float64(got) - mean); !(off <= bound) {
		t.Errorf("%s = %.4f, expected %.4f ± %.4f", what, float64(got), mean, bound)
	}
}

// TestRoundsFollowTheChain checks mean, pass@N and P(correct | c) of every round
// against their exact expectations. With N = 6 and K = 4 sets drawn with
// replacement, or one set for the whole population, would miss them.
func TestRoundsFollowTheChain(t *testing.T) {
	const problems = 1500
	accuracy := []float64{0.1, 0.9, 0.2, 0.3, 0.95}
	o := someOptions(6, 4, 4)
	e := connect(t, Patience{}, simulate(t, config.Simulated{Accuracy: accuracy, Direct: 0.35}))
	report := mustRun(t, o, someProblems(problems), e, newMemory())
	if !report.Simulated {
		t.Error("the report does not say that it is simulated")
	}
	c := chain{o.N, o.K, accuracy}
	law := c.start(0.35)
	for i, round := range report.Rounds {
		if i > 0 {
			law = c.step(law)
		}
		mean, variance := moments(law, func(x int) float64 { return float64(x) / float64(o.N) })
		within(t, "mean", round.Mean, mean, variance, problems)
		mean, variance = moments(law, func(x int) float64 { return float64(min(x, 1)) })
		within(t, "pass@N", round.PassN, mean, variance, problems)
		t.Logf("round %d: mean %.4f, pass@N %.4f", i, float64(round.Mean), float64(round.PassN))
	}
	if len(report.Given) != o.K+1 {
		t.Fatalf("%d entries of P(correct | c), want %d", len(report.Given), o.K+1)
	}
	prompts := 0
	for _, g := range report.Given {
		p := accuracy[g.Correct]
		within(t, "P(correct | c)", g.P, p, p*(1-p), g.Prompts)
		prompts += g.Prompts
	}
	if want := problems * o.N * (o.T - 1); prompts != want {
		t.Errorf("%d prompts in P(correct | c), want %d", prompts, want)
	}
}

// TestChainTellsDesignsApart makes sure that the test above can fail: the
// expectations of the wrong designs lie far outside its bounds.
func TestChainTellsDesignsApart(t *testing.T) {
	c := chain{6, 4, []float64{0.1, 0.9, 0.2, 0.3, 0.95}}
	law := c.start(0.35)
	mean, variance := moments(c.step(law), func(x int) float64 { return float64(x) / 6 })
	replaced := 0.0 // drawing with replacement: c is Binomial(K, x/N)
	for x, p := range law {
		b := distuv.Binomial{N: 4, P: float64(x) / 6}
		for right, a := range c.accuracy {
			replaced += p * a * b.Prob(float64(right))
		}
	}
	if bound := 4.5 * math.Sqrt(variance/1500); math.Abs(replaced-mean) < bound {
		t.Errorf("with replacement %.4f, without %.4f: closer than the bound %.4f", replaced, mean, bound)
	}
}
