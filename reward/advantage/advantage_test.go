package advantage

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// near accepts what the printed vectors leave open: half of their sixth decimal.
func near(t *testing.T, what string, got, want [][]float64) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 5.1e-7)); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

func make1(t testing.TB, name string, o Options) Estimator {
	t.Helper()
	e, err := New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	if e.Name() != name {
		t.Errorf("%s is named %s", name, e.Name())
	}
	return e
}

const third = 1. / 3

func TestVectors(t *testing.T) {
	standard := Options{Epsilon: DefaultEpsilon, K: DefaultK}
	for _, c := range []struct {
		estimator string
		o         Options
		rewards   []float64
		want      []float64
	}{
		{"rloo", standard, []float64{1, 0, 0, 0}, []float64{1, -.333333, -.333333, -.333333}},
		{"rloo", standard, []float64{1, .5, .25, .25}, []float64{.666667, 0, -.333333, -.333333}},
		{"rloo", standard, []float64{-1, 0, .5, 2}, []float64{-1.833333, -.5, .166667, 2.166667}},
		{"rloo", standard, []float64{1, 0}, []float64{1, -1}},
		{"rloo", standard, []float64{1, 2, 3}, []float64{-1.5, 0, 1.5}},
		{"dr_grpo", standard, []float64{1, 0, 0, 0}, []float64{.75, -.25, -.25, -.25}},
		{"dr_grpo", standard, []float64{1, .5, .25, .25}, []float64{.5, 0, -.25, -.25}},
		{"grpo", standard, []float64{1, 0, 0, 0}, []float64{1.499997, -.499999, -.499999, -.499999}},
		{"grpo", standard, []float64{-1, 0, .5, 2}, []float64{-1.099999, -.3, .1, 1.299999}},
		{"grpo", standard, []float64{1, 0}, []float64{.707106, -.707106}},
		{"grpo", standard, []float64{1, 2, 3}, []float64{-.999999, 0, .999999}},
		{"grpo", Options{Epsilon: 1e-4}, []float64{1, .5, .25, .25}, []float64{1.413814, 0, -.706907, -.706907}},
		{"grpo", Options{Epsilon: 1e-4}, []float64{1, 0, 0, 0}, []float64{1.4997, -.4999, -.4999, -.4999}},
		{"grpo", Options{Epsilon: 1e-9}, []float64{1, 0, 0, 0}, []float64{1.5, -.5, -.5, -.5}},
		{"grpo", Options{}, []float64{1, 0, 0, 0}, []float64{1.5, -.5, -.5, -.5}},
		{"grpo", Options{}, []float64{1e-200, 0}, []float64{0, 0}}, // a variance below the smallest number
		{"maxrl", standard, []float64{1, 0, 0, 0}, []float64{3, -1, -1, -1}},
		{"maxrl", standard, []float64{1, .5, .25, .25}, []float64{1, 0, -.5, -.5}},
		{"maxrl", standard, []float64{-1, 0, 0, 0}, []float64{0, 0, 0, 0}},
		{"maxrl", standard, []float64{-1, 1, 1e-320}, []float64{0, 0, 0}},
		{"pass_at_k", Options{K: 1}, []float64{1, 0, 0, 0}, []float64{1, -.333333, -.333333, -.333333}},
		{"pass_at_k", Options{K: 1}, []float64{-1, 0, .5, 2}, []float64{-1.833333, -.5, .166667, 2.166667}},
		// n = 4, k = 2, two right: a right one lifts 2·C(2,2)/C(3,2), a wrong one lowers as much.
		{"pass_at_k", Options{K: 2}, []float64{1, 0, 1, 0}, []float64{2 * third, -2 * third, 2 * third, -2 * third}},
		// Only one right: 2·(C(2,2)/C(3,2) - C(2,1)/C(3,1)) for the wrong ones.
		{"pass_at_k", Options{K: 2}, []float64{1, 0, 0, 0}, []float64{2, -2 * third, -2 * third, -2 * third}},
		// k = 4 in a group of 4 is taken for 3.
		{"pass_at_k", standard, []float64{1, 0, 0, 0}, []float64{3, -1, -1, -1}},
		{"reinforce", standard, []float64{1, 0, 0, 0}, []float64{.75, -.25, -.25, -.25}},
	} {
		e := make1(t, c.estimator, c.o)
		near(t, c.estimator, e.Estimate([][]float64{c.rewards}), [][]float64{c.want})
	}
}

