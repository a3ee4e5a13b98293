package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"github.com/guptarohit/asciigraph"

	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/data/batch"
)

// demoReport is report.json.
type demoReport struct {
	Seconds  float64                `json:"seconds"`
	Problems int                    `json:"problems"`
	RSA      demoRSA                `json:"rsa"`
	Quick    bool                   `json:"quick"` // its numbers mean nothing
	Seed     int64                  `json:"seed"`
	Budget   map[string]demoBudget  `json:"budget"`
	Arms     map[string][]demoRound `json:"arms"`
	order    []string
}

type demoRSA struct {
	N int `json:"n"`
	K int `json:"k"`
	T int `json:"t"`
}

// demoBudget is what an arm generated while training.
type demoBudget struct {
	Rollouts int   `json:"rollouts"`
	Tokens   int64 `json:"tokens"`
	Steps    int   `json:"steps"`
}

// demoRound is one population of RSA, over all problems.
type demoRound struct {
	Round    int        `json:"round"`
	Mean     float64    `json:"mean"`
	CI95     [2]float64 `json:"ci95"`
	Majority float64    `json:"majority"`
	PassN    float64    `json:"pass_n"`
}

func (d *demo) newReport() *demoReport {
	return &demoReport{Problems: d.problems, RSA: demoRSA{d.n, d.k, d.t}, Quick: d.quick, Seed: d.seed,
		Budget: map[string]demoBudget{}, Arms: map[string][]demoRound{}}
}

// budget counts what an arm generated, dropped groups included, from its ledger.
func (r *demoReport) budget(arm, dir string) error {
	ledger, err := batch.List(filepath.Join(dir, "batches"))
	if err != nil {
		return err
	}
	b := demoBudget{Steps: len(ledger)}
	for _, m := range ledger {
		size := m.Rows / max(1, len(m.Groups))
		b.Rollouts += size * (len(m.Groups) + len(m.Dropped))
		b.Tokens = m.TotalCompletionTokens
	}
	r.Budget[arm] = b
	return nil
}

// arm takes over the rounds of an rsa report.
func (r *demoReport) arm(arm, path string) error {
	var judged struct {
		Rounds []demoRound `json:"rounds"`
	}
	if err := readJSON(path, &judged); err != nil {
		return err
	}
	r.Arms[arm] = judged.Rounds
	r.order = append(r.order, arm)
	return nil
}

func (r *demoReport) save(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		out := json.NewEncoder(w)
		out.SetIndent("", " ")
		return out.Encode(r)
	})
}

// show prints the table and the curves and draws the picture.
func (r *demoReport) show(w io.Writer, dir string) error {
	if r.Quick {
		fmt.Fprintln(w, "\nQUICK DEMO: it shows that everything runs. These numbers mean nothing.")
	}
	if err := r.table(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "\n"+r.curves(isTerminal(w)))
	picture := filepath.Join(dir, "rsa.png")
	if err := r.draw(picture); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n%s\nin %.0f s\n", picture, filepath.Join(dir, "report.json"), r.Seconds)
	return err
}

func (r *demoReport) table(w io.Writer) error {
	fmt.Fprintf(w, "\nAccuracy under RSA, N=%d K=%d, on %d held-out problems (mean of a population, ± half of the 95 %% interval)\n\n", r.RSA.N, r.RSA.K, r.Problems)
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "arm\ttokens\t")
	for t := range r.RSA.T {
		fmt.Fprintf(out, "t=%d\t", t+1)
	}
	fmt.Fprint(out, "majority\tpass@N\t\n")
	for _, arm := range r.order {
		fmt.Fprintf(out, "%s\t%d\t", arm, r.Budget[arm].Tokens)
		rounds := r.Arms[arm]
		for _, round := range rounds {
			fmt.Fprintf(out, "%.3f ±%.3f\t", round.Mean, (round.CI95[1]-round.CI95[0])/2)
		}
		last := rounds[len(rounds)-1]
		fmt.Fprintf(out, "%.3f\t%.3f\t\n", last.Majority, last.PassN)
	}
	return out.Flush()
}

// curves draws the arms, in colour where the reader can see it; x is the round,
// stretched.
func (r *demoReport) curves(color bool) string {
	var series [][]float64
	for _, arm := range r.order {
		var points []float64
		for _, round := range r.Arms[arm] {
			points = append(points, round.Mean)
		}
		series = append(series, points)
	}
	options := []asciigraph.Option{asciigraph.Height(14), asciigraph.Width(60), asciigraph.Precision(2),
		asciigraph.LowerBound(0), asciigraph.UpperBound(1), asciigraph.Caption("mean accuracy by round of RSA")}
	if color {
		colors := []asciigraph.AnsiColor{asciigraph.Gray, asciigraph.Red, asciigraph.Blue, asciigraph.Green}
		options = append(options, asciigraph.SeriesColors(colors[:len(series)]...), asciigraph.SeriesLegends(r.order...))
	}
	return asciigraph.PlotMany(series, options...)
}
