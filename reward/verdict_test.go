package reward

import (
	"strings"
	"testing"
)

func TestShow(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "``",
		`\frac{1}{2}`:                 "`\\frac{1}{2}`",
		"a`b":                         "\"a`b\"",
		"a\nb":                        `"a\nb"`,
		"\x1b[31m":                    `"\x1b[31m"`,
		"\u202eabc":                   `"\u202eabc"`,
		"\xff":                        `"\xff"`,
		strings.Repeat("x", 100):      "`" + strings.Repeat("x", 80) + "…`",
		strings.Repeat("é", 50):       "`" + strings.Repeat("é", 40) + "…`",
		"x" + strings.Repeat("é", 50): "`x" + strings.Repeat("é", 39) + "…`",
	} {
		if got := show(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

func TestTraceIsBounded(t *testing.T) {
	var steps trace
	for i := range 1000 {
		steps.add("step %d", i)
	}
	if len(steps) != maxSteps || steps[maxSteps-2] != "step 62" || !strings.Contains(steps[maxSteps-1], "left out") {
		t.Errorf("%d steps, the last: %q", len(steps), steps[len(steps)-2:])
	}
}
