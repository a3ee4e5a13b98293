package page

import (
	"fmt"
	"math"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// ruleNames are for people.
var ruleNames = map[rsa.Rule]string{
	rsa.ByMean: "mean", rsa.ByMajority: "majority vote", rsa.ByLength: "shortest", rsa.ByLogprob: "likeliest",
	rsa.ByAccepted: "self-verified", rsa.ByRating: "best rated",
}

func figures(r *rsa.Report) []figure {
	out := []figure{accuracy(r)}
	if len(r.Given) > 0 {
		out = append(out, figure{
			Title: fmt.Sprintf("P(correct | c of %d candidates correct)", r.RSA.K), Note: "dashed: what copying a candidate at random gives",
			SVG: givenBars(r.Given),
		})
	}
	return append(out, passFigure(r), diversity(r), tokens(r), overCost(r), trouble(r))
}

// byRound makes a series of one value of each round.
func byRound(r *rsa.Report, name string, value func(x *rsa.Round) (rsa.Number, [2]rsa.Number)) series {
	s := series{name: name}
	for t := range r.Rounds {
		y, ci := value(&r.Rounds[t])
		s.points = append(s.points, at(float64(t), y, ci))
	}
	return s
}

func accuracy(r *rsa.Report) figure {
	c := chart{x: "round", y: "score", share: true, whole: true, series: []series{
		byRound(r, "mean", func(x *rsa.Round) (rsa.Number, [2]rsa.Number) { return x.Mean, x.CI95 }),
		byRound(r, "majority vote", func(x *rsa.Round) (rsa.Number, [2]rsa.Number) { return x.Majority, x.MajorityCI }),
		byRound(r, fmt.Sprintf("pass@%d", r.RSA.N), func(x *rsa.Round) (rsa.Number, [2]rsa.Number) { return x.PassN, x.PassNCI }),
	}}
	for i, best := range r.Rounds[0].Best {
		c.series = append(c.series, byRound(r, ruleNames[best.Rule], func(x *rsa.Round) (rsa.Number, [2]rsa.Number) {
			if i < len(x.Best) && x.Best[i].Rule == best.Rule {
				return x.Best[i].Mean, x.Best[i].CI
			}
			return rsa.Number(math.NaN()), [2]rsa.Number{}
		}))
	}
	return figure{Title: "Accuracy by round", Legend: c.legend(), SVG: c.svg()}
}

// passFigure has pass@k of the first round and of the last.
func passFigure(r *rsa.Report) figure {
	c := chart{x: "k", y: "pass@k", share: true, log: r.RSA.N > 1}
	for _, p := range r.Rounds[0].PassAt {
		c.marks = append(c.marks, float64(p.K))
	}
	for _, t := range []int{0, len(r.Rounds) - 1} {
		s := series{name: fmt.Sprintf("round %d", t)}
		for _, p := range r.Rounds[t].PassAt {
			s.points = append(s.points, at(float64(p.K), p.P, p.CI))
		}
		if t > 0 || len(c.series) == 0 {
			c.series = append(c.series, s)
		}
	}
	return figure{Title: "pass@k", Note: "the chance that one of k is right, unbiased", Legend: c.legend(), SVG: c.svg()}
}

func diversity(r *rsa.Report) figure {
	c := chart{x: "round", y: "diversity", whole: true, series: []series{
		byRound(r, "distinct answers", func(x *rsa.Round) (rsa.Number, [2]rsa.Number) { return x.Distinct, x.DistinctCI }),
		byRound(r, "entropy, bits", func(x *rsa.Round) (rsa.Number, [2]rsa.Number) { return x.Entropy, x.EntropyCI }),
	}}
	return figure{Title: "Diversity of a population", Note: "answers are the same when the grader says so", Legend: c.legend(), SVG: c.svg()}
}

func tokens(r *rsa.Report) figure {
	c := chart{x: "round", y: "tokens", whole: true, series: []series{{name: "completions"}, {name: "prompts"}}}
	for t, x := range r.Rounds {
		c.series[0].points = append(c.series[0].points, bare(float64(t), rsa.Number(x.SpentTokens)))
		c.series[1].points = append(c.series[1].points, bare(float64(t), rsa.Number(x.SpentPromptTokens)))
	}
	return figure{Title: "Tokens spent so far", Note: "over all problems and seeds, verifications included", Legend: c.legend(), SVG: c.svg()}
}

func overCost(r *rsa.Report) figure {
	c := chart{x: "completion tokens a problem", y: "score", share: true, series: []series{curve(string(r.Rule), r.Curve)}}
	return figure{Title: "Score of the answer over cost", Note: "answer by " + ruleNames[r.Rule], SVG: c.svg()}
}

func curve(name string, points []rsa.Spent) series {
	s := series{name: name}
	for _, p := range points {
		s.points = append(s.points, at(float64(p.Tokens), p.Mean, p.CI))
	}
	return s
}

func trouble(r *rsa.Report) figure {
	c := chart{x: "round", y: "share of rollouts", share: true, whole: true, series: []series{
		byRound(r, "cut off at the limit", func(x *rsa.Round) (rsa.Number, [2]rsa.Number) { return x.Truncated, x.TruncatedCI }),
		{name: "no answer"}, {name: "failed or ungraded"},
	}}
	for t, x := range r.Rounds {
		all := float64(x.Rollouts)
		c.series[1].points = append(c.series[1].points, bare(float64(t), rsa.Number(float64(x.NoAnswer)/all)))
		c.series[2].points = append(c.series[2].points, bare(float64(t), rsa.Number(float64(x.Failed+x.Ungraded)/all)))
	}
	return figure{Title: "Rollouts without an answer", Legend: c.legend(), SVG: c.svg()}
}

func tables(r *rsa.Report) []table {
	out := []table{roundTable("Rounds", r.Rounds), chosenTable(r)}
	if len(r.Given) > 0 {
		t := table{Title: fmt.Sprintf("P(correct | c of %d candidates correct)", r.RSA.K), Heads: []string{"c", "prompts", "P(correct)", "95 % interval", "mean score"}}
		for _, g := range r.Given {
			t.Rows = append(t.Rows, []string{fmt.Sprint(g.Correct), fmt.Sprint(g.Prompts), share(g.P), interval(g.CI), share(g.Mean)})
		}
		out = append(out, t)
	}
	for _, name := range r.Datasets {
		if part, ok := r.ByDataset[name]; ok {
			t := roundTable(fmt.Sprintf("%s: %d problems", name, part.Problems), part.Rounds)
			t.Shut = true
			out = append(out, t)
		}
	}
	return out
}

func roundTable(title string, rounds []rsa.Round) table {
	t := table{Title: title, Heads: []string{"round", "mean", "95 % interval", "majority", "pass@N", "distinct answers", "entropy, bits", "agreed",
		"tokens", "prompt tokens", "cut off", "graded", "rollouts", "unchanged"}}
	for _, x := range rounds {
		t.Rows = append(t.Rows, []string{fmt.Sprint(x.Round), share(x.Mean), interval(x.CI95), share(x.Majority), share(x.PassN),
			number(float64(x.Distinct), "%.2f"), number(float64(x.Entropy), "%.2f"), share(x.Agreed),
			fmt.Sprint(x.Tokens), fmt.Sprint(x.PromptTokens), number(100*float64(x.Truncated), "%.1f %%"),
			fmt.Sprint(x.Counted), fmt.Sprint(x.Rollouts), fmt.Sprint(x.Unchanged)})
	}
	return t
}

// chosenTable has pass@k and the answers chosen of N.
func chosenTable(r *rsa.Report) table {
	t := table{Title: "Chosen of N, and pass@k", Heads: []string{"round"}}
	for _, b := range r.Rounds[0].Best {
		t.Heads = append(t.Heads, ruleNames[b.Rule])
	}
	for _, p := range r.Rounds[0].PassAt {
		t.Heads = append(t.Heads, fmt.Sprintf("pass@%d", p.K))
	}
	verified := r.Rounds[0].Verified != nil
	if verified {
		t.Heads = append(t.Heads, "accepts right", "accepts wrong")
	}
	for _, x := range r.Rounds {
		row := []string{fmt.Sprint(x.Round)}
		for _, b := range r.Rounds[0].Best {
			row = append(row, share(x.BestBy(b.Rule)))
		}
		for _, p := range x.PassAt {
			row = append(row, share(p.P))
		}
		if verified {
			v := x.Verified
			if v == nil {
				v = &rsa.Verified{AcceptsRight: rsa.Number(math.NaN()), AcceptsWrong: rsa.Number(math.NaN())}
			}
			row = append(row, share(v.AcceptsRight), share(v.AcceptsWrong))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