// Groups do not see each other, but for the one baseline of reinforce.
func TestBatches(t *testing.T) {
	batch := [][]float64{{1, 2, 3}, {}, {5}, {1, 0}}
	for name, want := range map[string][][]float64{
		"rloo":      {{-1.5, 0, 1.5}, {}, {0}, {1, -1}},
		"dr_grpo":   {{-1, 0, 1}, {}, {0}, {.5, -.5}},
		"grpo":      {{-.999999, 0, .999999}, {}, {0}, {.707106, -.707106}},
		"maxrl":     {{-.5, 0, .5}, {}, {0}, {1, -1}},
		"pass_at_k": {{-1, -1, 2}, {}, {0}, {1, -1}},
		"reinforce": {{-1, 0, 1}, {}, {3}, {-1, -2}},
	} {
		o := Options{Epsilon: DefaultEpsilon, K: 2}
		near(t, name, make1(t, name, o).Estimate(batch), want)
	}
}

// The mean over samples of A_i · d log p(x_i)/dp has the expectation d pass@k/dp
// = k (1-p)^(k-1), summed exactly over all outcomes of n samples.
func TestPassAtKIsUnbiased(t *testing.T) {
	for _, c := range []struct {
		n, k int
		p    float64
	}{{2, 1, .3}, {4, 2, .3}, {5, 4, .1}, {8, 4, .4}, {8, 7, .7}} {
		e := PassAtK{K: c.k}
		expectation := 0.0
		for outcome := range 1 << c.n {
			rewards, score := make([]float64, c.n), make([]float64, c.n)
			chance := 1.0
			for i := range c.n {
				if outcome>>i&1 == 1 {
					rewards[i], score[i] = 1, 1/c.p
					chance *= c.p
				} else {
					score[i] = -1 / (1 - c.p)
					chance *= 1 - c.p
				}
			}
			for i, a := range e.Estimate([][]float64{rewards})[0] {
				expectation += chance * a * score[i] / float64(c.n)
			}
		}
		if want := float64(c.k) * math.Pow(1-c.p, float64(c.k-1)); math.Abs(expectation-want) > 1e-9 {
			t.Errorf("n=%d k=%d p=%v: expected gradient %v, want %v", c.n, c.k, c.p, expectation, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"rlooo", Options{}, `unknown advantage estimator "rlooo"; expected rloo, grpo`},
		{"grpo", Options{Epsilon: -1}, "epsilon is -1"},
		{"grpo", Options{Epsilon: math.NaN()}, "epsilon is NaN"},
		{"grpo", Options{Epsilon: math.Inf(1)}, "epsilon is +Inf"},
		{"pass_at_k", Options{}, "k is 0"},
	} {
		if _, err := New(c.name, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: got error %v, want one with %q", c.name, c.o, err, c.want)
		}
	}
}

func TestConstants(t *testing.T) {
	o := Options{Epsilon: 1e-4, K: 3}
	for name, want := range map[string]map[string]float64{
		"rloo": {}, "grpo": {"epsilon": 1e-4, "ddof": 1}, "dr_grpo": {}, "reinforce": {}, "maxrl": {}, "pass_at_k": {"k": 3},
	} {
		if diff := cmp.Diff(want, make1(t, name, o).Constants()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if len(Names()) != 6 {
		t.Errorf("the tests know 6 estimators, New knows %v", Names())
	}
}

func TestZeroVariance(t *testing.T) {
	for _, c := range []struct {
		rewards []float64
		want    bool
	}{{nil, true}, {[]float64{1}, true}, {[]float64{.1, .1, .1}, true}, {[]float64{0, 0, 1e-300}, false}, {[]float64{0, 1}, false}} {
		if got := ZeroVariance(c.rewards); got != c.want {
			t.Errorf("%v: got %v", c.rewards, got)
		}
	}
}
