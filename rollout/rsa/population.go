package rsa

import (
	"math"

	"github.com/ropewalk/ropewalk/data"
)

// Population is one population of a problem in numbers. Over several seeds, counts
// and tokens are sums and all else are means.
type Population struct {
	Answers
	// Unchanged counts populations that were not asked for, because the one before
	// agreed: they stand for it, at no cost.
	Unchanged int      `json:"unchanged,omitempty"`
	Pass      Number   `json:"pass_n"`           // 1 if any rollout is right
	PassAt    []Number `json:"pass_at"`          // by passKs of N
	Distinct  Number   `json:"distinct_answers"` // by the grader
	Entropy   Number   `json:"entropy_bits"`     // of the answers
	Agreed    Number   `json:"agreed"`           // 1 if all N rollouts give the same answer
	Given     []Cell   `json:"given,omitempty"`  // by the number of right candidates in the prompt

	Rollouts  int `json:"rollouts"` // asked for
	Completed int `json:"completed"`
	Failed    int `json:"failed"` // no completion
	Counted   int `json:"counted"`
	Right     int `json:"right"`
	Votes     int `json:"votes,omitempty"` // for the most frequent answer
	NoAnswer  int `json:"no_answer"`
	Ungraded  int `json:"ungraded"`
	Truncated int `json:"truncated"`
	Cut       int `json:"cut"` // prompts whose candidates were shortened or dropped

	Tokens       int64  `json:"tokens"` // of completions
	PromptTokens int64  `json:"prompt_tokens"`
	Judged       Judged `json:"judged"`
}

// Cell counts the prompts with a given number of right candidates.
type Cell struct {
	Prompts int     `json:"prompts"`
	Right   int     `json:"right"`
	Score   float64 `json:"score"`
}

// Judged counts self-verifications.
type Judged struct {
	Right         int   `json:"right"` // verifications of right rollouts
	Wrong         int   `json:"wrong"`
	AcceptedRight int   `json:"accepted_right"`
	AcceptedWrong int   `json:"accepted_wrong"`
	Silent        int   `json:"silent"` // neither true nor false, or no completion
	Tokens        int64 `json:"tokens"`
	PromptTokens  int64 `json:"prompt_tokens"`
}

// Point is what a budget buys: the answers to a problem when so much is spent.
type Point struct {
	Answers
	Rollouts     float64 `json:"rollouts"` // generations, verifications not counted
	Tokens       float64 `json:"tokens"`   // of completions, verifications included
	PromptTokens float64 `json:"prompt_tokens"`
}

// measure sums up a whole population. before is nil for the first.
func (r *runner) measure(problem int, population []sampled, before []*Record) Population {
	same := r.same(problem)
	camps := gather(population, same)
	y := Population{
		Answers: answers(population, same), Rollouts: len(population), Given: make([]Cell, r.K+1),
		Distinct: Number(len(camps)), Entropy: Number(entropy(camps)),
	}
	for _, m := range population {
		y.add(m)
		if m.counts() && len(m.Parents) == r.K {
			y.Given[rightParents(m.Record, before)].add(m.Record)
		}
	}
	if y.Right > 0 {
		y.Pass = 1
	}
	if len(camps) == 1 && camps[0].votes == len(population) {
		y.Agreed = 1
	}
	for _, c := range camps {
		y.Votes = max(y.Votes, c.votes)
	}
	for _, k := range passKs(r.N) {
		y.PassAt = append(y.PassAt, Number(passAt(y.Counted, y.Right, k)))
	}
	if y.Counted == 0 {
		nan := Number(math.NaN())
		y.Pass, y.Distinct, y.Entropy, y.Agreed = nan, nan, nan, nan
	}
	return y
}

// same tells whether two answers to a problem are one.
func (r *runner) same(problem int) func(a, b string) bool {
	return func(a, b string) bool { return r.graders.SameAnswer(&r.problems[problem], a, b) }
}

func (y *Population) add(m sampled) {
	if m.Cut != "" {
		y.Cut++
	}
	if !m.completed() {
		y.Failed++
		return
	}
	y.Completed++
	y.Tokens += int64(m.tokens())
	y.PromptTokens += int64(m.promptTokens())
	if m.Finish == data.FinishLength {
		y.Truncated++
	}
	if m.verdict != nil {
		y.Judged.add(m)
	}
	if !m.counts() {
		y.Ungraded++
		return
	}
	y.Counted++
	if m.Verdict.Status == data.NoAnswer {
		y.NoAnswer++
	}
	if m.right() {
		y.Right++
	}
}

func (j *Judged) add(m sampled) {
	if m.verdict.completed() {
		j.Tokens += int64(m.verdict.tokens())
		j.PromptTokens += int64(m.verdict.promptTokens())
	}
	if m.verdict.Verdict.Answer == "" {
		j.Silent++
	}
	accepted := 0
	if accepts(m.verdict) {
		accepted = 1
	}
	switch {
	case m.right():
		j.Right++
		j.AcceptedRight += accepted
	case m.counts():
		j.Wrong++
		j.AcceptedWrong += accepted
	}
}

func rightParents(m *Record, before []*Record) int {
	n := 0
	for _, i := range m.Parents {
		if before[i].right() {
			n++
		}
	}
	return n
}

func (c *Cell) add(m *Record) {
	c.Prompts++
	c.Score += m.Verdict.Score
	if m.right() {
		c.Right++
	}
}

func (c *Cell) merge(o Cell) {
	c.Prompts += o.Prompts
	c.Right += o.Right
	c.Score += o.Score
}

// unchanged is the population that stands for one not asked for.
func (y Population) unchanged() Population {
	return Population{Answers: y.Answers, Unchanged: 1, Pass: y.Pass, PassAt: y.PassAt, Distinct: y.Distinct, Entropy: y.Entropy, Agreed: y.Agreed}
}

// parts are the points of a single population: the answers of its first 1/n, 2/n …
// rollouts, which are samples like any others.
func (r *runner) parts(problem int, population []sampled) []Point {
	var points []Point
	same, parts := r.same(problem), max(1, r.Points)
	for i := 1; i <= parts; i++ {
		some := population[:len(population)*i/parts]
		p := Point{Answers: answers(some, same), Rollouts: float64(len(some))}
		for _, m := range some {
			p.spend(m)
		}
		points = append(points, p)
	}
	return points
}

func (p *Point) spend(m sampled) {
	for _, r := range []*Record{m.Record, m.verdict} {
		if r != nil && r.completed() {
			p.Tokens += float64(r.tokens())
			p.PromptTokens += float64(r.promptTokens())
		}
	}
}

// after is the point that a population adds to those before it.
func (y *Population) after(points []Point) []Point {
	p := Point{}
	if len(points) > 0 {
		p = points[len(points)-1]
	}
	p.Answers = y.Answers
	p.Rollouts += float64(y.Rollouts)
	p.Tokens += float64(y.Tokens + y.Judged.Tokens)
	p.PromptTokens += float64(y.PromptTokens + y.Judged.PromptTokens)
	return append(points, p)
}
