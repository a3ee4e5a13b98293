package rsa

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"
)

// Write prints the report as tables for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	r.header(&b)
	r.table(&b, r.Rounds)
	r.choices(&b)
	if r.ByDataset != nil {
		for _, name := range r.Datasets {
			part := r.ByDataset[name]
			fmt.Fprintf(&b, "\n%s: %d problems\n", name, part.Problems)
			r.table(&b, part.Rounds)
		}
	}
	r.givenTable(&b)
	r.ending(&b)
	r.footer(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func rightTable(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
}

// simulatedLine opens all that was made without a model.
const simulatedLine = "SIMULATED: no model was asked; these numbers say nothing about any model\n"

func (r *Report) header(b *strings.Builder) {
	if r.Simulated {
		b.WriteString(simulatedLine)
	}
	fmt.Fprintf(b, "%s: %d problems, N=%d", strings.Join(r.Datasets, ", "), r.Problems, r.RSA.N)
	if r.RSA.T > 1 {
		fmt.Fprintf(b, " K=%d", r.RSA.K)
	}
	fmt.Fprintf(b, " T=%d, temperature %g, model %s\n", r.RSA.T, r.Sampling.Temperature, r.Model)
	if m, err := FindMethod(r.Method); err == nil {
		fmt.Fprintf(b, "method %s: %s\n", m.Name, m.About)
	}
	if len(r.Seeds) > 0 {
		var values []float64
		fmt.Fprintf(b, "means over %d seeds:", len(r.Seeds))
		for _, s := range r.Seeds {
			values = append(values, float64(s.Answer))
			fmt.Fprintf(b, " %d %s", s.Seed, share(s.Answer))
		}
		fmt.Fprintf(b, "; standard deviation %.3f\n", stat.StdDev(values, nil))
	}
}

func (r *Report) table(b *strings.Builder, rounds []Round) {
	t := rightTable(b)
	fmt.Fprintf(t, "round\tmean\t95 %% interval\tmajority\tpass@%d\tanswers\tbits\ttokens\ttruncated\tgraded\t\n", r.RSA.N)
	for _, x := range rounds {
		fmt.Fprintf(t, "%d\t%s\t%s – %s\t%s\t%s\t%s\t%s\t%s\t%s\t%d/%d\t\n", x.Round, share(x.Mean), share(x.CI95[0]), share(x.CI95[1]),
			share(x.Majority), share(x.PassN), decimal(x.Distinct), decimal(x.Entropy), decimal(x.MeanTokens), percent(x.Truncated), x.Counted, x.Rollouts)
	}
	_ = t.Flush() // a strings.Builder does not fail
}

// choices are the answers chosen of N, and the chance that one of fewer is right.
func (r *Report) choices(b *strings.Builder) {
	t := rightTable(b)
	b.WriteString("\nscore of the best of N by a verifier, and pass@k\n")
	line := "round"
	for _, x := range r.Rounds[0].Best {
		line += "\t" + strings.TrimPrefix(string(x.Rule), "best_")
	}
	for _, x := range r.Rounds[0].PassAt {
		line += fmt.Sprintf("\tpass@%d", x.K)
	}
	fmt.Fprintln(t, line+"\t")
	for _, x := range r.Rounds {
		line = fmt.Sprint(x.Round)
		for _, rule := range r.Rounds[0].Best {
			line += "\t" + share(x.BestBy(rule.Rule))
		}
		for _, p := range x.PassAt {
			line += "\t" + share(p.P)
		}
		fmt.Fprintln(t, line+"\t")
	}
	_ = t.Flush()
}

// BestBy is the mean by a rule that chooses one of N, null if the round has none.
func (x *Round) BestBy(rule Rule) Number {
	for _, b := range x.Best {
		if b.Rule == rule {
			return b.Mean
		}
	}
	return Number(math.NaN())
}

// ending says what the method's answers are worth and what they cost.
func (r *Report) ending(b *strings.Builder) {
	end := r.Curve[len(r.Curve)-1]
	fmt.Fprintf(b, "\nanswers by %s: %s (%s – %s), for %.0f completion and %.0f prompt tokens a problem\n",
		r.Rule, share(end.Mean), share(end.CI[0]), share(end.CI[1]), float64(end.Tokens), float64(end.PromptTokens))
	if r.Agreeing != nil {
		fmt.Fprintf(b, "%d of %d problems were stopped when a population agreed; it stands, at no cost, for their later rounds\n",
			*r.Agreeing, r.Problems*max(1, len(r.Seeds)))
	}
}

func (r *Report) givenTable(b *strings.Builder) {
	if len(r.Given) == 0 {
		return
	}
	fmt.Fprintf(b, "\nP(correct | c of %d candidates correct), rounds 1 to %d\n", r.RSA.K, r.RSA.T-1)
	t := rightTable(b)
	lines := [4]string{"c", "prompts", "P(correct)", "95 % interval"}
	for _, g := range r.Given {
		lines[0] += fmt.Sprintf("\t%d", g.Correct)
		lines[1] += fmt.Sprintf("\t%d", g.Prompts)
		lines[2] += "\t" + share(g.P)
		lines[3] += "\t" + between(g)
	}
	for _, line := range lines {
		fmt.Fprintln(t, line+"\t")
	}
	_ = t.Flush()
}

func (r *Report) footer(b *strings.Builder) {
	fmt.Fprintf(b, "\n%d rollouts, %d completion tokens, %d prompt tokens\n", r.Totals.Rollouts, r.Totals.Tokens, r.Totals.PromptTokens)
	if v := r.Totals.VerifyTokens; v > 0 {
		fmt.Fprintf(b, "beside them %d completion and %d prompt tokens of verifications\n", v, r.Totals.VerifyPromptTokens)
	}
	b.WriteString(r.Cost.line())
	cut := 0
	for _, x := range r.Rounds {
		cut += x.Cut
	}
	if cut > 0 {
		fmt.Fprintf(b, "%d prompts had candidates shortened or dropped to fit %d tokens\n", cut, r.Sampling.MaxPromptTokens)
	}
}

// Write prints the pool's summary with a histogram of pass rates.
func (r *PoolReport) Write(w io.Writer) error {
	var b strings.Builder
	if r.Simulated {
		b.WriteString(simulatedLine)
	}
	fmt.Fprintf(&b, "%s: %d candidates of %d problems, %d asked of each, model %s\n", strings.Join(r.Datasets, ", "), r.Candidates, r.Problems, r.PerProblem, r.Model)
	fmt.Fprintf(&b, "mean score %s (95 %% interval %s – %s), pass@%d %s, %d completion tokens\n\nproblems by right candidates\n",
		share(r.Mean), share(r.CI95[0]), share(r.CI95[1]), r.PerProblem, share(r.PassN), r.Tokens)
	r.histogram(&b)
	if r.Filter != NoFilter() {
		fmt.Fprintf(&b, "\nthe filter kept %d candidates and left out %d; %d of %d problems have none\n", r.Candidates, r.Filtered, r.DroppedProblems, r.Problems)
	}
	b.WriteString(r.Cost.line())
	_, err := io.WriteString(w, b.String())
	return err
}

// widest is the longest bar of a histogram, most its bars.
const widest, most = 40, 16

// histogram joins neighbouring rates where there are many.
func (r *PoolReport) histogram(b *strings.Builder) {
	width := (len(r.Rates) + most - 1) / most
	var labels []string
	var counts []int
	largest := 1
	for from := 0; from < len(r.Rates); from += width {
		to := min(from+width, len(r.Rates))
		n := 0
		for _, x := range r.Rates[from:to] {
			n += x
		}
		label := fmt.Sprintf("%d/%d", from, r.PerProblem)
		if to-from > 1 {
			label = fmt.Sprintf("%d–%d/%d", from, to-1, r.PerProblem)
		}
		labels, counts, largest = append(labels, label), append(counts, n), max(largest, n)
	}
	for i, label := range labels {
		bar := (counts[i]*widest + largest - 1) / largest
		fmt.Fprintf(b, "%10s  %s %d\n", label, strings.Repeat("█", bar), counts[i])
	}
}

// between prints an interval, where there is one.
func between(g Given) string {
	if g.Prompts == 0 {
		return "-"
	}
	return share(g.CI[0]) + "–" + share(g.CI[1])
}

// share prints a number between 0 and 1.
func share(x Number) string {
	if math.IsNaN(float64(x)) {
		return "-"
	}
	return fmt.Sprintf("%.3f", float64(x))
}

func decimal(x Number) string {
	if math.IsNaN(float64(x)) {
		return "-"
	}
	return fmt.Sprintf("%.1f", float64(x))
}

func percent(x Number) string {
	if math.IsNaN(float64(x)) {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(x))
}
