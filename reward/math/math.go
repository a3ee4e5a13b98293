// Package math parses mathematical answers, in LaTeX and plain text, and decides
// whether two of them are the same answer.
//
// Answers are untrusted: depth, size and work are bounded, and the work is
// counted in steps, so that a verdict is the same every time. Equality is decided
// in stages, each with its guarantee; see docs/graders.md.
package math

import (
	"math/big"
	"strings"
)

// Options of a comparison. The zero value is exact equality within DefaultBudget.
type Options struct {
	// Tolerance accepts |answer - gold| up to it, RelTolerance up to it times
	// |gold|; nil for none.
	Tolerance, RelTolerance *big.Rat
	// Exact takes no rounded decimal for its value, whatever the gold.
	Exact bool
	// Degrees says that the question asks for degrees: 30° answers 30.
	Degrees bool
	// Budget is the number of steps; 0 for DefaultBudget.
	Budget int
}

// Outcome is what came of a comparison.
type Outcome uint8

// The outcomes.
const (
	Different Outcome = iota
	Equal
	// Refused: the answer is too expensive, or cannot be read or evaluated.
	Refused
	// BadGold: the gold is empty, too expensive or has no value.
	BadGold
)

// Result is an outcome and how it came about.
type Result struct {
	Outcome Outcome
	Stage   string // which stage decided
	Why     string // what it found: a witness, the normal forms, what is wrong
	Gold    string // as parsed and rendered back; "" if it was not parsed
	Answer  string
	Steps   int // spent
}

// Compare decides whether answer is the gold. It never panics.
func Compare(gold, answer string, o Options) Result {
	if o.Budget <= 0 {
		o.Budget = DefaultBudget
	}
	gold, answer = trimmed(gold), trimmed(answer)
	g, a := squashed(gold), squashed(answer)
	switch {
	case g == "":
		return Result{Outcome: BadGold, Why: "the gold is empty"}
	case a == "":
		return Result{Outcome: Different, Stage: stageIdentical, Why: "the answer is empty"}
	case g == a:
		return Result{Outcome: Equal, Stage: stageIdentical, Why: "the same text"}
	}
	if x, ok := plainInteger(g); ok {
		if y, ok := plainInteger(a); ok && (len(x) > 18 || len(y) > 18 || o.Tolerance == nil && o.RelTolerance == nil) {
			if o.Tolerance == nil && o.RelTolerance == nil {
				if x == y {
					return Result{Outcome: Equal, Stage: stageExact, Why: "the same integer"}
				}
				return Result{Outcome: Different, Stage: stageExact, Why: "two integers"}
			}
		}
	}
	if r, decided := said(gold, answer); decided {
		return r
	}
	c := &comparison{meter: &meter{left: o.Budget}, opt: o, seed: seed(g, a)}
	r := c.run(gold, answer)
	r.Steps = o.Budget - c.left
	return r
}

// plainInteger is an integer without leading zeros and plus sign.
func plainInteger(s string) (string, bool) {
	sign := ""
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = "-"
		}
		s = s[1:]
	}
	if s == "" || digits(s) != len(s) {
		return "", false
	}
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	if s == "0" || sign == "" {
		return s, true
	}
	return sign + s, true
}

// squashed is a text without spacing and sizing commands.
func squashed(s string) string {
	if strings.IndexByte(s, '\\') >= 0 || strings.IndexByte(s, ' ') >= 0 {
		return squasher.Replace(strings.Join(strings.Fields(s), " "))
	}
	return s
}

