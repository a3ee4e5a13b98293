package reward

import (
	"context"
	"fmt"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// JSON compares JSON values: numbers by value (1, 1.0 and 1e0 are one), objects
// in any order of keys, lists in order, strings to the letter. The gold is JSON.
// meta.paths lists JSON pointers (/a/0) of the only values that count; with
// meta.partial the score is the share of leaves that agree, by path, of those
// that either side has, so that inventing leaves costs as much as losing them.
// The answer is found by [RuleJSON] unless meta.extract names another rule.
//
// A gold that is no JSON, or has no value at one of the paths, is ungradable. An
// answer that is no JSON, or says a key twice, is scored 0.
type JSON struct{}

var (
	_ Grader   = JSON{}
	_ Comparer = JSON{}
)

// Name is "json".
func (JSON) Name() string { return "json" }

// jsonOptions are what json reads in the meta.
type jsonOptions struct {
	Paths   []string `json:"paths"`
	Partial bool     `json:"partial"`
}

// Grade gives 1 for an equal value, 0 or the share that agrees otherwise.
func (JSON) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var t trace
	o, err := readOptions(p)
	if err != nil {
		return ungradable("%v", err)
	}
	var in jsonOptions
	if err := readMeta(p, &in); err != nil {
		return ungradable("%v", err)
	}
	gold, err := in.leaves(p.Gold)
	if err != nil {
		return ungradable("gold %s: %v", show(p.Gold), err)
	}
	if missing := in.missing(gold); missing != "" {
		return ungradable("gold %s: no value at %s", show(p.Gold), show(missing))
	}
	answer, verdict, ok := extractFor(&t, o, RuleJSON, response)
	if !ok {
		return t.on(verdict)
	}
	got, err := in.leaves(answer)
	if err != nil {
		return t.on(wrong(answer, "answer %s: %v", show(answer), err))
	}
	equal, all, difference := compareLeaves(got, gold)
	t.add("compare by path: %d of %d values agree", equal, all)
	switch {
	case equal == all:
		return t.on(right(answer, "equal to the gold"))
	case !in.Partial:
		return t.on(wrong(answer, "%s", difference))
	}
	v := wrong(answer, "%d of %d values agree; %s", equal, all, difference)
	v.Score = float64(equal) / float64(all)
	return t.on(v)
}

// SameAnswer reports whether two texts are the same JSON value.
func (JSON) SameAnswer(_ *data.Problem, a, b string) bool {
	if a == b {
		return true
	}
	x, errX := parseLeaves(a)
	y, errY := parseLeaves(b)
	if errX != nil || errY != nil {
		return false
	}
	equal, all, _ := compareLeaves(x, y)
	return equal == all
}

// leaves reads a text and keeps what counts.
func (o jsonOptions) leaves(text string) (leaves, error) {
	all, err := parseLeaves(text)
	if err != nil || len(o.Paths) == 0 {
		return all, err
	}
	kept := leaves{}
	for path, value := range all {
		for _, want := range o.Paths {
			if below(path, want) {
				kept[path] = value
			}
		}
	}
	return kept, nil
}

// missing is a path under which there is no value.
func (o jsonOptions) missing(l leaves) string {
	for _, want := range o.Paths {
		found := false
		for path := range l {
			found = found || below(path, want)
		}
		if !found {
			return want
		}
	}
	return ""
}

// below reports whether a pointer is, or lies under, another.
func below(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/')
}

// compareLeaves counts the paths with equal values of all paths, and words the
// first difference in the order of paths.
func compareLeaves(got, gold leaves) (equal, all int, difference string) {
	all = len(gold)
	first := ""
	differs := func(path, format string, args ...any) {
		if difference == "" || path < first {
			first, difference = path, fmt.Sprintf(format, args...)
		}
	}
	for path, want := range gold {
		switch have, ok := got[path]; {
		case !ok:
			differs(path, "no value at %s", show(path))
		case have.within != want.within:
			differs(path, "at %s: lists where there are objects, or the reverse", show(path))
		case have != want:
			differs(path, "at %s: %s is not %s", show(path), show(have.value), show(want.value))
		default:
			equal++
		}
	}
	for path := range got {
		if _, ok := gold[path]; !ok {
			all++
			differs(path, "a value at %s, where there is none", show(path))
		}
	}
	return equal, all, difference
}
