package rsa

import (
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/ropewalk/ropewalk/rollout"
)

// report sums up a run.
func (r *runner) report() Report {
	for i := range r.outcomes {
		r.outcomes[i].Problem, r.outcomes[i].Dataset = r.problems[i].ID, r.problems[i].Dataset
	}
	info := r.engines.Info()
	out := Report{
		Schema: 1, Simulated: info.Simulated, Model: info.Model, Method: r.Method, Rule: ByMean, Rater: r.Rater,
		RSA: Size{r.N, r.K, r.T}, Seed: r.Seed,
		Sampling: Drawn{r.Sampling.Temperature, r.Sampling.MaxTokens, r.Prompt.MaxTokens},
	}
	if m, err := FindMethod(r.Method); err == nil {
		out.Rule = m.Rule
	} else {
		out.Method = recursive.Name
	}
	if r.StopWhenAgreed {
		out.Agreeing = new(int)
	}
	out.summarise(r.outcomes)
	out.Cost = r.Price.cost(out.Totals.PromptTokens+out.Totals.VerifyPromptTokens, out.Totals.Tokens+out.Totals.VerifyTokens)
	return out
}

// summarise fills in all numbers from the results.
func (r *Report) summarise(results []Result) {
	r.Results, r.Problems = results, len(results)
	r.Datasets, r.ByDataset = nil, nil
	parts := map[string][]Result{}
	for i := range results {
		name := results[i].Dataset
		if parts[name] == nil {
			r.Datasets = append(r.Datasets, name)
		}
		parts[name] = append(parts[name], results[i])
	}
	r.Rounds, r.Curve = r.rounds(results), r.curve(results)
	r.Given = r.given(results, 1, r.RSA.T)
	if r.Agreeing != nil {
		*r.Agreeing = r.Rounds[r.RSA.T-1].Unchanged
	}
	if len(r.Datasets) > 1 {
		r.ByDataset = map[string]Part{}
		for name, some := range parts {
			r.ByDataset[name] = Part{Problems: len(some), Rounds: r.rounds(some), Curve: r.curve(some)}
		}
	}
	r.Totals = totals(results)
}

func totals(results []Result) (out Totals) {
	all := Population{}
	for i := range results {
		for t := range results[i].Rounds {
			all.addCounts(&results[i].Rounds[t])
		}
	}
	return Totals{
		Rollouts: all.Rollouts, Failed: all.Failed, Ungraded: all.Ungraded, Tokens: all.Tokens, PromptTokens: all.PromptTokens,
		VerifyTokens: all.Judged.Tokens, VerifyPromptTokens: all.Judged.PromptTokens,
	}
}

func (r *Report) rounds(results []Result) []Round {
	rounds := make([]Round, r.RSA.T)
	spent := Population{}
	for t := range rounds {
		some := make([]*Population, len(results))
		for i := range results {
			some[i] = &results[i].Rounds[t]
			spent.addCounts(some[i])
		}
		rounds[t] = r.round(t, some)
		rounds[t].SpentTokens = spent.Tokens + spent.Judged.Tokens
		rounds[t].SpentPromptTokens = spent.PromptTokens + spent.Judged.PromptTokens
		if t > 0 {
			rounds[t].Given = r.given(results, t, t+1)
		}
	}
	return rounds
}

// round averages populations of one round.
func (r *Report) round(t int, some []*Population) Round {
	all := Population{}
	problems := 0
	for _, y := range some {
		all.addCounts(y)
		if !math.IsNaN(float64(y.Mean)) {
			problems++
		}
	}
	completed := float64(all.Completed)
	out := Round{
		Round: t, Problems: problems, Unchanged: all.Unchanged,
		Rollouts: all.Rollouts, Counted: all.Counted, NoAnswer: all.NoAnswer, Failed: all.Failed, Ungraded: all.Ungraded, Cut: all.Cut,
		Tokens: all.Tokens, PromptTokens: all.PromptTokens,
		MeanTokens: ratio(float64(all.Tokens), completed), MeanPrompt: ratio(float64(all.PromptTokens), completed),
	}
	out.Mean, out.CI95 = estimate(r, "mean", t, some, func(y *Population) Number { return y.Mean })
	out.Majority, out.MajorityCI = estimate(r, "majority", t, some, func(y *Population) Number { return y.Majority })
	out.PassN, out.PassNCI = estimate(r, "pass_n", t, some, func(y *Population) Number { return y.Pass })
	out.Distinct, out.DistinctCI = estimate(r, "distinct", t, some, func(y *Population) Number { return y.Distinct })
	out.Entropy, out.EntropyCI = estimate(r, "entropy", t, some, func(y *Population) Number { return y.Entropy })
	out.Agreed = average(some, func(y *Population) Number { return y.Agreed })
	out.Truncated, out.TruncatedCI = r.share("truncated", t, some,
		func(y *Population) (int, int) { return y.Truncated, y.Completed })
	out.PassAt, out.Best = r.passAt(t, some), r.bests(t, some)
	if j := all.Judged; j.Right+j.Wrong > 0 {
		out.Verified = &Verified{ratio(float64(j.AcceptedRight), float64(j.Right)), ratio(float64(j.AcceptedWrong), float64(j.Wrong)), j.Silent}
	}
	return out
}

