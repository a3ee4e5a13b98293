package reward

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/ropewalk/ropewalk/data"
)

// Regex matches the answer against a pattern in RE2 syntax: meta.pattern, or the
// gold without one. The pattern must match the whole answer; with meta.match
// "search" some part of it. The answer is found by [RuleAuto] unless
// meta.extract names another rule.
//
// A pattern that is empty, no RE2 or larger than the limit is ungradable. The
// work is the product of the pattern's and the answer's sizes; an answer over
// the limit is scored 0.
type Regex struct{}

var (
	_ Grader     = Regex{}
	_ GoldReader = Regex{}
)

// Name is "regex".
func (Regex) Name() string { return "regex" }

// GoldAnswer knows none: a pattern need not match itself.
func (Regex) GoldAnswer(*data.Problem) (string, bool) { return "", false }

// Grade gives 1 for a match, 0 otherwise.
func (Regex) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	var t trace
	o, err := readOptions(p)
	if err != nil {
		return ungradable("%v", err)
	}
	pattern, err := readPattern(p)
	if err != nil {
		return ungradable("%v", err)
	}
	answer, verdict, ok := extractFor(&t, o, RuleAuto, response)
	if !ok {
		return t.on(verdict)
	}
	matched, err := pattern.match(answer)
	if err != nil {
		return t.on(wrong(answer, "%v", err))
	}
	t.add("match the pattern %s against %s: %v", show(pattern.text), show(answer), matched)
	if matched {
		return t.on(right(answer, "the pattern matches"))
	}
	return t.on(wrong(answer, "%s does not match %s", show(answer), show(pattern.text)))
}

// Bounds of a pattern and of matching it.
const (
	maxPattern   = 4096    // bytes
	maxProgram   = 20_000  // instructions of the compiled pattern
	maxMatchWork = 1 << 24 // instructions times bytes of the answer
)

// pattern is a compiled regular expression that counts its work.
type pattern struct {
	text string
	size int // instructions
	re   *regexp.Regexp
}

// readPattern compiles a problem's pattern.
func readPattern(p *data.Problem) (*pattern, error) {
	var meta struct {
		Pattern string `json:"pattern"`
		Match   string `json:"match"`
	}
	if err := readMeta(p, &meta); err != nil {
		return nil, err
	}
	text := meta.Pattern
	if text == "" {
		text = p.Gold
	}
	switch meta.Match {
	case "", "full":
		return compilePattern(text, true)
	case "search":
		return compilePattern(text, false)
	}
	return nil, fmt.Errorf("meta.match is %s; expected full or search", show(meta.Match))
}

func compilePattern(text string, full bool) (*pattern, error) {
	if text == "" {
		return nil, errors.New("there is no pattern")
	}
	if len(text) > maxPattern {
		return nil, fmt.Errorf("the pattern has %d bytes; the limit is %d", len(text), maxPattern)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %s", show(text), whyNoPattern(err))
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %s", show(text), whyNoPattern(err))
	}
	if len(program.Inst) > maxProgram {
		return nil, fmt.Errorf("pattern %s: %d instructions; the limit is %d", show(text), len(program.Inst), maxProgram)
	}
	source := text
	if full {
		source = `\A(?:` + text + `)\z`
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %s", show(text), whyNoPattern(err))
	}
	return &pattern{text, len(program.Inst), re}, nil
}

// whyNoPattern is the part of an error that quotes nothing of the pattern.
func whyNoPattern(err error) string {
	var bad *syntax.Error
	if errors.As(err, &bad) {
		return bad.Code.String() + " " + show(bad.Expr)
	}
	return show(err.Error())
}

// match is an error for a text that is too long for the pattern.
func (p *pattern) match(text string) (bool, error) {
	if most := maxMatchWork / p.size; len(text) > most {
		return false, fmt.Errorf("%d bytes are too much work for this pattern; the limit is %d", len(text), most)
	}
	return p.re.MatchString(text), nil
}
