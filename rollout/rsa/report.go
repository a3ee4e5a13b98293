package rsa

import (
	"encoding/json"
	"math"
	"strconv"
)

// Report is a whole run in numbers: report.json. It is a function of the stored
// rollouts alone, so it is the same however often the run was interrupted.
type Report struct {
	Schema    int      `json:"schema"` // 1
	Simulated bool     `json:"simulated"`
	Model     string   `json:"model"`
	Method    string   `json:"method"`
	Rule      Rule     `json:"answer"` // how the method answers: the rule of the curve
	Datasets  []string `json:"datasets"`
	Problems  int      `json:"problems"`
	RSA       Size     `json:"rsa"`
	Seed      int64    `json:"seed"`            // the first of several
	Seeds     []Seeded `json:"seeds,omitempty"` // if there are several
	Sampling  Drawn    `json:"sampling"`
	Rater     string   `json:"rater,omitempty"` // the grader behind best_rated
	// Agreeing counts the problems, of each seed, whose rounds were not all asked
	// for, because a population agreed; null if that was not to be.
	Agreeing *int    `json:"stopped_when_agreed,omitempty"`
	Rounds   []Round `json:"rounds"`
	// Given is P(correct | c of K candidates correct) over all rounds after the
	// first; empty for T = 1.
	Given []Given `json:"given_correct"`
	// Curve is the answer's score over what was spent on a problem.
	Curve []Spent `json:"curve"`
	// ByDataset repeats the rounds for each dataset, if there are several.
	ByDataset map[string]Part `json:"by_dataset,omitempty"`
	Totals    Totals          `json:"totals"`
	Cost      *Cost           `json:"cost,omitempty"` // if prices were given

	// Results are what all of it was made of.
	Results []Result `json:"-"`
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

// Seeded is the end of one seed's run.
type Seeded struct {
	Seed   int64  `json:"seed"`
	Answer Number `json:"answer"` // mean score of the method's answers
}

// Part is the report of some of the problems.
type Part struct {
	Problems int     `json:"problems"`
	Rounds   []Round `json:"rounds"`
	Curve    []Spent `json:"curve"`
}

// Totals count rollouts over all rounds and seeds.
type Totals struct {
	Rollouts           int   `json:"rollouts"`
	Failed             int   `json:"failed"`   // no completion
	Ungraded           int   `json:"ungraded"` // completed, but the grader could not judge: bad gold, timeout, error
	Tokens             int64 `json:"tokens"`   // of completions
	PromptTokens       int64 `json:"prompt_tokens"`
	VerifyTokens       int64 `json:"verify_tokens"` // of verifications, beside these
	VerifyPromptTokens int64 `json:"verify_prompt_tokens"`
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
	PassAt     []PassAt  `json:"pass_at"`
	Best       []Best    `json:"best"` // by each rule that chooses one of N and has something to go by
	Distinct   Number    `json:"distinct_answers"`
	DistinctCI [2]Number `json:"distinct_answers_ci95"`
	Entropy    Number    `json:"entropy_bits"` // of the answers of a population
	EntropyCI  [2]Number `json:"entropy_bits_ci95"`
	Agreed     Number    `json:"agreed"`              // share of problems whose rollouts all give one answer
	Unchanged  int       `json:"unchanged,omitempty"` // populations that stand for ones not asked for

	Rollouts    int       `json:"rollouts"` // asked for
	Counted     int       `json:"counted"`  // graded: scored or no_answer
	NoAnswer    int       `json:"no_answer"`
	Failed      int       `json:"failed"`
	Ungraded    int       `json:"ungraded"`
	Truncated   Number    `json:"truncated"` // share of completions that reached max_tokens
	TruncatedCI [2]Number `json:"truncated_ci95"`
	Cut         int       `json:"cut"` // prompts whose candidates were shortened or dropped to fit
	MeanTokens  Number    `json:"mean_tokens"`
	MeanPrompt  Number    `json:"mean_prompt_tokens"`
	// Of all rollouts of the round, and of the rounds up to it; verifications are
	// only in what is spent.
	Tokens            int64     `json:"tokens"`
	PromptTokens      int64     `json:"prompt_tokens"`
	SpentTokens       int64     `json:"spent_tokens"`
	SpentPromptTokens int64     `json:"spent_prompt_tokens"`
	Verified          *Verified `json:"verified,omitempty"`
	Given             []Given   `json:"given_correct,omitempty"`
}

// PassAt is the unbiased estimate of pass@k, over the problems with k graded
// rollouts.
type PassAt struct {
	K  int       `json:"k"`
	P  Number    `json:"p"`
	CI [2]Number `json:"p_ci95"`
}

// Best is the mean score of the answers that a rule chooses.
type Best struct {
	Rule Rule      `json:"rule"`
	Mean Number    `json:"mean"`
	CI   [2]Number `json:"ci95"`
}

// Verified says how good self-verification is.
type Verified struct {
	AcceptsRight Number `json:"accepts_right"` // share of right rollouts called right
	AcceptsWrong Number `json:"accepts_wrong"` // share of wrong rollouts called right
	Silent       int    `json:"silent"`        // neither true nor false
}

// Given is P(correct | c of K candidates correct); correct means score 1.
type Given struct {
	Correct int       `json:"correct"` // c
	Of      int       `json:"of"`      // K
	Prompts int       `json:"prompts"`
	P       Number    `json:"p"`
	CI      [2]Number `json:"p_ci95"`
	Mean    Number    `json:"mean"` // of the scores
}

// Spent is a point of the curve over cost: means over problems.
type Spent struct {
	Rollouts     Number    `json:"rollouts"`
	Tokens       Number    `json:"tokens"`
	PromptTokens Number    `json:"prompt_tokens"`
	Mean         Number    `json:"mean"` // score of the method's answer
	CI           [2]Number `json:"ci95"`
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

// Complete reports whether every rollout was completed and graded.
func (r *Report) Complete() bool { return r.Totals.Failed == 0 && r.Totals.Ungraded == 0 }
