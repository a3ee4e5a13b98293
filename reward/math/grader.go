package math

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ropewalk/ropewalk/data"
)

// Extractor finds the answer in a response by a named rule, or by the usual one
// if rule is ""; used is the name of the rule that found it. found is false if
// there is none. An unknown rule is an error.
type Extractor func(rule, response string) (answer, used string, found bool, err error)

// Grader grades mathematical answers. Options in the meta: "extract", the rule
// that finds the answer; "tolerance" and "rel_tolerance", differences that are
// accepted, absolute and relative to the gold; "degrees": true, the question
// asks for degrees, so that 30° answers 30.
type Grader struct {
	extract Extractor
}

// New makes the grader.
func New(extract Extractor) *Grader { return &Grader{extract: extract} }

// Name is "math".
func (*Grader) Name() string { return "math" }

// Grade gives 1 for an answer equal to the gold, 0 otherwise.
func (g *Grader) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	rule, o, err := readOptions(p.Meta)
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: "meta: " + quote(err.Error())}
	}
	answer, used, found, err := g.extract(rule, response)
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: err.Error()}
	}
	if !found {
		return data.Verdict{Status: data.NoAnswer, Reason: fmt.Sprintf("nothing found in the response by %q", used), Steps: []string{fmt.Sprintf("extract by %q: nothing found", used)}}
	}
	r := Compare(p.Gold, answer, o)
	v := data.Verdict{Status: data.Scored, Answer: answer, Reason: r.reason()}
	switch r.Outcome {
	case Equal:
		v.Score = 1
	case BadGold:
		return data.Verdict{Status: data.Ungradable, Reason: v.Reason}
	}
	v.Steps = r.explain(used, p.Gold, answer)
	return v
}

// SameAnswer reports whether two extracted answers are the same answer, either
// taken as the gold; no tolerance and no rounding.
func (g *Grader) SameAnswer(p *data.Problem, a, b string) bool {
	if a == b {
		return true
	}
	_, o, err := readOptions(p.Meta)
	if err != nil {
		return false
	}
	o = Options{Degrees: o.Degrees, Exact: true}
	return Compare(a, b, o).Outcome == Equal && Compare(b, a, o).Outcome == Equal
}

// readOptions reads a problem's meta.
func readOptions(raw []byte) (rule string, o Options, err error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return "", o, nil
	}
	var meta struct {
		Extract      string      `json:"extract"`
		Tolerance    json.Number `json:"tolerance"`
		RelTolerance json.Number `json:"rel_tolerance"`
		Degrees      bool        `json:"degrees"`
	}
	if err := json.Unmarshal(raw, &meta); err != nil {
		return "", o, err
	}
	o.Degrees = meta.Degrees
	if o.Tolerance, err = tolerance("tolerance", meta.Tolerance); err != nil {
		return "", o, err
	}
	o.RelTolerance, err = tolerance("rel_tolerance", meta.RelTolerance)
	return meta.Extract, o, err
}

// maxTolerance is the longest tolerance, in bytes, and the largest exponent.
const maxTolerance = 400

// tolerance reads a number of 0 or more; nil if absent.
func tolerance(key string, n json.Number) (*big.Rat, error) {
	if n == "" {
		return nil, nil
	}
	_, exponent, _ := strings.Cut(strings.ToLower(string(n)), "e")
	if e, err := strconv.Atoi(exponent); len(n) > maxTolerance || exponent != "" && (err != nil || e > maxTolerance || e < -maxTolerance) {
		return nil, fmt.Errorf("%s is out of range", key)
	}
	v, ok := new(big.Rat).SetString(string(n))
	if !ok || v.Sign() < 0 {
		return nil, fmt.Errorf("%s is %s; expected a number of 0 or more", key, n)
	}
	return v, nil
}

// reason is the verdict in one line.
func (r *Result) reason() string {
	switch r.Outcome {
	case Equal:
		return fmt.Sprintf("equal by %s: %s", r.Stage, r.Why)
	case Refused, BadGold:
		return r.Why
	}
	return fmt.Sprintf("different by %s: %s", r.Stage, r.Why)
}

// explain lists how a verdict came about.
func (r *Result) explain(rule, gold, answer string) []string {
	read := func(parsed string) string {
		if parsed == "" {
			return "not parsed"
		}
		return "read as " + parsed
	}
	return []string{
		fmt.Sprintf("extract by %q: %s", rule, quote(answer)),
		fmt.Sprintf("gold %s: %s", quote(gold), read(r.Gold)),
		fmt.Sprintf("answer %s: %s", quote(answer), read(r.Answer)),
		fmt.Sprintf("%s (%d steps of work)", r.reason(), r.Steps),
	}
}

// maxQuoted is how many bytes of untrusted text are quoted.
const maxQuoted = 80

// quote shows untrusted text on one line.
func quote(s string) string {
	cut := ""
	if len(s) > maxQuoted {
		end := maxQuoted
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s, cut = s[:end], "…"
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r == '`' || !strconv.IsPrint(r) }) {
		return strconv.Quote(s) + cut
	}
	return "`" + s + cut + "`"
}