// trimmed is a text without what stands around an answer: white space, dollar
// signs, marks of emphasis, quotes, a full stop.
func trimmed(s string) string {
	s = strings.TrimSpace(s)
	for len(s) >= 2 && s[0] == '$' && s[len(s)-1] == '$' {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	for _, mark := range [...]string{"**", "`", `"`} {
		if len(s) > 2*len(mark) && strings.HasPrefix(s, mark) && strings.HasSuffix(s, mark) {
			s = strings.TrimSpace(s[len(mark) : len(s)-len(mark)])
		}
	}
	if len(s) > 1 && s[len(s)-1] == '.' && s[len(s)-2] != '.' {
		s = trimmed(s[:len(s)-1])
	}
	return s
}

var squasher = strings.NewReplacer(`\left(`, "(", `\right)`, ")", `\left[`, "[", `\right]`, "]", `\left\{`, `\{`, `\right\}`, `\}`, `\left|`, "|", `\right|`, "|", `\dfrac`, `\frac`, `\tfrac`, `\frac`, ` = `, `=`, ` + `, `+`, ` - `, `-`, `( `, `(`, ` )`, `)`)

// run parses both and compares all readings.
func (c *comparison) run(gold, answer string) (r Result) {
	g, t := parse(c.meter, gold, dialect{})
	if t != nil && t.budget {
		return Result{Outcome: BadGold, Why: "the gold: " + t.reason}
	}
	if t != nil {
		return c.opaque(gold, answer)
	}
	r.Gold = g.String()
	if t := c.gradable(g); t != nil {
		r.Outcome, r.Why = BadGold, "the gold: "+t.reason
		return r
	}
	var equal bool
	t = guard(func() { equal = c.readings(c.conditions(g), gold, answer, &r) })
	switch {
	case t == nil && equal:
		r.Outcome = Equal
	case t != nil && t.budget:
		r.Outcome, r.Why = Refused, t.reason
		return r
	case t != nil:
		r.Outcome, r.Why = Refused, "the answer cannot be read: "+t.reason
		return r
	case c.undecided != "":
		r.Outcome = Refused
	}
	r.Stage, r.Why = c.stage, c.why
	return r
}

// opaque compares a gold that is no mathematics, by its words.
func (c *comparison) opaque(gold, answer string) Result {
	equal := wordsOf(gold) == wordsOf(answer)
	r := Result{Stage: stageText, Why: "the gold is not mathematics that can be read; the words differ"}
	if equal {
		r.Outcome, r.Why = Equal, "the same words"
	}
	return r
}

// wordsOf is a text without case, commands that only lay out, and punctuation at
// its ends.
func wordsOf(s string) string {
	for _, drop := range [...]string{`\text`, `\mathrm`, `\textbf`, `\left`, `\right`, `\,`, `\!`, `\ `, "$", "{", "}"} {
		s = strings.ReplaceAll(s, drop, "")
	}
	return strings.Trim(strings.ToLower(strings.Join(strings.Fields(s), " ")), " .")
}

// gradable checks that a constant gold has a value that can be computed.
func (c *comparison) gradable(g *Node) (t *trouble) {
	if !g.scalar() || !g.constant() {
		return nil
	}
	if _, ok := infinite(g); ok || g.Kind == Number {
		return nil
	}
	spent := c.left
	outer := guard(func() {
		_, t = c.form(g)
		if t == nil || t == errZero || t == errUndefined {
			return
		}
		t = guard(func() { newNumeric(c.meter, 128).eval(g) })
		if t == errAmbiguous {
			t = nil
		}
		if t != nil && t != errBudget {
			if _, decided, _ := identical(c.meter, g, g, c.seed); decided {
				t = nil
			}
		}
	})
	if outer != nil {
		return outer
	}
	if t == errUnfit || t == errNotRational {
		return nil
	}
	// A gold's own cost is not the answer's: but it may not exceed half of all.
	if t == nil && c.left < spent/2 {
		return errBudget
	}
	return t
}

// readings tries the ways in which the answer can be read, most usual first.
func (c *comparison) readings(g *Node, gold, answer string, r *Result) bool {
	a, t := parse(c.meter, answer, dialect{})
	if t == nil {
		r.Answer = a.String()
		a = c.conditions(a)
		if c.same(g, a) {
			return true
		}
	}
	first := *c
	unread := t
	for _, d := range dialects(g, a, gold, answer) {
		goldAgain := g
		c.integers = nil
		if d.units {
			if h, t := parse(c.meter, gold, d); t == nil {
				goldAgain = h
			}
		}
		b, t := parse(c.meter, answer, d)
		if t == errBudget {
			panic(t)
		}
		if t != nil || b.Kind == List && d.decimalComma {
			continue
		}
		if c.same(c.conditions(goldAgain), c.conditions(b)) {
			r.Answer = b.String()
			return true
		}
		unread = nil
		if r.Answer == "" {
			r.Answer = b.String()
			first = *c
		}
	}
	if unread != nil {
		if wordsOf(gold) == wordsOf(answer) {
			return c.decide(true, stageText, "the same words")
		}
		panic(unread)
	}
	left := c.left
	*c = first // the reason of the most usual reading
	c.left = left
	return false
}

// dialects are the further readings that could matter.
func dialects(g, a *Node, gold, answer string) (ds []dialect) {
	if strings.Contains(answer, ",") {
		if g.Kind != Number || strings.Contains(answer, "(") || strings.Contains(answer, "{") {
			ds = append(ds, dialect{list: true})
		}
		if (g.scalar() && g.constant() || g.Kind == Quantity) && !strings.ContainsAny(answer, "([") {
			ds = append(ds, dialect{decimalComma: true})
		}
	}
	if strings.Contains(answer, ".") && strings.Contains(answer, "(") {
		ds = append(ds, dialect{repeat: true})
	}
	isQuantity := func(n *Node) bool { return n.Kind == Quantity }
	if g.has(isQuantity) || a.has(isQuantity) {
		ds = append(ds, dialect{units: true})
	}
	return ds
}
