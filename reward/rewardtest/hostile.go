package rewardtest

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
)

// Hostile gives named responses made to break parsers: bytes that are no text,
// long runs, deep nesting, unfinished syntax, numbers beyond all bounds. The
// longest has a megabyte.
func Hostile() map[string]string {
	const mega = 1 << 20
	h := map[string]string{
		"empty": "", "nul": "\x00", "nuls": strings.Repeat("\x00", 1000), "invalid utf-8": "\xff\xfe\x80\\boxed{\xc3}",
		"lone backslash": `\`, "backslashes": strings.Repeat(`\`, mega), "right to left": "\u202e\\boxed{1}",
		"open braces": strings.Repeat("{", mega), "close braces": strings.Repeat("}", mega),
		"braces": strings.Repeat("{", mega/2) + strings.Repeat("}", mega/2), "spaces": strings.Repeat(" ", mega),
		"open boxes": strings.Repeat(`\boxed{`, mega/7), "boxes": strings.Repeat(`\boxed{1}`, mega/9), "box and spaces": `\boxed` + strings.Repeat(" ", mega-6),
		"open tags": strings.Repeat("<answer>", mega/8), "close tags": strings.Repeat("</answer>", mega/9),
		"tags": strings.Repeat("<answer>1</answer>", mega/18), "thinking": strings.Repeat("</think>", mega/8),
		"markers": strings.Repeat("final answer", mega/12), "hashes": strings.Repeat("#", mega),
		"digits": strings.Repeat("7", 100_000), "points": strings.Repeat("1.", mega/2), "thousands": "1" + strings.Repeat(",234", mega/4-1),
		"slashes": strings.Repeat("1/", mega/2), "signs": strings.Repeat("-", mega) + "1", "exponents": strings.Repeat("1e", mega/2), "percents": strings.Repeat("%", mega),
		"infinity": "inf", "nan": "nan", "python number": "70_313131", "arabic digits": "٣", "full width digits": "３", "superscript": "x²",
	}
	for name, inside := range map[string]string{
		"digits": strings.Repeat("7", 100_000), "nested braces": strings.Repeat("{", 10_000) + "1" + strings.Repeat("}", 10_000),
		"nested fractions": strings.Repeat(`\frac{`, 1000) + "1" + strings.Repeat("}{1}", 1000), "nested parentheses": strings.Repeat("(", 4000) + "1" + strings.Repeat(")", 4000),
		"list": strings.Repeat("1,", 4000), "thousands": strings.Repeat("1,234,", 1300), "exponents": strings.Repeat("1e900,", 1300), "tower": "9^{9^{9^{9^9}}}", "factorial": "(100!)!",
		"exponent": "1e999999999999999999999", "negative exponent": "1e-999999999", "power": `1\times10^{999999999}`, "zero division": `\frac{1}{0}`, "commas": strings.Repeat(",", 8000),
		"unfinished": `\frac{`, "unfinished command": `\`, "signs": strings.Repeat("-", 8000) + "1", "mixed": "1 " + strings.Repeat("1/", 4000),
		"nested thousands": strings.Repeat("(1,234,", 1000) + strings.Repeat(")", 1000),
	} {
		h["boxed "+name] = `\boxed{` + inside + "}"
		h["tagged "+name] = "<answer>" + inside + "</answer>"
	}
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < 50; i++ {
		h["random "+string(rune('A'+i))] = random(r)
	}
	return h
}

// fragments are what random hostile text is made of.
var fragments = []string{`\boxed{`, "{", "}", `\`, "<answer>", "</answer>", "</think>", "1", ",", ".", "/", "-", "e", "%", `\frac`, `\left(`, "(", ")", " ", "\n", "\x00", "\xff", "é", "####", "final answer is "}

func random(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(400) {
		b.WriteString(fragments[r.IntN(len(fragments))])
	}
	return b.String()
}

// hostileResponses grades each hostile response to a few of the problems.
func hostileResponses(t *testing.T, g reward.Grader, cases []Case) {
	problems := distinct(g, cases)
	for name, response := range Hostile() {
		t.Run(name, func(t *testing.T) {
			for _, p := range problems {
				if v := grade(t, g, p, response); v.Score != 0 && !strings.Contains(response, p.Gold) {
					t.Errorf("gold %q: garbage scored %v (%s)", p.Gold, v.Score, v.Reason)
				}
			}
		})
	}
}

// distinct picks gradable problems, one of each extraction and one for every
// tenth case, so that the suite stays quick.
func distinct(g reward.Grader, cases []Case) []*data.Problem {
	var problems []*data.Problem
	seen := map[string]bool{}
	for i := range cases {
		c := &cases[i]
		if c.Status == data.Scored && c.Score == 1 && (i%10 == 0 || !seen[string(c.Meta)]) {
			seen[string(c.Meta)] = true
			problems = append(problems, c.Problem(g.Name()))
		}
	}
	return problems
}

// hostileProblems puts the hostile texts where the gold and the meta should be.
func hostileProblems(t *testing.T, g reward.Grader, cases []Case) {
	for name, text := range Hostile() {
		t.Run(name, func(t *testing.T) {
			gold := &data.Problem{Gold: text, Grader: g.Name(), Meta: cases[0].Meta}
			meta := &data.Problem{Gold: cases[0].Gold, Grader: g.Name(), Meta: []byte(text)}
			for _, p := range []*data.Problem{gold, meta} {
				grade(t, g, p, cases[0].Response)
				grade(t, g, p, text)
			}
		})
	}
}

// concurrent grades all cases from many goroutines at once.
func concurrent(t *testing.T, g reward.Grader, cases []Case) {
	want := make([]data.Verdict, len(cases))
	for i := range cases {
		want[i] = g.Grade(t.Context(), cases[i].Problem(g.Name()), cases[i].Response)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range cases {
				got := g.Grade(t.Context(), cases[i].Problem(g.Name()), cases[i].Response)
				if !cmp.Equal(got, want[i]) {
					t.Errorf("%s: not the same from several goroutines:\n%s", cases[i].Name, cmp.Diff(want[i], got))
				}
			}
		})
	}
	all.Wait()
}

// comparer checks, of a grader that compares answers, that an answer is the
// same as itself, that the order of two does not matter, and that hostile ones
// do no harm.
func comparer(t *testing.T, g reward.Grader, cases []Case) {
	c, ok := g.(reward.Comparer)
	if !ok {
		return // answers are compared as strings
	}
	p := cases[0].Problem(g.Name())
	answers := []string{"", "\xff"}
	for i := range cases {
		if cases[i].Answer != nil {
			answers = append(answers, *cases[i].Answer)
		}
	}
	for _, text := range Hostile() {
		if !c.SameAnswer(p, text, text) {
			t.Errorf("%.40q is not the same as itself", text)
		}
		for _, a := range answers {
			if c.SameAnswer(p, a, text) != c.SameAnswer(p, text, a) {
				t.Errorf("%q and %.40q: the order matters", a, text)
			}
		}
	}
}
