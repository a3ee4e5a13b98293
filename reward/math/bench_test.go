package math

import "testing"

// BenchmarkCompare is one comparison on one core, by kind of answer.
func BenchmarkCompare(b *testing.B) {
	for _, c := range []struct{ name, gold, answer string }{
		{"same integer", "204", "204"}, {"other integer", "204", "205"}, {"fraction", `\frac{1}{576}`, "1/576"}, {"decimal", "0.25", `\frac14`},
		{"surd", `\frac{9 \sqrt{23}}{23}`, `\frac{9}{\sqrt{23}}`}, {"other surd", `8\sqrt{10}`, `10\sqrt{8}`}, {"pi", `1-\frac{2}{\pi}`, `\frac{\pi-2}{\pi}`},
		{"two roots", `\frac{-1+\sqrt{17}}{2}, \frac{-1-\sqrt{17}}{2}`, `\frac{-1\pm\sqrt{17}}{2}`}, {"polynomial", "x^2-1", "(x-1)(x+1)"}, {"union", `(-\infty,3]\cup[5,\infty)`, `x\le3\text{ or }x\ge5`},
		{"trigonometry", `\frac{\sqrt3}{2}`, `\cos 30^\circ`}, {"letter", "C", `\text{(C)}`}, {"unit", `5\text{ m}`, `500\text{ cm}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compare(c.gold, c.answer, Options{})
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
		})
	}
}
