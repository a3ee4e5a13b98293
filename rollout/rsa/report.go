package rsa

import (
	"encoding/json"
	"math"
	"strconv"

	"gonum.org/v1/gonum/stat"

	"github.com/ropewalk/ropewalk/rollout"
)

// Report is a whole run in numbers: report.json. It is a function of the stored
// rollouts alone, so it is the same however often the run was interrupted.
type Report struct {
	Schema    int      `json:"schema"` // 1
	Simulated bool     `json:"simulated"`
	Model     string   `json:"model"`
	Datasets  []string `json:"datasets"`
	Problems  int      `json:"problems"`
	RSA       Size     `json:"rsa"`
	Seed      int64    `json:"seed"`
	Sampling  Drawn    `json:"sampling"`
	Rounds    []Round  `json:"rounds"`
	// Given is P(correct | c of K candidates correct) over all rounds after the
	// first; empty for T = 1.
	Given []Given `json:"given_correct"`
	// ByDataset repeats the rounds for each dataset, if there are several.
	ByDataset map[string]Part `json:"by_dataset,omitempty"`
	Totals    Totals          `json:"totals"`
}

// Size is N, K and T.
type Size struct {
	N int `json:"n"`
	K int `json:"k"`
	T int `json:"t"`
}

// Drawn is how completions were drawn.
type Drawn struct {
	Temperature     float64 `json:"temperature"`
	MaxTokens       int     `json:"max_tokens"`
	MaxPromptTokens int     `json:"max_prompt_tokens"`
}

// Part is the report of some of the problems.
type Part struct {
	Problems int     `json:"problems"`
	Rounds   []Round `json:"rounds"`
}

// Totals count rollouts over all rounds.
type Totals struct {
	Rollouts     int   `json:"rollouts"`
	Failed       int   `json:"failed"`   // no completion
	Ungraded     int   `json:"ungraded"` // completed, but the grader could not judge: bad gold, timeout, error
	Tokens       int64 `json:"tokens"`   // of completions
	PromptTokens int64 `json:"prompt_tokens"`
}

// Round is one population over all problems. Means are over the problems with at
// least one graded rollout; each problem weighs the same. Intervals are 95 %
// bootstrap intervals over problems. A value without any sample is null.
type Round struct {
	Round      int       `json:"round"`
	Problems   int       `json:"problems"` // with at least one graded rollout
	Mean       Number    `json:"mean"`     // of a rollout's score
	CI95       [2]Number `json:"ci95"`
	Majority   Number    `json:"majority"` // score of the answer most rollouts give
	MajorityCI [2]Number `json:"majority_ci95"`
	PassN      Number    `json:"pass_n"` // share of problems with a rollout of score 1
	PassNCI    [2]Number `json:"pass_n_ci95"`
	Distinct   Number    `json:"distinct_answers"` // in a population
	Rollouts   int       `json:"rollouts"`
	Counted    int       `json:"counted"` // graded: scored or no_answer
	NoAnswer   int       `json:"no_answer"`
	Failed     int       `json:"failed"`
	Ungraded   int       `json:"ungraded"`
	Truncated  Number    `json:"truncated"` // share of completions that reached max_tokens
	Cut        int       `json:"cut"`       // prompts whose candidates were shortened or dropped to fit
	MeanTokens Number    `json:"mean_tokens"`
	MeanPrompt Number    `json:"mean_prompt_tokens"`
	Tokens     int64     `json:"tokens"`
	Given      []Given   `json:"given_correct,omitempty"`
}

// Given is P(correct | c of K candidates correct); correct means score 1.
type Given struct {
	Correct int    `json:"correct"` // c
	Of      int    `json:"of"`      // K
	Prompts int    `json:"prompts"`
	P       Number `json:"p"`
	Mean    Number `json:"mean"` // of the scores
}

// Number is a float64 whose NaN is JSON's null.
type Number float64

// MarshalJSON writes NaN and infinities as null.
func (n Number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(n), 'g', -1, 64), nil
}

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(raw, (*float64)(n))
}

func ratio(a, b float64) Number { return Number(a / b) } // 0/0 is NaN: null

