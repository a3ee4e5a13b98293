package math

import (
	"strings"
	"testing"
)

// monsters are answers made to cost; each ends in a verdict within its budget.
func monsters() map[string]string {
	digits := strings.Repeat("7", 100_000)
	members := strings.TrimSuffix(strings.Repeat(`\sqrt{2}+1,`, 1000)+strings.Repeat(`\frac{3}{7},`, 1000), ",")
	many := make([]string, 2000)
	for i := range many {
		many[i] = string(rune('1'+i%9)) + strings.Repeat("3", i%40) + "+\\sqrt{" + string(rune('2'+i%7)) + "}"
	}
	return map[string]string{
		"tower": `9^{9^{9}}`, "higher tower": `9^{9^{9^{9^9}}}`, "known to hang": `\dfrac{5^{(5^{(5^{(5^5)})}-4)}-5}{16}`, "ten to the ten": `10^{10^{10}}`,
		"factorial": `(10^7)!`, "factorial of a factorial": `(100!)!`, "million factorial": `1000000!`, "binomial": `\binom{10^9}{10^8}`, "double factorial": `(10^6)!!`,
		"braces": strings.Repeat("{", 10_000) + "1" + strings.Repeat("}", 10_000), "parentheses": strings.Repeat("(", 2000) + "1" + strings.Repeat(")", 2000),
		"roots": strings.Repeat(`\sqrt{1+`, 5000) + "1" + strings.Repeat("}", 5000), "some roots": strings.Repeat(`\sqrt{1+`, 90) + "1" + strings.Repeat("}", 90),
		"fractions": strings.Repeat(`\frac{1}{1+`, 5000) + "1" + strings.Repeat("}", 5000), "some fractions": strings.Repeat(`\frac{1}{x+`, 90) + "1" + strings.Repeat("}", 90),
		"digits": digits, "digits of decimals": "0." + digits, "root of digits": `\sqrt{` + digits[:20_000] + `}`, "two thousand members": `\{` + members + `\}`, "two thousand sums": `\{` + strings.Join(many, ",") + `\}`,
		"power of a sum": `(x+y+z+w+1)^{40}`, "powers": strings.TrimSuffix(strings.Repeat(`(x+y+z+1)^{30}\cdot`, 20), `\cdot`), "long sum": strings.Repeat(`\sqrt{7}+\sin 3-`, 400) + "1", "sum": `\sum_{k=1}^{10^9} k^k`, "nested sums": `\sum_{a=1}^{900}\sum_{b=1}^{900}\sum_{c=1}^{900} a b c`,
		"sum of roots": `\sum_{k=1}^{20000}\sqrt{k}`, "exponent": "1e999999999", "near zero": `\sin(10^{40})-\sin(10^{40}+2\pi)`, "equal to many places": `\sqrt{2}+10^{-2000}`, "sines": strings.Repeat(`\sin(`, 90) + "1" + strings.Repeat(")", 90), "exponentials": `e^{e^{e^{e^{e}}}}`, "plus or minus": strings.Repeat(`1\pm`, 90) + "1",
		"dollars": strings.Repeat("$ ", 5000), "boxes": strings.Repeat(`\boxed{`, 2000), "spaces": strings.Repeat(" ", 100_000) + "1", "text": strings.Repeat(`\text{a}`, 5000), "texts in texts": strings.Repeat(`\text{1 `, 3000) + strings.Repeat("}", 3000), "signs": strings.Repeat("-", 8000) + "1", "commas": strings.Repeat(",", 8000), "unions": "(0,1)" + strings.Repeat(`\cup(0,1)`, 3000), "relations": "1" + strings.Repeat("<x", 5000), "matrix": `\begin{pmatrix}` + strings.Repeat(`1&2\\`, 5000) + `\end{pmatrix}`, "determinant": `\det\begin{pmatrix}` + strings.Repeat(strings.Repeat("x&", 4)+`y\\`, 5) + `\end{pmatrix}`,
		"pages of words": strings.Repeat("and so on ", 10_000), "units": "5" + strings.Repeat(`\text{ m}`, 3000), "binary": strings.Repeat("1", 1900) + "_2", "repeating": `0.\overline{` + strings.Repeat("1234567890", 90) + "}", "logarithm": `\log_{2}` + digits[:3000], "choices": strings.Repeat("(A) ", 1000), "absolute values": strings.Repeat("|", 1001) + "1" + strings.Repeat("|", 1001), "subscripts": "x" + strings.Repeat("_x", 5000), "primes": `\sqrt{` + strings.Repeat("9", 300) + `7}+\sqrt{` + strings.Repeat("9", 299) + "77}", "inequality": `|` + strings.Repeat("x+", 3000) + "1|<1", "factorials of a variable": `\frac{(50n)!}{n!}`,
	}
}

func TestMonstersEndInAVerdict(t *testing.T) {
	for name, monster := range monsters() {
		t.Run(name, func(t *testing.T) {
			for _, gold := range []string{"42", `\frac{-1+\sqrt{17}}{2}`, `\{1,2\}`, `x^2+1`, `(-\infty,3]\cup[5,\infty)`, `5\text{ cm}`, "C"} {
				r := Compare(gold, monster, Options{})
				if r.Outcome == Equal || r.Outcome == BadGold || r.Steps > DefaultBudget {
					t.Errorf("gold %s: %+v", gold, r)
				}
			}
			if r := Compare(monster, "42", Options{}); r.Outcome == Equal || r.Steps > DefaultBudget {
				t.Errorf("as a gold: %+v", r)
			}
			if r := Compare(monster, monster, Options{}); r.Outcome != Equal && strings.TrimSpace(monster) != "" && r.Outcome != BadGold {
				t.Errorf("not itself: %+v", r)
			}
		})
	}
}

// BenchmarkMonsters is the longest that one answer can take.
func BenchmarkMonsters(b *testing.B) {
	for name, monster := range monsters() {
		for _, gold := range []string{`\frac{-1+\sqrt{17}}{2}`, `x^2+1`, `\{1,2\}`} {
			b.Run(name+"/"+gold, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Compare(gold, monster, Options{})
				}
			})
		}
	}
}