func (r *Report) passAt(t int, some []*Population) []PassAt {
	out := []PassAt{}
	for i, k := range passKs(r.RSA.N) {
		p, ci := estimate(r, "pass_at", t*1000+i, some, func(y *Population) Number { return y.PassAt[i] })
		out = append(out, PassAt{k, p, ci})
	}
	return out
}

func (r *Report) bests(t int, some []*Population) []Best {
	out := []Best{}
	for _, rule := range []Rule{ByLogprob, ByLength, ByAccepted, ByRating} {
		p, ci := estimate(r, string(rule), t, some, func(y *Population) Number { return y.By(rule) })
		if !math.IsNaN(float64(p)) {
			out = append(out, Best{rule, p, ci})
		}
	}
	return out
}

func (r *Report) curve(results []Result) []Spent {
	var out []Spent
	for i := range results[0].Curve {
		points := make([]*Point, len(results))
		for p := range results {
			points[p] = &results[p].Curve[i]
		}
		s := Spent{
			Rollouts:     average(points, func(p *Point) Number { return Number(p.Rollouts) }),
			Tokens:       average(points, func(p *Point) Number { return Number(p.Tokens) }),
			PromptTokens: average(points, func(p *Point) Number { return Number(p.PromptTokens) }),
		}
		s.Mean, s.CI = estimate(r, string(r.Rule), i, points, func(p *Point) Number { return p.By(r.Rule) })
		out = append(out, s)
	}
	return out
}

// estimate is the mean over those that have the value, with its interval.
func estimate[T any](r *Report, what string, t int, some []*T, value func(*T) Number) (Number, [2]Number) {
	var values []float64
	for _, x := range some {
		if v := float64(value(x)); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		nan := Number(math.NaN())
		return nan, [2]Number{nan, nan}
	}
	ci := bootstrap(values, rollout.Rand(r.Seed, "rsa bootstrap of "+what, int64(t)))
	return Number(stat.Mean(values, nil)), numbers(ci)
}

// share is a ratio of sums over problems, with its interval over problems.
func (r *Report) share(what string, t int, some []*Population, count func(*Population) (over, under int)) (Number, [2]Number) {
	over, under := make([]float64, len(some)), make([]float64, len(some))
	var a, b float64
	for i, y := range some {
		x, n := count(y)
		over[i], under[i] = float64(x), float64(n)
		a += over[i]
		b += under[i]
	}
	return ratio(a, b), numbers(bootstrapRatio(over, under, rollout.Rand(r.Seed, "rsa bootstrap of "+what, int64(t))))
}

func numbers(x [2]float64) [2]Number { return [2]Number{Number(x[0]), Number(x[1])} }

// given sums the cells of the rounds from..to-1.
func (r *Report) given(results []Result, from, to int) []Given {
	out := []Given{}
	if from >= to {
		return out
	}
	for c := range r.RSA.K + 1 {
		some := make([]*Population, len(results))
		var all Cell
		for i := range results {
			some[i] = &Population{Given: make([]Cell, 1)}
			for _, y := range results[i].Rounds[from:to] {
				if c < len(y.Given) {
					some[i].Given[0].merge(y.Given[c])
				}
			}
			all.merge(some[i].Given[0])
		}
		g := Given{Correct: c, Of: r.RSA.K, Prompts: all.Prompts, Mean: ratio(all.Score, float64(all.Prompts))}
		g.P, g.CI = r.share("given", from<<20+to<<10+c, some, func(y *Population) (int, int) { return y.Given[0].Right, y.Given[0].Prompts })
		out = append(out, g)
	}
	return out
}
