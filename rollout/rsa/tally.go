package rsa

import (
	"github.com/ropewalk/ropewalk/data"
)

// tally is what one population adds to the report.
type tally struct {
	completed, failed, ungraded, noAnswer, truncated int
	counted                                          int // with a score: the sample of all means
	tokens, promptTokens                             int64
	cut                                              int // prompts whose candidates were cut or dropped
	mean                                             float64
	majority                                         float64
	pass                                             float64 // 1 if any rollout is right
	distinct                                         int     // answers, by the grader
	given                                            []cell  // by the number of right candidates in the prompt
}

// cell counts the prompts with a given number of right candidates.
type cell struct {
	prompts, right int
	score          float64
}

// tally sums up a whole population.
func (r *runner) tally(problem int, p *population) tally {
	y := tally{given: make([]cell, r.K+1)}
	same := func(a, b string) bool { return r.graders.SameAnswer(&r.problems[problem], a, b) }
	for _, m := range p.members {
		y.add(m)
		if m.counts() && len(m.Parents) == r.K {
			y.given[rightParents(m, p.before)].add(m)
		}
	}
	if y.counted > 0 {
		y.mean /= float64(y.counted)
	}
	y.majority, y.distinct = majority(p.members, same)
	return y
}

func (y *tally) add(m *Record) {
	if m.Cut != "" {
		y.cut++
	}
	if !m.completed() {
		y.failed++
		return
	}
	y.completed++
	y.tokens += int64(m.tokens())
	y.promptTokens += int64(m.Prompt.len())
	if m.Finish == data.FinishLength {
		y.truncated++
	}
	if !m.counts() {
		y.ungraded++
		return
	}
	y.counted++
	y.mean += m.Verdict.Score
	if m.Verdict.Status == data.NoAnswer {
		y.noAnswer++
	}
	if m.right() {
		y.pass = 1
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

func (c *cell) add(m *Record) {
	c.prompts++
	c.score += m.Verdict.Score
	if m.right() {
		c.right++
	}
}

func (c *cell) merge(o cell) {
	c.prompts += o.prompts
	c.right += o.right
	c.score += o.score
}

// majority is the score of the answer that most rollouts give, and the number of
// distinct answers. Answers are grouped with the first of their kind, ties go to
// the group that came first, rollouts without an answer do not vote. Nobody
// voting scores 0.
func majority(members []*Record, same func(a, b string) bool) (score float64, distinct int) {
	type camp struct {
		first *Record
		votes int
	}
	var camps []camp
	for _, m := range members {
		if !m.counts() || m.Verdict.Answer == "" {
			continue
		}
		at := -1
		for i, c := range camps {
			if c.first.Verdict.Answer == m.Verdict.Answer || same(c.first.Verdict.Answer, m.Verdict.Answer) {
				at = i
				break
			}
		}
		if at < 0 {
			at = len(camps)
			camps = append(camps, camp{first: m})
		}
		camps[at].votes++
	}
	best := 0
	for _, c := range camps {
		if c.votes > best {
			best, score = c.votes, c.first.Verdict.Score
		}
	}
	return score, len(camps)
}
