// Package page makes reports of rsa readable in a browser: one HTML file each,
// with plots and the tables behind them, that opens without a network and without
// scripts, in light and dark, on paper and on phones.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

//go:embed page.css
var css string

//go:embed page.tmpl
var source string

var layout = template.Must(template.New("page").Parse(source))

// view is what the template shows. Texts come from datasets and models: the
// template escapes them, and so do the charts.
type view struct {
	Title     string
	Simulated bool
	CSS       template.CSS
	Facts     []fact
	Figures   []figure
	Tables    []table
}

// fact is one number of the head.
type fact struct{ Name, Value, Note string }

// figure is a chart with its legend.
type figure struct {
	Title, Note string
	Legend      []string // by colour
	SVG         template.HTML
}

type table struct {
	Title string
	Heads []string
	Rows  [][]string
	Shut  bool // folded away at first
}

func write(w io.Writer, v view) error {
	v.CSS = template.CSS(css)
	return layout.Execute(w, v)
}

// Report writes the page of one run, or of one run with several seeds.
func Report(w io.Writer, r *rsa.Report) error {
	end := r.Curve[len(r.Curve)-1]
	v := view{
		Title: strings.Join(r.Datasets, ", "), Simulated: r.Simulated,
		Facts: []fact{
			{"method", r.Method, sizes(r.RSA)},
			{"score", share(end.Mean), interval(end.CI) + ", answer by " + string(r.Rule)},
			{"problems", fmt.Sprint(r.Problems), seeds(r)},
			{"tokens a problem", count(end.Tokens), count(end.PromptTokens) + " more in prompts"},
			{"model", r.Model, fmt.Sprintf("temperature %g, at most %d tokens", r.Sampling.Temperature, r.Sampling.MaxTokens)},
		},
		Figures: figures(r), Tables: tables(r),
	}
	if r.Agreeing != nil {
		v.Facts = append(v.Facts, fact{"stopped early", fmt.Sprint(*r.Agreeing), "problems whose population agreed: it stands, at no cost, for their later rounds"})
	}
	return write(w, v)
}

func sizes(s rsa.Size) string {
	if s.T == 1 {
		return fmt.Sprintf("N = %d", s.N)
	}
	return fmt.Sprintf("N = %d, K = %d, T = %d", s.N, s.K, s.T)
}

func seeds(r *rsa.Report) string {
	if len(r.Seeds) == 0 {
		return fmt.Sprintf("seed %d", r.Seed)
	}
	var each []string
	for _, s := range r.Seeds {
		each = append(each, fmt.Sprintf("%d: %s", s.Seed, share(s.Answer)))
	}
	return "means over seeds " + strings.Join(each, ", ")
}

func share(x rsa.Number) string { return number(float64(x), "%.3f") }

func count(x rsa.Number) string { return number(float64(x), "%.0f") }

func number(x float64, format string) string {
	if math.IsNaN(x) {
		return "–"
	}
	return fmt.Sprintf(format, x)
}

func interval(ci [2]rsa.Number) string { return share(ci[0]) + " – " + share(ci[1]) }
