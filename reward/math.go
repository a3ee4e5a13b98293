package reward

import (
	"strings"

	"github.com/ropewalk/ropewalk/reward/math"
)

var (
	_ Grader   = (*math.Grader)(nil)
	_ Comparer = (*math.Grader)(nil)
)

// maxWhole is the longest response, in bytes, that is taken whole as an answer.
const maxWhole = 2000

// newMath makes the grader of mathematical answers, with this package's
// extraction rules. Without a rule it takes the last box; in a response that
// boxes nothing, what it marks otherwise, or the whole of it if it is short.
func newMath() *math.Grader {
	return math.New(func(rule, response string) (answer, used string, found bool, err error) {
		if rule != "" {
			if err := checkRule(Rule(rule)); err != nil {
				return "", rule, false, err
			}
			answer, found = Extract(Rule(rule), response)
			return answer, rule, found, nil
		}
		answer, found = Extract(RuleBoxed, response)
		if rest := afterThinking(response); !found && firstBox(rest) == len(rest) {
			answer, used, found = bare(rest)
			return answer, used, found, nil
		}
		return answer, string(RuleBoxed), found, nil
	})
}

// bare finds the answer in a text without a box.
func bare(text string) (answer, used string, found bool) {
	for _, rule := range [...]Rule{RuleAnswer, RuleFinal} {
		if answer, found := extract(rule, text); found {
			return answer, string(rule), true
		}
	}
	if len(text) > maxWhole || strings.TrimSpace(text) == "" {
		return "", string(RuleBoxed), false
	}
	return strings.TrimSpace(text), string(RuleWhole), true
}
