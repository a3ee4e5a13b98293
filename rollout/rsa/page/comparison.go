package page

import (
	"fmt"
	"io"
	"strings"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// Comparison writes the page of several runs.
func Comparison(w io.Writer, c *rsa.Comparison) error {
	return write(w, view{
		Title: strings.Join(c.Datasets, ", "), Simulated: c.Simulated,
		Facts: []fact{
			{"runs", fmt.Sprint(len(c.Runs)), "differences are from " + c.Runs[0].Name},
			{"problems", fmt.Sprint(c.Problems), "that all runs have"},
		},
		Figures: comparisonFigures(c), Tables: comparisonTables(c),
	})
}

func comparisonFigures(c *rsa.Comparison) []figure {
	made := chart{x: "completion tokens a problem", y: "score", share: true, log: true}
	read := chart{x: "completion and prompt tokens a problem", y: "score", share: true, log: true}
	for _, r := range c.Runs {
		made.series = append(made.series, curve(r.Name, r.Curve))
		s := series{name: r.Name}
		for _, p := range r.Curve {
			s.points = append(s.points, at(float64(p.Tokens+p.PromptTokens), p.Mean, p.CI))
		}
		read.series = append(read.series, s)
	}
	return []figure{
		{Title: "Score over tokens made", Legend: made.legend(), SVG: made.svg()},
		{Title: "Score over tokens made and read", Legend: read.legend(), SVG: read.svg()},
		{Title: "Difference from " + c.Runs[0].Name, Note: "problem by problem, the whole budget spent", SVG: differenceBars(c.Differences)},
	}
}

func comparisonTables(c *rsa.Comparison) []table {
	runs := table{Title: "Runs", Heads: []string{"run", "method", "answer by", "N", "K", "T", "seeds", "completion tokens", "prompt tokens", "score", "95 % interval"}}
	for _, r := range c.Runs {
		end := r.Curve[len(r.Curve)-1]
		runs.Rows = append(runs.Rows, []string{r.Name, r.Method, ruleNames[r.Rule], fmt.Sprint(r.RSA.N), fmt.Sprint(r.RSA.K), fmt.Sprint(r.RSA.T), fmt.Sprint(r.Seeds),
			count(end.Tokens), count(end.PromptTokens), share(end.Mean), interval(end.CI)})
	}
	differences := table{Title: "Differences from " + c.Runs[0].Name, Heads: []string{"run", "difference", "95 % interval", "better", "equal", "worse"}}
	for _, d := range c.Differences {
		differences.Rows = append(differences.Rows, []string{d.Name, number(float64(d.Mean), "%+.3f"),
			number(float64(d.CI[0]), "%+.3f") + " – " + number(float64(d.CI[1]), "%+.3f"), fmt.Sprint(d.Better), fmt.Sprint(d.Equal), fmt.Sprint(d.Worse)})
	}
	points := table{Title: "Curves", Shut: true, Heads: []string{"run", "rollouts", "completion tokens", "prompt tokens", "score", "95 % interval"}}
	for _, r := range c.Runs {
		for _, p := range r.Curve {
			points.Rows = append(points.Rows, []string{r.Name, count(p.Rollouts), count(p.Tokens), count(p.PromptTokens), share(p.Mean), interval(p.CI)})
		}
	}
	return []table{runs, differences, points}
}
