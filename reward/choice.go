package reward

import (
	"context"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Choice grades multiple choice. An answer names one option: by its letter in any
// of the usual forms (B, (B), B., b), Option B, \text{B}, "B. Paris"), or by its
// text where meta.options holds the options, as a list or as an object by letter.
// Naming several options is wrong, whichever they are; naming none is
// data.NoAnswer. The answer is found by [RuleChoice] unless meta.extract names
// another rule.
//
// A gold that names no option, or several, is ungradable.
type Choice struct{}

var (
	_ Grader   = Choice{}
	_ Comparer = Choice{}
)

// Name is "choice".
func (Choice) Name() string { return "choice" }

// Grade gives 1 for the gold's option alone, 0 otherwise.
func (Choice) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var t trace
	o, err := readOptions(p)
	if err != nil {
		return ungradable("%v", err)
	}
	options, err := readChoices(p)
	if err != nil {
		return ungradable("%v", err)
	}
	gold, why := options.pick(p.Gold)
	if !gold.one() {
		return ungradable("gold %s: %s", show(p.Gold), why)
	}
	answer, verdict, ok := extractFor(&t, o, RuleChoice, response)
	if !ok {
		return t.on(verdict)
	}
	got, why := options.pick(answer)
	t.add("read as options: answer %s (%s), gold %s", got, why, gold)
	switch {
	case got == 0:
		v := noAnswer("%s: %s", show(answer), why)
		v.Answer = answer
		return t.on(v)
	case !got.one():
		return t.on(wrong(answer, "several options, %s, where one is asked for", got))
	case got != gold:
		return t.on(wrong(answer, "option %s is not %s", got, gold))
	}
	return t.on(right(answer, "option %s", got))
}

// SameAnswer reports whether two answers name the same one option.
func (Choice) SameAnswer(p *data.Problem, a, b string) bool {
	if a == b {
		return true
	}
	options, err := readChoices(p)
	if err != nil {
		return false
	}
	x, _ := options.pick(a)
	y, _ := options.pick(b)
	return x == y && x.one()
}

// letters is a set of options, bit 0 for A.
type letters uint32

// letterAt is the set of one ASCII letter of any case.
func letterAt(c byte) letters { return 1 << (c | 0x20 - 'a') }

func (l letters) one() bool { return l != 0 && l&(l-1) == 0 }

func (l letters) String() string {
	var names []string
	for i := range 26 {
		if l>>i&1 == 1 {
			names = append(names, string(rune('A'+i)))
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}
