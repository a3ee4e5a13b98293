package rsa

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ropewalk/ropewalk/data"
)

// voter is a rollout with an answer and a score.
func voter(answer string, score float64) *Record {
	return &Record{Finish: data.FinishStop, Verdict: data.Verdict{Status: data.Scored, Answer: answer, Score: score}}
}

func silent(s data.Status) *Record {
	return &Record{Finish: data.FinishStop, Verdict: data.Verdict{Status: s}}
}

func TestMajority(t *testing.T) {
	failed := &Record{Finish: data.FinishError, Verdict: data.Verdict{Status: data.Error}}
	tests := []struct {
		name     string
		members  []*Record
		score    float64
		distinct int
	}{
		{"most votes win", []*Record{voter("1", 0), voter("2", 1), voter("2", 1)}, 1, 2},
		{"a tie goes to the first", []*Record{voter("1", 0), voter("2", 1), voter("2", 1), voter("1", 0)}, 0, 2},
		{"the other way round too", []*Record{voter("2", 1), voter("1", 0)}, 1, 2},
		{"partial credit is the winner's", []*Record{voter("a", 0.5), voter("a", 0.5), voter("b", 1)}, 0.5, 2},
		{"equal by the grader, not as text", []*Record{voter("x", 0), voter("x", 0), voter("1/2", 1), voter("0.5", 1), voter("0.50", 1)}, 1, 2},
		{"no answer does not vote", []*Record{silent(data.NoAnswer), silent(data.NoAnswer), voter("2", 1)}, 1, 1},
		{"neither does what was not graded", []*Record{silent(data.Timeout), failed, silent(data.Ungradable), voter("2", 1)}, 1, 1},
		{"nobody votes", []*Record{silent(data.NoAnswer)}, 0, 0},
	}
	same := func(a, b string) bool { // as a grader of numbers would
		number := func(s string) string { return strings.TrimRight(strings.Replace(s, "1/2", "0.5", 1), "0") }
		return number(a) == number(b)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			camps := gather(pair(test.members, nil), same)
			score, distinct := majority(camps), len(camps)
			if score != test.score || distinct != test.distinct {
				t.Errorf("score %v of %d answers, want %v of %d", score, distinct, test.score, test.distinct)
			}
		})
	}
}

// TestMajorityFollowsItsClosedForm: with two answers and an odd number of votes
// the majority is right with the upper half of a binomial.
func TestMajorityFollowsItsClosedForm(t *testing.T) {
	const n, p, trials = 7, 0.6, 20000
	rng := rand.New(rand.NewPCG(1, 2))
	equal := func(a, b string) bool { return a == b }
	var sum float64
	for range trials {
		members := make([]*Record, n)
		for i := range members {
			members[i] = voter("wrong", 0)
			if rng.Float64() < p {
				members[i] = voter("right", 1)
			}
		}
		sum += majority(gather(pair(members, nil), equal))
	}
	want := 1 - distuv.Binomial{N: n, P: p}.CDF(n/2)
	within(t, "majority", Number(sum/trials), want, want*(1-want), trials)
}

// TestBootstrapCovers: intervals of means of 60 fair coins hold the truth in
// close to 95 % of the cases. The percentile interval is known to be a little
// narrow for so few values: exact coverage is about 94 %.
func TestBootstrapCovers(t *testing.T) {
	const trials, n, truth = 600, 60, 0.7
	rng := rand.New(rand.NewPCG(3, 4))
	covered, width := 0, 0.0
	for range trials {
		values := make([]float64, n)
		for i := range values {
			if rng.Float64() < truth {
				values[i] = 1
			}
		}
		ci := bootstrap(values, rng)
		if ci[0] <= truth && truth <= ci[1] {
			covered++
		}
		width += ci[1] - ci[0]
	}
	share := float64(covered) / trials
	t.Logf("coverage %.3f", share)
	if share < 0.91 || share > 0.98 {
		t.Errorf("95 %% intervals cover the truth in %.3f of the cases", share)
	}
	want := 2 * 1.96 * math.Sqrt(truth*(1-truth)/n)
	if got := width / trials; math.Abs(got-want) > 0.05*want {
		t.Errorf("mean width %.4f, want about %.4f", got, want)
	}
}

func TestBootstrapOfEqualValuesIsAPoint(t *testing.T) {
	if ci := bootstrap([]float64{0.5, 0.5, 0.5}, rand.New(rand.NewPCG(1, 1))); ci != [2]float64{0.5, 0.5} {
		t.Errorf("interval %v, want a point at 0.5", ci)
	}
}

// TestCandidateSets checks the law of Eq. 2: K without replacement inside a set,
// every set equally likely, sets independent of each other, failed rollouts
// never drawn.
func TestCandidateSets(t *testing.T) {
	const n, k, draws = 5, 3, 20000
	before := make([]*Record, n)
	for i := range before {
		before[i] = voter("1", 1)
	}
	counts, firsts, pairs := map[string]int{}, make([]int, n), 0
	for i := range draws {
		set := candidateSet(1, data.ProblemID(fmt.Sprint(i/100)), 1, i%100, k, before)
		mask := make([]byte, n)
		for _, c := range set {
			mask[c]++
		}
		if len(set) != k || strings.Count(fmt.Sprint(mask), "1") != k {
			t.Fatalf("set %v is not %d different ones of %d", set, k, n)
		}
		counts[fmt.Sprint(mask)]++
		firsts[set[0]]++
		other := candidateSet(1, data.ProblemID(fmt.Sprint(i/100)), 1, i%100+1000, k, before)
		if other[0] == set[0] {
			pairs++
		}
	}
	sets := combin.Binomial(n, k)
	if len(counts) != sets {
		t.Errorf("%d different sets of %d", len(counts), sets)
	}
	p := 1 / float64(sets)
	for set, c := range counts {
		within(t, "share of set "+set, Number(float64(c)/draws), p, p*(1-p), draws)
	}
	for i, c := range firsts {
		within(t, fmt.Sprint("share of first place ", i), Number(float64(c)/draws), 1.0/n, 1.0/n*(1-1.0/n), draws)
	}
	within(t, "same first candidate in two sets", Number(float64(pairs)/draws), 1.0/n, 1.0/n*(1-1.0/n), draws)

	before[0].Finish, before[2].Finish, before[4].Finish = data.FinishError, data.FinishError, data.FinishError
	for i := range 50 {
		set := candidateSet(1, "p", 1, i, k, before)
		if fmt.Sprint(set) != "[1 3]" && fmt.Sprint(set) != "[3 1]" {
			t.Fatalf("set %v of the two rollouts that completed, 1 and 3", set)
		}
	}
}

// TestNumbersWithoutSamplesAreNull: JSON has no NaN.
func TestNumbersWithoutSamplesAreNull(t *testing.T) {
	raw, err := json.Marshal([]Number{Number(math.NaN()), 0.5})
	if err != nil || string(raw) != "[null,0.5]" {
		t.Fatalf("%s, %v", raw, err)
	}
	var back []Number
	if err := json.Unmarshal(raw, &back); err != nil || !math.IsNaN(float64(back[0])) || back[1] != 0.5 {
		t.Fatalf("%v, %v", back, err)
	}
}
