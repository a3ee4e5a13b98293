package curate

import (
	"math/rand/v2"
	"slices"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout"
)

// DrawOptions say which examples are drawn from a problem's answers.
type DrawOptions struct {
	Seed       int64
	PerProblem int  // examples at most, of each of direct and aggregate; 0 for all
	Direct     bool // from answers to the problem itself
	Aggregate  bool // from answers to prompts that show candidates
	// Candidates is K for pools, which hold no answers to aggregation prompts: the
	// prompt shows K of the answers, a right one among the others is the target.
	// 0 leaves pools out of Aggregate.
	Candidates int
	// Low and High bound the problem's pass rate, inclusive.
	Low, High float64
}

// Example is one drawn example: a prompt, by the texts of its candidates, and
// what answers it.
type Example struct {
	Shown []table.Row // candidates in the prompt, in its order; none for direct
	Right table.Row
	Wrong *table.Row // for preferences: of the same prompt
}

// Answers are all that was answered to one problem, in the files' order.
type Answers struct {
	Problem data.ProblemID
	Rows    []table.Row
}

// PassRate is the share of right answers to the problem itself, over those that
// were graded; ok is false if there are none.
func (a *Answers) PassRate() (rate float64, graded int, ok bool) {
	right := 0
	for i := range a.Rows {
		if r := &a.Rows[i]; r.Kind == data.Direct && gradedRow(r) {
			graded++
			if Right(r) {
				right++
			}
		}
	}
	if graded == 0 {
		return 0, 0, false
	}
	return float64(right) / float64(graded), graded, true
}

// Within reports whether the problem's pass rate lies within the bounds. One
// without answers that were graded does not.
func (a *Answers) Within(low, high float64) bool {
	rate, _, ok := a.PassRate()
	return ok && rate >= low && rate <= high
}

func gradedRow(r *table.Row) bool { return r.Finish != data.FinishError && r.Status.Counts() }

// Right is the paper's notion of a right answer: graded, with the full score.
func Right(r *table.Row) bool { return gradedRow(r) && r.Score >= 1 }

// target reports whether an answer is one to learn: right, and not cut off.
func target(r *table.Row) bool {
	return Right(r) && r.Finish != data.FinishLength && r.Text != ""
}

func wrong(r *table.Row) bool { return gradedRow(r) && r.Score < 1 && r.Text != "" }

// SFT draws prompts with a right answer each. No text is drawn twice for one kind
// of prompt. missing counts answers left out because a candidate that their prompt
// showed is not among the rows.
func SFT(a Answers, o DrawOptions) (list []Example, missing int) {
	if o.Direct {
		list = append(list, limited(sft(a, o, "direct", isDirect), o)...)
	}
	if o.Aggregate {
		found, lost := withShown(sft(a, o, "aggregate", isAggregate), a)
		list = append(list, limited(found, o)...)
		missing += lost
		if o.Candidates > 0 {
			list = append(list, limited(shownFromPool(a, o), o)...)
		}
	}
	return list, missing
}

// Pairs draws prompts with a right and a wrong answer of one group each: answers
// to the same prompt. Within a group no answer is used twice before every other
// is used once.
func Pairs(a Answers, o DrawOptions) (list []Example, missing int) {
	for _, kind := range []struct {
		name string
		is   func(*table.Row) bool
		want bool
	}{{"direct", isDirect, o.Direct}, {"aggregate", isAggregate, o.Aggregate}} {
		if !kind.want {
			continue
		}
		var all []Example
		for _, group := range groups(a, kind.is) {
			all = append(all, pairs(group, rng(a, o, "pairs "+kind.name, int64(group[0].GroupID)))...)
		}
		shuffle(all, rng(a, o, "order of pairs "+kind.name))
		found, lost := withShown(all, a)
		list = append(list, limited(found, o)...)
		missing += lost
	}
	return list, missing
}

func isDirect(r *table.Row) bool    { return r.Kind == data.Direct }
func isAggregate(r *table.Row) bool { return r.Kind != data.Direct }

func rng(a Answers, o DrawOptions, purpose string, ids ...int64) *rand.Rand {
	return rollout.Rand(o.Seed, "curate "+purpose, append([]int64{key(string(a.Problem))}, ids...)...)
}

func shuffle[T any](list []T, r *rand.Rand) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func limited(list []Example, o DrawOptions) []Example {
	if o.PerProblem > 0 && len(list) > o.PerProblem {
		list = list[:o.PerProblem]
	}
	return list
}

// sft gives right answers of one kind in seeded order, equal texts once.
func sft(a Answers, o DrawOptions, purpose string, is func(*table.Row) bool) (list []Example) {
	seen := map[string]bool{}
	for _, r := range a.Rows {
		if is(&r) && target(&r) && !seen[r.Text] {
			seen[r.Text] = true
			list = append(list, Example{Right: r})
		}
	}
	shuffle(list, rng(a, o, "sft "+purpose))
	return list
}

// withShown looks up the candidates that prompts showed.
func withShown(list []Example, a Answers) (found []Example, missing int) {
	byID := make(map[data.RolloutID]int, len(a.Rows))
	for i := range a.Rows {
		byID[a.Rows[i].RolloutID] = i
	}
	for _, e := range list {
		for _, id := range e.Right.ParentIDs {
			if i, ok := byID[id]; ok {
				e.Shown = append(e.Shown, a.Rows[i])
			}
		}
		if len(e.Shown) == len(e.Right.ParentIDs) {
			found = append(found, e)
		} else {
			missing++
		}
	}
	return found, missing
}

// shownFromPool makes aggregation prompts of direct answers: for each right one,
// K of the others.
func shownFromPool(a Answers, o DrawOptions) (list []Example) {
	var usable []table.Row
	for i := range a.Rows {
		if r := &a.Rows[i]; isDirect(r) && gradedRow(r) && r.Text != "" {
			usable = append(usable, *r)
		}
	}
	if len(usable) <= o.Candidates {
		return nil
	}
	for _, e := range sft(a, o, "pool", isDirect) {
		others := slices.DeleteFunc(slices.Clone(usable), func(r table.Row) bool { return r.Text == e.Right.Text })
		if len(others) < o.Candidates {
			continue
		}
		for _, i := range rollout.Choose(rng(a, o, "candidates", key(string(e.Right.RolloutID))), len(others), o.Candidates) {
			e.Shown = append(e.Shown, others[i])
		}
		list = append(list, e)
	}
	return list
}

// groups gives the answers of one kind by the prompt that they answer, in order.
func groups(a Answers, is func(*table.Row) bool) (list [][]table.Row) {
	at := map[data.GroupID]int{}
	for i := range a.Rows {
		r := &a.Rows[i]
		if !is(r) {
			continue
		}
		n, ok := at[r.GroupID]
		if !ok {
			n = len(list)
			at[r.GroupID] = n
			list = append(list, nil)
		}
		list[n] = append(list[n], *r)
	}
	return list
}

// pairs matches right and wrong answers of a group until each is used once.
func pairs(group []table.Row, r *rand.Rand) (list []Example) {
	var rights, wrongs []table.Row
	for i := range group {
		switch {
		case target(&group[i]):
			rights = append(rights, group[i])
		case wrong(&group[i]):
			wrongs = append(wrongs, group[i])
		}
	}
	if len(rights) == 0 || len(wrongs) == 0 {
		return nil
	}
	shuffle(rights, r)
	shuffle(wrongs, r)
	for i := range max(len(rights), len(wrongs)) {
		list = append(list, Example{Right: rights[i%len(rights)], Wrong: &wrongs[i%len(wrongs)]})
	}
	return list
}
