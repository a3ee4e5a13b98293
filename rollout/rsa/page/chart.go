package page

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// Room of a chart, in units of its view box: small, so that its letters stay
// readable when it is scaled to a phone's width.
const (
	width, height            = 400.0, 250.0
	left, right, top, bottom = 44.0, 12.0, 10.0, 40.0
)

// colours are the classes s0 to s7 of page.css; further series begin anew.
const colours = 8

// point is a value with its interval; NaN where it has none.
type point struct{ x, y, low, high float64 }

func at(x float64, y rsa.Number, ci [2]rsa.Number) point {
	return point{x, float64(y), float64(ci[0]), float64(ci[1])}
}

// bare is a value without an interval.
func bare(x float64, y rsa.Number) point { return point{x, float64(y), math.NaN(), math.NaN()} }

func (p point) missing() bool { return math.IsNaN(p.y) || math.IsNaN(p.x) }

type series struct {
	name   string
	points []point
}

// chart draws series over x.
type chart struct {
	x, y   string // what the axes are
	series []series
	log    bool      // x on a logarithmic axis
	whole  bool      // x takes whole numbers only
	marks  []float64 // ticks of x, if the points themselves are to be named
	share  bool      // y is between 0 and 1
	xs, ys scale
}

// legend names the series that have anything to show.
func (c *chart) legend() (names []string) {
	for _, s := range c.series {
		names = append(names, s.name)
	}
	return names
}

// scale maps values to a length.
type scale struct {
	from, to float64 // of values
	a, b     float64 // of the view box
	log      bool
}

func (s scale) at(v float64) float64 {
	from, to := s.from, s.to
	if s.log {
		v, from, to = math.Log(v), math.Log(from), math.Log(to)
	}
	return s.a + (s.b-s.a)*(v-from)/(to-from)
}

// fit sets the scales around the points.
func (c *chart) fit() {
	xs, ys := []float64{}, []float64{}
	for _, s := range c.series {
		for _, p := range s.points {
			if p.missing() || c.log && p.x <= 0 {
				continue
			}
			xs = append(xs, p.x)
			for _, y := range []float64{p.y, p.low, p.high} {
				if !math.IsNaN(y) {
					ys = append(ys, y)
				}
			}
		}
	}
	if len(xs) == 0 {
		xs, ys = []float64{1}, []float64{0}
	}
	c.xs = scale{slices.Min(xs), slices.Max(xs), left, width - right, c.log}
	if c.xs.from == c.xs.to {
		c.xs.from, c.xs.to = c.xs.from*0.5, c.xs.to*1.5+1
	}
	low, high := slices.Min(ys), slices.Max(ys)
	if high-low < 1e-6 {
		low, high = min(low, 0), max(high, low+1)
	}
	if !c.share || low < (high-low) {
		low = min(0, low) // near the bottom anyway
	}
	step := stepOf(high - low)
	c.ys = scale{math.Floor(low/step) * step, math.Ceil(high/step) * step, height - bottom, top, false}
	if c.share {
		c.ys.from, c.ys.to = max(0, c.ys.from), min(1, c.ys.to)
	}
	if c.ys.from >= c.ys.to {
		c.ys.to = c.ys.from + 1
	}
}

// stepOf divides a range into about five steps of 1, 2 or 5 times a power of ten.
func stepOf(span float64) float64 {
	if !(span > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(span/5)))
	for _, m := range []float64{1, 2, 5} {
		if span/(m*power) <= 5.01 {
			return m * power
		}
	}
	return 10 * power
}

func (s scale) ticks(whole bool) (at []float64) {
	if s.log {
		return s.logTicks()
	}
	step := stepOf(s.to - s.from)
	if whole {
		step = max(1, math.Round(step))
	}
	for v := math.Ceil(s.from/step-1e-9) * step; v <= s.to+step*1e-9; v += step {
		at = append(at, v)
	}
	return at
}

