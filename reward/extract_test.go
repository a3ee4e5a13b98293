package reward

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestExtract(t *testing.T) {
	for _, c := range []struct {
		rule     Rule
		response string
		want     string // "-" for nothing
	}{
		{RuleWhole, " a b \n", "a b"}, {RuleWhole, " ", "-"}, {RuleWhole, "<think>x</think>y</think> z", "z"},
		{RuleBoxed, `\boxed{1} \boxed{2}`, "2"}, {RuleBoxed, `\boxed{\frac{1}{2}}`, `\frac{1}{2}`}, {RuleBoxed, `\boxed{a\}b}`, `a\}b`},
		{RuleBoxed, `{ \boxed{1} }}} \boxed{2}`, "2"}, {RuleBoxed, `} } \boxed{1}`, "1"}, {RuleBoxed, `\boxed{x \boxed{y} z}`, "y"},
		{RuleBoxed, `\boxed{x \boxed{y z}`, "y z"}, {RuleBoxed, `boxed{1}`, "-"}, {RuleBoxed, `\boxed{}`, "-"}, {RuleBoxed, `\boxed{1} \boxed{}`, "-"},
		{RuleBoxed, `\\boxed{1}`, "1"}, {RuleBoxed, `\\ \boxed{1}`, "1"}, {RuleBoxed, `\boxed{1} \\boxed{2}`, "2"}, {RuleBoxed, `\boxed{1} }} \boxed{2} }`, "2"}, {RuleBoxed, `\boxed{a\\{b}c}`, `a\\{b}c`}, {RuleBoxed, `\`, "-"}, {RuleBoxed, `\boxed  {1}`, "1"},
		{RuleAnswer, "<answer>a</answer><answer> b </answer>", "b"}, {RuleAnswer, "<answer>a</answer> <answer>b", "a"}, {RuleAnswer, "<answer>a <answer>b</answer>", "b"},
		{RuleAnswer, "</answer><answer>a</answer></answer>", "a"}, {RuleAnswer, "<answer></answer>", "-"}, {RuleAnswer, "<Answer>a</Answer>", "-"}, {RuleAnswer, "<answer>a\nb</answer>", "a\nb"},
		{RuleAnswerFirst, "<answer>a</answer><answer>b</answer>", "a"}, {RuleAnswerFirst, "</answer> <answer>a</answer>", "a"},
		{RuleLastNumber, "1 2 3", "3"}, {RuleLastNumber, "it is -1.5e3.", "-1.5e3"}, {RuleLastNumber, "1,234,567 apples", "1,234,567"}, {RuleLastNumber, "(1,2)", "2"}, {RuleLastNumber, "1,2345", "2345"},
		{RuleLastNumber, "x2y", "2"}, {RuleLastNumber, "3/4", "3/4"}, {RuleLastNumber, "3/", "3"}, {RuleLastNumber, "50%", "50%"}, {RuleLastNumber, `50\%`, `50\%`}, {RuleLastNumber, "50 % of", "50 %"},
		{RuleLastNumber, "3-5", "5"}, {RuleLastNumber, "(-5)", "-5"}, {RuleLastNumber, "=\u22125", "\u22125"}, {RuleLastNumber, "+7", "+7"}, {RuleLastNumber, "--7", "-7"},
		{RuleLastNumber, ".5", ".5"}, {RuleLastNumber, "...", "-"}, {RuleLastNumber, "v1.2.3", "3"}, {RuleLastNumber, "0,123", "123"}, {RuleLastNumber, "2e", "2"}, {RuleLastNumber, "2e5x", "5"}, {RuleLastNumber, "none", "-"},
		{RuleFinal, "Final Answer: 5\nbye", "5"}, {RuleFinal, "the FINAL ANSWER is $5$", "5"}, {RuleFinal, "**Final Answer**\n\n5", "5"}, {RuleFinal, "#### 18\n", "18"}, {RuleFinal, "final answer: 1\n#### 2", "2"},
		{RuleFinal, "#### 1\nfinal answer: 2", "2"}, {RuleFinal, "answer: 5", "5"}, {RuleFinal, "an answer 5", "-"}, {RuleFinal, "final answer", "-"}, {RuleFinal, "final answer is island", "island"}, {RuleFinal, "final answer island", "island"},
		// A box that is never closed, alone and after a complete one.
		{RuleBoxed, `\boxed{204`, "-"}, {RuleBoxed, `\boxed{1} \boxed{2`, "-"}, {RuleBoxed, `\boxed{204} that is \boxed{20`, "204"}, {RuleBoxed, `\boxed{204} that is \boxed{204$.`, "204"}, {RuleBoxed, `\boxed{204} that is \boxed{`, "204"},
		{RuleBoxed, `\boxed{204} that is \boxed{2045`, "-"}, {RuleBoxed, `\boxed{204} that is \boxed{204.5`, "-"}, {RuleBoxed, `\boxed{1} \boxed{2 \boxed{3}`, "3"},
		// Boxes without braces.
		{RuleBoxed, `$\boxed 204$`, "204"}, {RuleBoxed, `\boxed -1.5, so`, "-1.5"}, {RuleBoxed, `$\boxed\frac{1}{2}$`, `\frac{1}{2}`}, {RuleBoxed, `\[\boxed \sqrt{ 2 }\]`, `\sqrt{ 2 }`}, {RuleBoxed, `$\boxed B$`, "B"},
		{RuleBoxed, `Mark it with \boxed and go on`, "-"}, {RuleBoxed, `\boxed{1}; use \boxed here`, "1"}, {RuleBoxed, `\boxed I think`, "-"}, {RuleBoxed, `\boxedness 1`, "-"}, {RuleBoxed, `\fbox{7}`, "7"},
		{RuleBoxed, "```\n\\boxed{7}\n```", "7"}, {RuleBoxed, `<think>\boxed{7}</think> done`, "-"}, {RuleBoxed, `<think>\boxed{7}`, "-"}, {RuleBoxed, `\boxed{7} <think> or \boxed{8}`, "7"}, {RuleBoxed, `the final answer is $42$. I hope it is correct. \boxed{43}`, "43"},
		{RuleFinal, "The final answer is $42$. I hope it is correct.", "42"}, {RuleFinal, "Final answer: The final answer is 3.5. I hope it is correct.", "3.5"}, {RuleFinal, "The answer is **(B)**.", "(B)"}, {RuleFinal, `**Answer:** \(x^2\)`, "x^2"},
		{RuleFinal, "the answer is $1$ or $2$", "$1$ or $2$"}, {RuleFinal, `the answer is $\boxed{5}$, I think`, "5"}, {RuleFinal, "the answer is \\[\n5\n\\]", "5"}, {RuleFinal, "the answer is Dr. Who. We know.", "Dr. Who"}, {RuleFinal, "the answer is 7 . . .", "7 . ."},
		{RuleBlock, "```json\n{}\n```", "{}"}, {RuleBlock, "```\na\n```\n```\nb\n```\n```\nc", "b"}, {RuleBlock, "```", "-"}, {RuleBlock, "```a```", "-"}, {RuleBlock, "```\n```", "-"},
		{RuleChoice, "A\nso (B)\n", "so (B)"}, {RuleChoice, `the answer is C. \boxed{B} <answer>A</answer>`, "B"}, {RuleChoice, "<answer>A</answer> answer: B", "A"}, {RuleChoice, "The answer is (B)\nbecause", "(B)"},
		{RuleJSON, "so\n```json\n{\"a\":1}\n```", `{"a":1}`}, {RuleJSON, "[1]", "[1]"},
		{RuleAuto, `\boxed{1} <answer>2</answer> 3`, "2"}, {RuleAuto, "the final answer is 3.", "3"}, {RuleAuto, `\boxed{1} 3`, "1"}, {RuleAuto, " 3 ", "3"},
		{"nothing", "3", "-"}, {"", "3", "-"},
	} {
		got, found := Extract(c.rule, c.response)
		if !found {
			got = "-" + got
		}
		if got != c.want {
			t.Errorf("%s of %q: got %q, want %q", c.rule, c.response, got, c.want)
		}
	}
}

// An answer is always a trimmed piece of the response, after the thinking, and
// extracting is the same every time.
func FuzzExtract(f *testing.F) {
	for _, seed := range []string{
		"", `\boxed{1}`, `\boxed{\frac{1}{2}} <answer>3</answer>`, "</think> #### 4", "-1,234.5e6/7 %", `\\\boxed{\}}`, "final answer is \xff", "<answer><answer></answer>", "\u2212\u2212.5.", strings.Repeat(`\fbox {`, 50),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, response string) {
		for rule := range rules {
			got, found := Extract(rule, response)
			if again, f := Extract(rule, response); again != got || f != found {
				t.Errorf("%s of %q: %q, then %q", rule, response, got, again)
			}
			switch {
			case found != (got != ""):
				t.Errorf("%s of %q: found is %v with %q", rule, response, found, got)
			case got != strings.TrimSpace(got):
				t.Errorf("%s of %q: %q is not trimmed", rule, response, got)
			case !strings.Contains(afterThinking(response), got):
				t.Errorf("%s of %q: %q is not in it", rule, response, got)
			case utf8.ValidString(response) && !utf8.ValidString(got):
				t.Errorf("%s of %q: %q cuts a character", rule, response, got)
			}
		}
	})
}