// report sums up all tallies.
func (r *runner) report() Report {
	info := r.engines.Info()
	all := make([]int, len(r.problems))
	byDataset := map[string][]int{}
	var names []string
	for i := range r.problems {
		all[i] = i
		name := r.problems[i].Dataset
		if byDataset[name] == nil {
			names = append(names, name)
		}
		byDataset[name] = append(byDataset[name], i)
	}
	out := Report{
		Schema: 1, Simulated: info.Simulated, Model: info.Model, Datasets: names, Problems: len(r.problems),
		RSA: Size{r.N, r.K, r.T}, Seed: r.Seed,
		Sampling: Drawn{r.Sampling.Temperature, r.Sampling.MaxTokens, r.Prompt.MaxTokens},
		Rounds:   r.rounds(all), Given: []Given{},
	}
	out.Given = r.given(all, 1, r.T)
	if len(names) > 1 {
		out.ByDataset = map[string]Part{}
		for name, some := range byDataset {
			out.ByDataset[name] = Part{Problems: len(some), Rounds: r.rounds(some)}
		}
	}
	for _, round := range out.Rounds {
		out.Totals.Rollouts += round.Rollouts
		out.Totals.Failed += round.Failed
		out.Totals.Ungraded += round.Ungraded
		out.Totals.Tokens += round.Tokens
	}
	for _, round := range r.tallies {
		for _, y := range round {
			out.Totals.PromptTokens += y.promptTokens
		}
	}
	return out
}

func (r *runner) rounds(problems []int) []Round {
	rounds := make([]Round, r.T)
	for t := range rounds {
		rounds[t] = r.round(t, problems)
	}
	return rounds
}

// round averages the tallies of some problems.
func (r *runner) round(t int, problems []int) Round {
	out := Round{Round: t, Rollouts: len(problems) * r.N}
	var means, majorities, passes, distinct []float64
	var completed, truncated int
	var promptTokens int64
	for _, i := range problems {
		y := r.tallies[t][i]
		completed += y.completed
		truncated += y.truncated
		promptTokens += y.promptTokens
		out.Counted += y.counted
		out.NoAnswer += y.noAnswer
		out.Failed += y.failed
		out.Ungraded += y.ungraded
		out.Cut += y.cut
		out.Tokens += y.tokens
		if y.counted == 0 {
			continue
		}
		out.Problems++
		means = append(means, y.mean)
		majorities = append(majorities, y.majority)
		passes = append(passes, y.pass)
		distinct = append(distinct, float64(y.distinct))
	}
	out.Mean, out.CI95 = r.estimate("mean", t, means)
	out.Majority, out.MajorityCI = r.estimate("majority", t, majorities)
	out.PassN, out.PassNCI = r.estimate("pass_n", t, passes)
	out.Distinct = Number(mean(distinct))
	out.Truncated = ratio(float64(truncated), float64(completed))
	out.MeanTokens = ratio(float64(out.Tokens), float64(completed))
	out.MeanPrompt = ratio(float64(promptTokens), float64(completed))
	if t > 0 {
		out.Given = r.given(problems, t, t+1)
	}
	return out
}

// estimate is the mean with its interval.
func (r *runner) estimate(what string, t int, values []float64) (Number, [2]Number) {
	if len(values) == 0 {
		nan := Number(math.NaN())
		return nan, [2]Number{nan, nan}
	}
	ci := bootstrap(values, rollout.Rand(r.Seed, "rsa bootstrap of "+what, int64(t)))
	return Number(mean(values)), [2]Number{Number(ci[0]), Number(ci[1])}
}

// mean is stat.Mean, NaN for nothing.
func mean(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return stat.Mean(values, nil)
}

// given sums the cells of the rounds from..to-1.
func (r *runner) given(problems []int, from, to int) []Given {
	if from >= to {
		return []Given{}
	}
	cells := make([]cell, r.K+1)
	for _, round := range r.tallies[from:to] {
		for _, i := range problems {
			for c, one := range round[i].given {
				cells[c].merge(one)
			}
		}
	}
	out := make([]Given, len(cells))
	for c, one := range cells {
		n := float64(one.prompts)
		out[c] = Given{Correct: c, Of: r.K, Prompts: one.prompts, P: ratio(float64(one.right), n), Mean: ratio(one.score, n)}
	}
	return out
}

// Complete reports whether every rollout was completed and graded.
func (r *Report) Complete() bool { return r.Totals.Failed == 0 && r.Totals.Ungraded == 0 }
