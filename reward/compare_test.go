package reward

import (
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/data"
)

// Lists that can be read in two ways at each of several levels cost more than
// they are worth: the work is counted, and the answer is scored 0.
func TestCompareCountsItsWork(t *testing.T) {
	nest := func(inside string) string {
		for range maxNesting {
			inside = "(1,234," + inside + ")"
		}
		return inside
	}
	gold, answer := nest(strings.Repeat("x", 5000)), nest(strings.Repeat("x", 4999)+"y")
	v := Math{}.Grade(t.Context(), &data.Problem{Gold: gold}, `\boxed{`+answer+`}`)
	if v.Status != data.Scored || v.Score != 0 || !strings.Contains(v.Reason, errTooMuchWork.Error()) {
		t.Errorf("got %+v", v)
	}
	if v := (Math{}).Grade(t.Context(), &data.Problem{Gold: gold}, `\boxed{`+gold+`}`); v.Score != 1 {
		t.Errorf("the gold itself: got %s %v (%s)", v.Status, v.Score, v.Reason)
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		`$\dfrac{1}{2}$`: `\frac{1}{2}`, `\left( 1 , 2 \right]`: `(1, 2]`, `\left.x\right|`: `x|`, `{{5}}`: "5", `{5}{6}`: "{5}{6}",
		`1\,000`: "1000", `1{,}000`: "1000", `32,\! 349`: "32349", `a{,}b`: "a,b", `1\quad 2`: "1 2", `x\ y`: "x y",
		`\pi  r`: `\pi r`, `2 \pi`: `2\pi`, `\frac 1 2`: `\frac1 2`, `3 \times 10 ^ 5`: `3\times10^5`, "5 \\%": "5%", `\$5`: "5", "no  solution.": "no solution",
		`\`: `\`, `\\`: `\\`, `.`: ".", "\u2212x": "-x", "é\u00a0é": "é é", `\boxed{5}`: "5", `\text{ cm}`: `\text{cm}`, "\xff": "\xff",
	} {
		if got := canonical(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
