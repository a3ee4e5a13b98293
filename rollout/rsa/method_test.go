package rsa

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

// Of the simulated engine in these tests.
var (
	testAccuracy = []float64{0.1, 0.9, 0.2, 0.3, 0.95}
	testJudge    = []float64{0.3, 0.8} // chance of True for a wrong and a right rollout
)

const (
	testDirect   = 0.35
	testProblems = 2000
	budgetN      = 4
	budgetK      = 4
	budgetT      = 3
)

// law is what a score can be, with its chance, in expectation over a problem.
type law map[float64]float64

func (l law) moments() (mean, variance float64) {
	total := 0.0
	for x, p := range l {
		total += p
		mean += p * x
		variance += p * x * x
	}
	if math.Abs(total-1) > 1e-9 {
		panic(fmt.Sprintf("a law whose chances add up to %v", total))
	}
	return mean, variance - mean*mean
}

// multinomial calls f with every way to put n into as many boxes as there are
// chances, and its chance.
func multinomial(n int, chances []float64, f func(counts []int, p float64)) {
	counts := make([]int, len(chances))
	var fill func(box, left int, log float64)
	fill = func(box, left int, log float64) {
		if box == len(chances)-1 {
			counts[box] = left
			lg, _ := math.Lgamma(float64(left + 1))
			f(counts, math.Exp(log+float64(left)*math.Log(chances[box])-lg))
			return
		}
		for c := range left + 1 {
			counts[box] = c
			lg, _ := math.Lgamma(float64(c + 1))
			fill(box+1, left-c, log+float64(c)*math.Log(chances[box])-lg)
		}
	}
	lg, _ := math.Lgamma(float64(n + 1))
	fill(0, n, lg)
}

// meanLaw is the share of right ones among n samples.
func meanLaw(n int, right float64) law {
	out := law{}
	for x := range n + 1 {
		out[float64(x)/float64(n)] += distuv.Binomial{N: float64(n), P: right}.Prob(float64(x))
	}
	return out
}

// majorityLaw is that of a vote of n direct samples. The simulated engine gives a
// wrong answer as one of three, half of the time the first. Of camps of one size
// each is as likely to have come first.
func majorityLaw(n int, right float64) law {
	out, wrong := law{}, 1-right
	multinomial(n, []float64{right, wrong / 2, wrong / 6, wrong / 3}, func(counts []int, p float64) {
		most, camps := 0, 0
		for _, c := range counts {
			switch {
			case c > most:
				most, camps = c, 1
			case c == most:
				camps++
			}
		}
		won := 0.0
		if counts[0] == most {
			won = 1 / float64(camps)
		}
		out[1] += p * won
		out[0] += p * (1 - won)
	})
	return out
}

// acceptedLaw is the share of right ones among those that the model accepts, of
// all where it accepts none.
func acceptedLaw(n int, right float64) law {
	out := law{}
	chances := []float64{right * testJudge[1], right * (1 - testJudge[1]), (1 - right) * testJudge[0], (1 - right) * (1 - testJudge[0])}
	multinomial(n, chances, func(counts []int, p float64) {
		score := float64(counts[0]+counts[1]) / float64(n)
		if accepted := counts[0] + counts[2]; accepted > 0 {
			score = float64(counts[0]) / float64(accepted)
		}
		out[score] += p
	})
	return out
}

// chainLaw is the mean score after some rounds of a chain.
func chainLaw(c chain, rounds int) law {
	states := c.start(testDirect)
	for range rounds {
		states = c.step(states)
	}
	out := law{}
	for x, p := range states {
		out[float64(x)/float64(c.n)] += p
	}
	return out
}

// expectations are the exact laws of every method's curve, point by point.
var expectations = map[string]func(point int) law{
	"rsa":         func(i int) law { return chainLaw(chain{budgetN, budgetK, testAccuracy}, i) },
	"refine":      func(i int) law { return chainLaw(chain{budgetN, 1, testAccuracy}, i) },
	"single-step": func(i int) law { return chainLaw(chain{budgetN * budgetT / 2, budgetK, testAccuracy}, i) },
	"direct":      func(i int) law { return meanLaw(budgetN*(i+1), testDirect) },
	"majority":    func(i int) law { return majorityLaw(budgetN*(i+1), testDirect) },
	"reject":      func(i int) law { return acceptedLaw(budgetN*(i+1), testDirect) },
	// Lengths and log-probabilities of the simulated engine know nothing of right and wrong.
	"best-length":  func(int) law { return meanLaw(1, testDirect) },
	"best-logprob": func(int) law { return meanLaw(1, testDirect) },
}

// runMethod runs one method at the tests' budget.
func runMethod(t *testing.T, m Method) Report {
	t.Helper()
	o := someOptions(1, 1, 1)
	o.VerifyTokens = 10
	m.Apply(&o, budgetN, budgetK, budgetT)
	engine, err := simulated.New(simulated.Options{
		Simulated: config.Simulated{Accuracy: testAccuracy, Direct: testDirect, Tokens: 60, Tail: 0.2}, Judge: testJudge,
	})
	if err != nil {
		t.Fatal(err)
	}
	return mustRun(t, o, someProblems(testProblems), connect(t, Patience{}, engine), newMemory())
}

