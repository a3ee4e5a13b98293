package gym

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var propositionalLogic = Task{"propositional_logic", scorePropositional}

// Bounds on a formula and on the variables of a truth table.
const (
	maxFormula   = 1000 // characters
	maxVariables = 12
)

// scorePropositional wants a formula that follows from the premises: 1; one that
// is always true, or a single variable, 0.25; one that does not follow 0.05; what
// is no formula over the puzzle's variables 0. The package takes any other text
// (small letters, an unmatched bracket) for a further free variable; so does
// strict.
func scorePropositional(e *Entry, answer string, strict bool) Result {
	names, err := metaStrings(e, "variables")
	if err != nil {
		return badEntry(err)
	}
	premises, err := metaStrings(e, "premises")
	if err != nil {
		return badEntry(err)
	}
	for _, r := range answer {
		if 'A' <= r && r <= 'Z' && !slices.Contains(names, string(r)) {
			return scored(0, "%c is no variable of the puzzle", r)
		}
	}
	table := &variables{names: slices.Clone(names), grow: true}
	given := make([]formula, len(premises))
	for i, text := range premises {
		var err error
		if given[i], err = parseFormula(text, table); err != nil {
			return badEntryf("metadata: premise %d: %w", i+1, err)
		}
	}
	table.grow = strict
	conclusion, err := parseFormula(answer, table)
	if err != nil {
		return scored(0, "%v", err)
	}
	if len(table.names) > maxVariables {
		return scored(0, "more than %d variables", maxVariables)
	}
	holds, always := true, true
	counter := uint32(0)
	for values := range uint32(1) << len(table.names) {
		if conclusion.value(values) {
			continue
		}
		always = false
		if !slices.ContainsFunc(given, func(f formula) bool { return !f.value(values) }) {
			holds, counter = false, values
			break
		}
	}
	switch {
	case !holds:
		return scored(0.05, "does not follow: the premises hold but it does not with %s", table.show(counter))
	case always || conclusion.op == 0:
		return scored(0.25, "follows, but is a single variable or always true")
	}
	return scored(1, "follows from the premises")
}

// variables are the names in a truth table; further ones are added if it grows.
type variables struct {
	names []string
	grow  bool
}

func (v *variables) show(values uint32) string {
	var b strings.Builder
	for i, name := range v.names {
		fmt.Fprintf(&b, "%s=%v ", quote(name), values>>i&1 == 1)
	}
	return strings.TrimSpace(strings.ReplaceAll(b.String(), `"`, ""))
}

// formula is a variable by its number (op 0) or an operator on its parts.
type formula struct {
	op       rune
	variable int
	parts    []formula
}

func (f formula) value(values uint32) bool {
	switch f.op {
	case '¬':
		return !f.parts[0].value(values)
	case '∧':
		return f.parts[0].value(values) && f.parts[1].value(values)
	case '∨':
		return f.parts[0].value(values) || f.parts[1].value(values)
	case '→':
		return !f.parts[0].value(values) || f.parts[1].value(values)
	case '↔':
		return f.parts[0].value(values) == f.parts[1].value(values)
	}
	return values>>f.variable&1 == 1
}

// parseFormula reads a formula. All operators of two sides group to the left;
// they bind, loosest first, ↔ → ∨ ∧ (so P→Q→R is (P→Q)→R, as in the package).
func parseFormula(text string, v *variables) (formula, error) {
	runes := []rune(text)
	if len(runes) > maxFormula {
		return formula{}, fmt.Errorf("a formula of more than %d characters", maxFormula)
	}
	return parseRunes(runes, v)
}

func parseRunes(text []rune, v *variables) (formula, error) {
	text = enclosed(text)
	if len(text) == 0 {
		return formula{}, errors.New("an empty formula, or an operator without one of its sides")
	}
	if at := loosest(text); at >= 0 {
		left, err := parseRunes(text[:at], v)
		if err != nil {
			return formula{}, err
		}
		right, err := parseRunes(text[at+1:], v)
		return formula{op: text[at], parts: []formula{left, right}}, err
	}
	if text[0] == '¬' {
		inner, err := parseRunes(text[1:], v)
		return formula{op: '¬', parts: []formula{inner}}, err
	}
	name := string(text)
	i := slices.Index(v.names, name)
	if i < 0 {
		if !v.grow || len(v.names) > maxVariables {
			return formula{}, fmt.Errorf("%s is no variable of the puzzle", quote(name))
		}
		i = len(v.names)
		v.names = append(v.names, name)
	}
	return formula{variable: i}, nil
}

// enclosed takes white space and the brackets around the whole away.
func enclosed(text []rune) []rune {
	for {
		for len(text) > 0 && isPySpace(text[0]) {
			text = text[1:]
		}
		for len(text) > 0 && isPySpace(text[len(text)-1]) {
			text = text[:len(text)-1]
		}
		if len(text) < 2 || text[0] != '(' || text[len(text)-1] != ')' {
			return text
		}
		level := 0
		for _, r := range text[1 : len(text)-1] {
			if r == '(' {
				level++
			} else if r == ')' {
				if level--; level < 0 {
					return text
				}
			}
		}
		if level != 0 {
			return text
		}
		text = text[1 : len(text)-1]
	}
}

// loosest is the place of the last of the loosest operators outside brackets, -1
// if there is none.
func loosest(text []rune) int {
	best, at, level := 4, -1, 0
	for i := len(text) - 1; i >= 0; i-- {
		switch r := text[i]; {
		case r == ')':
			level++
		case r == '(':
			level--
		case level == 0:
			if k := strings.IndexRune("↔→∨∧", r); k >= 0 && k/3 < best {
				best, at = k/3, i
			}
		}
	}
	return at
}
