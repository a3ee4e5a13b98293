package reward

import (
	"fmt"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Rule names a way to find the answer in a response. Every rule looks only at
// what follows the last "</think>", is total over any bytes and takes time
// linear in the response.
type Rule string

const (
	// RuleWhole is the whole text, trimmed.
	RuleWhole Rule = "whole"
	// RuleBoxed is the content of the last complete \boxed{} (or \fbox{}), braces
	// nested; in a box within a box, the inner one.
	RuleBoxed Rule = "boxed"
	// RuleAnswer is the content of the last complete <answer></answer>.
	RuleAnswer Rule = "answer"
	// RuleAnswerFirst is the content of the first complete <answer></answer>.
	RuleAnswerFirst Rule = "answer_first"
	// RuleLastNumber is the last number: a sign, digits with thousands separators,
	// decimals, an exponent, a denominator, a percent sign.
	RuleLastNumber Rule = "last_number"
	// RuleFinal is the rest of the line after the last "final answer" (with
	// ":" or "is") or "####"; the next line with text if that rest is blank.
	RuleFinal Rule = "final"
	// RuleAuto is the last <answer></answer> if there is one, else the last
	// \boxed{}, else the whole text.
	RuleAuto Rule = "auto"
)

// rules says how each rule reads the text after the thinking.
var rules = map[Rule]func(string) (string, bool){
	RuleWhole:       func(s string) (string, bool) { return s, true },
	RuleBoxed:       lastBox,
	RuleAnswer:      func(s string) (string, bool) { return taggedAnswer(s, true) },
	RuleAnswerFirst: func(s string) (string, bool) { return taggedAnswer(s, false) },
	RuleLastNumber:  lastNumber,
	RuleFinal:       finalAnswer,
	RuleAuto:        autoAnswer,
}

// Extract finds the answer in a response by a rule; found is false if there is
// none or only white space. The answer is trimmed. An unknown rule finds nothing.
func Extract(rule Rule, response string) (answer string, found bool) {
	return extract(rule, afterThinking(response))
}

// extract is Extract of a text without thinking.
func extract(rule Rule, text string) (answer string, found bool) {
	read, ok := rules[rule]
	if !ok {
		return "", false
	}
	answer, found = read(text)
	answer = strings.TrimSpace(answer)
	return answer, found && answer != ""
}

// extractFor is the common beginning of the graders: the answer by the rule
// that the problem's meta names, or by fallback. If there is nothing to go on
// with, verdict says why and ok is false.
func extractFor(t *trace, o options, fallback Rule, response string) (answer string, verdict data.Verdict, ok bool) {
	rule := o.Extract
	if rule == "" {
		rule = fallback
	}
	rest := afterThinking(response)
	if len(rest) < len(response) {
		t.add("thinking: %d of %d bytes, up to the last </think>, are left out", len(response)-len(rest), len(response))
	}
	answer, found := extract(rule, rest)
	if !found {
		t.add("extract by %q: nothing found", rule)
		return "", noAnswer("%s", missing[rule]), false
	}
	t.add("extract by %q: %s", rule, show(answer))
	return answer, data.Verdict{}, true
}

// missing says what a rule did not find.
var missing = map[Rule]string{
	RuleWhole:       "the response is empty",
	RuleBoxed:       `no complete \boxed{} with something in it`,
	RuleAnswer:      "no complete <answer></answer> with something in it",
	RuleAnswerFirst: "no complete <answer></answer> with something in it",
	RuleLastNumber:  "no number in the response",
	RuleFinal:       `no "final answer" or "####" with something after it`,
	RuleAuto:        "the response, or the answer that it marks, is empty",
}

// checkRule is an error for a rule that does not exist.
func checkRule(r Rule) error {
	if _, ok := rules[r]; ok {
		return nil
	}
	return fmt.Errorf(`meta.extract is %s; expected whole, boxed, answer, answer_first, last_number, final or auto`, show(string(r)))
}

// afterThinking is what follows the last closing tag of a thinking section.
func afterThinking(s string) string {
	const end = "</think>"
	for { // forwards: strings.LastIndex is ten times slower than strings.Index
		i := strings.Index(s, end)
		if i < 0 {
			return s
		}
		s = s[i+len(end):]
	}
}

func autoAnswer(s string) (string, bool) {
	if a, ok := taggedAnswer(s, true); ok {
		return a, true
	}
	if a, ok := lastBox(s); ok {
		return a, true
	}
	return s, true
}

// taggedAnswer reads <answer></answer>. Of several opening tags before a
// closing one the last counts.
func taggedAnswer(s string, last bool) (answer string, found bool) {
	const open, end = "<answer>", "</answer>"
	for {
		i := strings.Index(s, end)
		if i < 0 {
			return answer, found
		}
		if o := strings.LastIndex(s[:i], open); o >= 0 {
			answer, found = s[o+len(open):i], true
			if !last {
				return answer, true
			}
		}
		s = s[i+len(end):]
	}
}

// lastBox reads the complete box that was opened last. One pass: a stack holds
// the boxes that are still open with the depth of their brace.
func lastBox(s string) (string, bool) {
	s = s[firstBox(s):] // braces before it do not matter, and are most of the text
	type box struct{ depth, start int }
	var open []box
	var depth, start, end int
	found := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if n := boxLength(s[i:]); n > 0 {
				i += n - 1 // at the brace
				depth++
				open = append(open, box{depth, i + 1})
			} else if boxLength(s[i+1:]) == 0 {
				i++ // an escaped brace is none; nor is what follows a line break escaped
			}
		case '{':
			depth++
		case '}':
			if top := len(open) - 1; top >= 0 && open[top].depth == depth {
				if !found || open[top].start > start {
					start, end, found = open[top].start, i, true
				}
				open = open[:top]
			}
			depth--
		}
	}
	return s[start:end], found
}

// firstBox is the place of the first command that may open a box, the end of s
// if there is none.
func firstBox(s string) int {
	at := len(s)
	for _, name := range boxNames {
		if i := strings.Index(s[:at], name); i >= 0 {
			at = i
		}
	}
	return at
}

var boxNames = [...]string{`\boxed`, `\fbox`}

// boxLength is the length of a \boxed{ or \fbox{ at the beginning of s, spaces
// before the brace included; 0 if there is none.
func boxLength(s string) int {
	for _, name := range boxNames {
		if rest, ok := strings.CutPrefix(s, name); ok {
			brace := strings.TrimLeft(rest, " ")
			if strings.HasPrefix(brace, "{") {
				return len(s) - len(brace) + 1
			}
		}
	}
	return 0
}

// finalAnswer reads what follows the last marker.
func finalAnswer(s string) (string, bool) {
	at := strings.LastIndex(s, "####")
	skip := len("####")
	if i := lastFold(s, "final answer"); i > at {
		at, skip = i, len("final answer")
	}
	if at < 0 {
		return "", false
	}
	rest := strings.TrimLeft(s[at+skip:], "*_ \t")
	if len(rest) > 2 && strings.EqualFold(rest[:2], "is") && (rest[2] == ' ' || rest[2] == ':') {
		rest = rest[2:]
	}
	rest = strings.TrimLeft(rest, ":*_# \t\r\n")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimRight(line, "*_ \t\r"), true
}

// lastFold is the place of the last occurrence of an ASCII word in any case.
func lastFold(s, word string) int {
	for i := len(s) - len(word); i >= 0; i-- {
		if s[i]|0x20 == word[0] && strings.EqualFold(s[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}
