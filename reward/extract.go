package reward

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Rule names a way to find the answer in a response. Every rule looks only at
// what the response says outside its thinking (see afterThinking), is total over
// any bytes and takes time linear in the response.
type Rule string

const (
	// RuleWhole is the whole text, trimmed.
	RuleWhole Rule = "whole"
	// RuleBoxed is the content of the box opened last, of \boxed{} and \fbox{}; see lastBox.
	RuleBoxed Rule = "boxed"
	// RuleAnswer is the content of the last complete <answer></answer>.
	RuleAnswer Rule = "answer"
	// RuleAnswerFirst is the content of the first complete <answer></answer>.
	RuleAnswerFirst Rule = "answer_first"
	// RuleLastNumber is the last number: a sign, digits with thousands separators,
	// decimals, an exponent, a denominator, a percent sign.
	RuleLastNumber Rule = "last_number"
	// RuleFinal is what follows the last "final answer", "answer is", "answer:" or
	// "####"; see finalAnswer.
	RuleFinal Rule = "final"
	// RuleBlock is the content of the last complete fenced code block.
	RuleBlock Rule = "block"
	// RuleAuto is the first of answer, boxed and final that finds something, else
	// the whole text.
	RuleAuto Rule = "auto"
	// RuleChoice is the first of boxed, answer and final that finds something,
	// else the last line with text.
	RuleChoice Rule = "choice"
	// RuleJSON is the first of answer, block and boxed that finds something, else
	// the whole text.
	RuleJSON Rule = "json"
)

// reader finds an answer in the text outside the thinking.
type reader func(text string) (answer string, found bool)

// rules says how each rule reads, and what it did not find if it finds nothing.
var rules = map[Rule]struct {
	read    reader
	missing string
}{
	RuleWhole:       {whole, "the response is empty"},
	RuleBoxed:       {lastBox, `no complete \boxed{} with something in it`},
	RuleAnswer:      {lastTag, "no complete <answer></answer> with something in it"},
	RuleAnswerFirst: {firstTag, "no complete <answer></answer> with something in it"},
	RuleLastNumber:  {lastNumber, "no number in the response"},
	RuleFinal:       {finalAnswer, `no "final answer", "answer is" or "####" with something after it`},
	RuleBlock:       {lastBlock, "no complete code block with something in it"},
	RuleAuto:        {firstOf(lastTag, lastBox, finalAnswer, whole), "the response, or the answer that it marks, is empty"},
	RuleChoice:      {firstOf(lastBox, lastTag, finalAnswer, lastLine), "the response, or the answer that it marks, is empty"},
	RuleJSON:        {firstOf(lastTag, lastBlock, lastBox, whole), "the response, or the answer that it marks, is empty"},
}

// firstOf tries readers in turn: what an earlier one finds, a later one cannot
// outrank, wherever it stands in the text.
func firstOf(readers ...reader) reader {
	return func(text string) (string, bool) {
		for _, read := range readers {
			if answer, found := read(text); found {
				return answer, true
			}
		}
		return "", false
	}
}

func whole(text string) (string, bool) { return text, true }

// Extract finds the answer in a response by a rule; found is false if there is
// none or only white space. The answer is trimmed. An unknown rule finds nothing.
func Extract(rule Rule, response string) (answer string, found bool) {
	return extract(rule, afterThinking(response))
}

// extract is Extract of a text without thinking.
func extract(rule Rule, text string) (answer string, found bool) {
	r, ok := rules[rule]
	if !ok {
		return "", false
	}
	answer, found = r.read(text)
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
		t.add("thinking: %d of %d bytes are left out", len(response)-len(rest), len(response))
	}
	answer, found := extract(rule, rest)
	if !found {
		t.add("extract by %q: nothing found", rule)
		return "", noAnswer("%s%s", rules[rule].missing, inThinking(rule, rest, response)), false
	}
	t.add("extract by %q: %s", rule, show(answer))
	return answer, data.Verdict{}, true
}

// inThinking ends a reason where an answer would have been found, had the
// thinking counted.
func inThinking(rule Rule, rest, response string) string {
	if len(rest) < len(response) {
		if _, found := extract(rule, response); found {
			return " outside the thinking"
		}
	}
	return ""
}

// checkRule is an error for a rule that does not exist.
func checkRule(r Rule) error {
	if _, ok := rules[r]; ok {
		return nil
	}
	var known []string
	for name := range rules {
		known = append(known, string(name))
	}
	slices.Sort(known)
	return fmt.Errorf("meta.extract is %s; expected one of %s", show(string(r)), strings.Join(known, ", "))
}

// afterThinking is what a response says outside its thinking: the text after
// the last "</think>", up to a "<think>" that is never closed.
func afterThinking(s string) string {
	const begin, end = "<think>", "</think>"
	for { // forwards: strings.LastIndex is ten times slower than strings.Index
		i := strings.Index(s, end)
		if i < 0 {
			break
		}
		s = s[i+len(end):]
	}
	s, _, _ = strings.Cut(s, begin)
	return s
}