// TestMethodsFollowTheirLaws checks every point of every method's curve against
// its exact expectation, within 4.5 standard errors by the exact variance.
func TestMethodsFollowTheirLaws(t *testing.T) {
	for _, m := range Methods() {
		t.Run(m.Name, func(t *testing.T) {
			expect := expectations[m.Name]
			if expect == nil {
				t.Fatal("no expectation is known")
			}
			r := runMethod(t, m)
			for i, point := range r.Curve {
				mean, variance := expect(i).moments()
				within(t, fmt.Sprint("point ", i), point.Mean, mean, variance, testProblems)
				t.Logf("%v rollouts: %.4f, expected %.4f", point.Rollouts, float64(point.Mean), mean)
			}
			if end := r.Curve[len(r.Curve)-1].Rollouts; end != budgetN*budgetT {
				t.Errorf("%v generations of a problem, the budget is %d", end, budgetN*budgetT)
			}
			if r.Method != m.Name || r.Rule != m.Rule {
				t.Errorf("the report is of %s by %s", r.Method, r.Rule)
			}
		})
	}
}

// TestMethodsDiffer makes sure that the test above can fail: the laws at the end
// of the budget lie apart by more than its bounds.
func TestMethodsDiffer(t *testing.T) {
	end := func(name string, point int) (mean, bound float64) {
		mean, variance := expectations[name](point).moments()
		return mean, 4.5 * math.Sqrt(variance/testProblems)
	}
	names := []string{"direct", "refine", "majority", "reject", "rsa"}
	for i, a := range names {
		for _, b := range names[:i] {
			x, bound := end(a, budgetT-1)
			y, other := end(b, budgetT-1)
			if math.Abs(x-y) < max(bound, other) {
				t.Errorf("%s (%.3f) and %s (%.3f) cannot be told apart", a, x, b, y)
			}
		}
	}
}

// TestPassAtIsUnbiased: its expectation over the number of right samples is
// exactly the chance that one of k is right.
func TestPassAtIsUnbiased(t *testing.T) {
	for _, n := range []int{1, 2, 5, 16} {
		for k := 1; k <= n; k++ {
			for _, p := range []float64{0, 0.05, 0.3, 0.9, 1} {
				sum := 0.0
				for right := range n + 1 {
					ways := float64(combin.Binomial(n, right))
					sum += ways * math.Pow(p, float64(right)) * math.Pow(1-p, float64(n-right)) * passAt(n, right, k)
				}
				if want := 1 - math.Pow(1-p, float64(k)); math.Abs(sum-want) > 1e-12 {
					t.Errorf("n = %d, k = %d, p = %v: expectation %v, want %v", n, k, p, sum, want)
				}
			}
		}
	}
	if !math.IsNaN(passAt(3, 1, 4)) {
		t.Error("pass@4 of 3 samples has a value")
	}
}

// TestPassAtOfARun: the report's pass@k of round 0 falls on the closed form.
func TestPassAtOfARun(t *testing.T) {
	r := runMethod(t, recursive)
	for _, p := range r.Rounds[0].PassAt {
		want, variance := 1-math.Pow(1-testDirect, float64(p.K)), 0.0
		for right := range budgetN + 1 {
			d := passAt(budgetN, right, p.K) - want
			variance += distuv.Binomial{N: budgetN, P: testDirect}.Prob(float64(right)) * d * d
		}
		within(t, fmt.Sprint("pass@", p.K), p.P, want, variance, testProblems)
	}
	if ks := fmt.Sprint(passKs(160)); ks != "[1 2 4 8 16 32 64 128 160]" {
		t.Errorf("k of 160 samples: %s", ks)
	}
}

// TestVerifiedShares: the report says how often the model accepts right and wrong
// rollouts.
func TestVerifiedShares(t *testing.T) {
	r := runMethod(t, rejection)
	v, n := r.Rounds[0].Verified, float64(testProblems*budgetN*budgetT)
	within(t, "accepts right", v.AcceptsRight, testJudge[1], testJudge[1]*(1-testJudge[1]), int(n*testDirect*0.9))
	within(t, "accepts wrong", v.AcceptsWrong, testJudge[0], testJudge[0]*(1-testJudge[0]), int(n*(1-testDirect)*0.9))
	if r.Totals.VerifyTokens == 0 || r.Totals.Rollouts != int(n) {
		t.Errorf("totals %+v", r.Totals)
	}
}

// TestAcceptedFallsBack: where the model accepts nothing any rollout answers, and
// where it was not asked the rule has nothing to go by.
func TestAcceptedFallsBack(t *testing.T) {
	says := func(word string) *Record {
		return &Record{Finish: data.FinishStop, Verdict: data.Verdict{Status: data.Scored, Answer: word}}
	}
	population := []*Record{voter("1", 1), voter("2", 0), voter("1", 1), silent(data.NoAnswer)}
	same := func(a, b string) bool { return a == b }
	for _, test := range []struct {
		judged []*Record
		want   float64
	}{
		{[]*Record{says("false"), says("false"), says(""), nil}, 0.5},
		{[]*Record{says("true"), says("true"), says("false"), says("false")}, 0.5},
		{[]*Record{says("true"), says("false"), says("false"), nil}, 1},
		{[]*Record{says("false"), says("true"), says("false"), says("true")}, 0},
	} {
		if got := answers(pair(population, test.judged), same).Accepted; float64(got) != test.want {
			t.Errorf("accepted answers score %v, want %v", got, test.want)
		}
	}
	if got := answers(pair(population, nil), same).Accepted; !math.IsNaN(float64(got)) {
		t.Errorf("a model that was not asked accepts %v", got)
	}
}
