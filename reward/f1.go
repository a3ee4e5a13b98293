package reward

import (
	"context"
	"strings"
	"unicode"

	"github.com/ropewalk/ropewalk/data"
)

// F1 grades short text by its words: 2·shared/(words of the answer + words of
// the gold), words counted as often as they occur, in lower case, without
// punctuation and English articles, as SQuAD does. Of several golds (see
// readGolds) the best counts. The answer is found by [RuleAuto] unless
// meta.extract names another rule.
//
// A gold without words is ungradable; an answer without words is scored 0.
type F1 struct{}

var (
	_ Grader     = F1{}
	_ Comparer   = F1{}
	_ GoldReader = F1{}
)

// Name is "f1".
func (F1) Name() string { return "f1" }

// Grade gives the best F1 over the golds.
func (F1) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var t trace
	o, err := readOptions(p)
	if err != nil {
		return ungradable("%v", err)
	}
	golds, err := readGolds(p)
	if err != nil {
		return ungradable("%v", err)
	}
	wanted := make([][]string, len(golds))
	for i, gold := range golds {
		if wanted[i] = words(gold); len(wanted[i]) == 0 {
			return ungradable("gold %s has no words", show(gold))
		}
	}
	answer, verdict, ok := extractFor(&t, o, RuleAuto, response)
	if !ok {
		return t.on(verdict)
	}
	got := words(answer)
	counts := tally(got)
	best, at := -1.0, 0
	for i, gold := range golds {
		want := wanted[i]
		shared := overlap(counts, want)
		score := 2 * float64(shared) / float64(len(got)+len(want))
		t.add("gold %s: %d words of %d and %d are shared, F1 %.4f", show(gold), shared, len(got), len(want), score)
		if score > best {
			best, at = score, i
		}
	}
	v := right(answer, "F1 %.4f with %s", best, show(golds[at]))
	v.Score = best
	return t.on(v)
}

// SameAnswer reports whether two answers have the same words in the same order.
func (F1) SameAnswer(_ *data.Problem, a, b string) bool {
	return a == b || strings.Join(words(a), " ") == strings.Join(words(b), " ")
}

// GoldAnswer is the first gold.
func (F1) GoldAnswer(p *data.Problem) (string, bool) { return firstGold(p) }

// words splits a text into what F1 counts. Articles go, unless nothing else is
// there: the answer may be the letter A.
func words(s string) []string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) || unicode.IsSymbol(r) && r < unicode.MaxASCII {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	all := strings.Fields(s)
	rest := make([]string, 0, len(all))
	for _, w := range all {
		if w != "a" && w != "an" && w != "the" {
			rest = append(rest, w)
		}
	}
	if len(rest) == 0 {
		return all
	}
	return rest
}

func tally(words []string) map[string]int {
	counts := make(map[string]int, len(words))
	for _, w := range words {
		counts[w]++
	}
	return counts
}

// overlap counts the words that both have, each as often as both have it.
func overlap(counts map[string]int, want []string) (shared int) {
	used := make(map[string]int, len(want))
	for _, w := range want {
		if used[w] < counts[w] {
			used[w]++
			shared++
		}
	}
	return shared
}