// logTicks are 1, 2 and 5 times powers of ten, only the powers where those are many.
func (s scale) logTicks() (at []float64) {
	marks := []float64{1, 2, 5}
	if s.to/s.from > 300 {
		marks = marks[:1]
	}
	for power := math.Pow(10, math.Floor(math.Log10(s.from))); power <= s.to; power *= 10 {
		for _, m := range marks {
			if v := m * power; v >= s.from*0.999 && v <= s.to*1.001 {
				at = append(at, v)
			}
		}
	}
	return at
}

// svg draws the chart. All text is escaped.
func (c *chart) svg() template.HTML {
	c.fit()
	var b strings.Builder
	open(&b, c.y+" by "+c.x)
	ticks := c.marks
	if ticks == nil {
		ticks = c.xs.ticks(c.whole)
	}
	axes(&b, c.xs, c.ys, c.x, c.y, ticks)
	for i, s := range c.series {
		c.draw(&b, fmt.Sprintf("s%d", i%colours), s)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

func open(b *strings.Builder, label string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, height, html.EscapeString(label))
}

func axes(b *strings.Builder, xs, ys scale, x, y string, ticks []float64) {
	for _, v := range ys.ticks(false) {
		at := ys.at(v)
		fmt.Fprintf(b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, left, width-right, at, at)
		fmt.Fprintf(b, `<text x="%g" y="%.1f" text-anchor="end">%s</text>`, left-6, at+4, short(v))
	}
	for _, v := range ticks {
		fmt.Fprintf(b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, xs.at(v), height-bottom+16, short(v))
	}
	fmt.Fprintf(b, `<text x="%g" y="%g" text-anchor="middle">%s</text>`, (left+width-right)/2, height-6, html.EscapeString(x))
	fmt.Fprintf(b, `<title>%s</title>`, html.EscapeString(y+" by "+x))
}

// short prints a tick: 1500000 is 1.5M.
func short(v float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.size {
			return fmt.Sprintf("%.3g%s", v/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.3g", math.Round(v*1e9)/1e9+0) // + 0 makes 0 of -0
}

// draw puts the band below, then the line, then the dots with their values.
func (c *chart) draw(b *strings.Builder, class string, s series) {
	var line, up, down []string
	for _, p := range s.points {
		if p.missing() || c.log && p.x <= 0 {
			continue
		}
		x := c.xs.at(p.x)
		line = append(line, fmt.Sprintf("%.1f,%.1f", x, c.ys.at(p.y)))
		if !math.IsNaN(p.low) {
			up = append(up, fmt.Sprintf("%.1f,%.1f", x, c.ys.at(p.high)))
			down = append(down, fmt.Sprintf("%.1f,%.1f", x, c.ys.at(p.low)))
		}
	}
	fmt.Fprintf(b, `<g class="%s">`, class)
	if len(up) > 1 {
		slices.Reverse(down)
		fmt.Fprintf(b, `<polygon class="band" points="%s"/>`, strings.Join(append(up, down...), " "))
	}
	fmt.Fprintf(b, `<polyline class="line" points="%s"/>`, strings.Join(line, " "))
	for _, p := range s.points {
		if p.missing() || c.log && p.x <= 0 {
			continue
		}
		text := fmt.Sprintf("%s, %s %s: %s", s.name, c.x, short(p.x), number(p.y, "%.3g"))
		if !math.IsNaN(p.low) {
			text += fmt.Sprintf(" (%.3g – %.3g)", p.low, p.high)
		}
		if len(line) == 1 && !math.IsNaN(p.low) { // one point has no band
			fmt.Fprintf(b, `<line class="line" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, c.xs.at(p.x), c.xs.at(p.x), c.ys.at(p.low), c.ys.at(p.high))
		}
		fmt.Fprintf(b, `<circle class="dot" cx="%.1f" cy="%.1f" r="3"><title>%s</title></circle>`, c.xs.at(p.x), c.ys.at(p.y), html.EscapeString(text))
	}
	b.WriteString("</g>")
}
