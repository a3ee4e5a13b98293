package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// givenBars draws P(correct | c of K candidates correct) as bars with whiskers,
// beside c/K, which copying a candidate at random would give.
func givenBars(given []rsa.Given) template.HTML {
	k := given[0].Of
	xs := scale{-0.5, float64(k) + 0.5, left, width - right, false}
	ys := scale{0, 1, height - bottom, top, false}
	var b strings.Builder
	open(&b, "share of right answers by right candidates")
	ticks := make([]float64, len(given))
	for i, g := range given {
		ticks[i] = float64(g.Correct)
	}
	axes(&b, xs, ys, fmt.Sprintf("right candidates of %d in the prompt", k), "P(correct)", ticks)
	half := (xs.at(1) - xs.at(0)) * 0.32
	for _, g := range given {
		if math.IsNaN(float64(g.P)) {
			continue
		}
		x, y := xs.at(float64(g.Correct)), ys.at(float64(g.P))
		text := fmt.Sprintf("%d of %d right: %s (%s), %d prompts", g.Correct, k, share(g.P), interval(g.CI), g.Prompts)
		fmt.Fprintf(&b, `<g class="s0"><rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect></g>`,
			x-half, y, 2*half, ys.at(0)-y, html.EscapeString(text))
		fmt.Fprintf(&b, `<line class="whisker" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, x, x, ys.at(float64(g.CI[0])), ys.at(float64(g.CI[1])))
	}
	fmt.Fprintf(&b, `<line class="ref" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/></svg>`, xs.at(0), ys.at(0), xs.at(float64(k)), ys.at(1))
	return template.HTML(b.String())
}

// differenceBars draws each difference from the first run as a dot with its
// interval, one below the other, around a line at zero.
func differenceBars(all []rsa.Difference) template.HTML {
	low, high := 0.0, 0.0
	for _, d := range all {
		for _, x := range []rsa.Number{d.Mean, d.CI[0], d.CI[1]} {
			if !math.IsNaN(float64(x)) {
				low, high = min(low, float64(x)), max(high, float64(x))
			}
		}
	}
	step := stepOf(max(high-low, 0.01))
	const row, margin = 34.0, 30.0
	tall := row*float64(len(all)) + margin
	xs := scale{math.Floor(low/step) * step, math.Ceil(high/step) * step, 12, width - right, false}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="differences">`, width, tall)
	for _, v := range xs.ticks(false) {
		fmt.Fprintf(&b, `<line class="%s" x1="%.1f" x2="%.1f" y1="0" y2="%g"/>`, lineAt(v), xs.at(v), xs.at(v), tall-margin)
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, xs.at(v), tall-margin+16, short(v))
	}
	for i, d := range all {
		if math.IsNaN(float64(d.Mean)) {
			continue
		}
		y := row*float64(i) + row*0.72
		fmt.Fprintf(&b, `<g class="s%d"><line class="line" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, (i+1)%colours, xs.at(float64(d.CI[0])), xs.at(float64(d.CI[1])), y, y)
		fmt.Fprintf(&b, `<circle class="dot" cx="%.1f" cy="%g" r="4"/></g>`, xs.at(float64(d.Mean)), y)
		fmt.Fprintf(&b, `<text x="16" y="%g">%s  %s</text>`, y-10, html.EscapeString(d.Name), number(float64(d.Mean), "%+.3f"))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// lineAt marks the line of no difference.
func lineAt(v float64) string {
	if math.Abs(v) < 1e-12 {
		return "ref"
	}
	return "grid"
}
