package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
)

func newStatsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stats FILE...",
		Short: "Count problems by dataset and grader, with the lengths of their questions",
		Long: "stats reads the files and prints one line per dataset and grader: how many problems, and quantiles of\n" +
			"the questions' lengths in characters. Bad rows are left out, counted on standard error, and make the\n" +
			"exit code 5; `ropewalk data check` lists them.",
		Example: "  ropewalk data stats aime25.parquet train.jsonl\n  ropewalk data stats --json train.jsonl",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var sources []table.Source
			for _, path := range args {
				sources = append(sources, table.Source{Path: path})
			}
			problems, skipped, err := table.Load(sources, true)
			if err != nil {
				return fail(exitBadInput, "", err)
			}
			if err := writeStats(cmd.OutOrStdout(), statsOf(problems), asJSON); err != nil {
				return failure(err)
			}
			if len(skipped) > 0 {
				return fail(exitPartial, "`ropewalk data check` lists them all", fmt.Errorf("%d bad rows left out, the first: %w", len(skipped), skipped[0]))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per dataset and grader")
	return cmd
}

// datasetStats describes the problems of one dataset and grader. Lengths are of
// questions, in characters.
type datasetStats struct {
	Dataset  string  `json:"dataset"`
	Grader   string  `json:"grader"`
	Problems int     `json:"problems"`
	Mean     float64 `json:"mean"`
	Min      int     `json:"min"`
	P50      int     `json:"p50"`
	P90      int     `json:"p90"`
	P99      int     `json:"p99"`
	Max      int     `json:"max"`
}

func statsOf(problems []data.Problem) []datasetStats {
	type key struct{ dataset, grader string }
	lengths := map[key][]int{}
	var order []key
	for i := range problems {
		k := key{problems[i].Dataset, problems[i].Grader}
		if lengths[k] == nil {
			order = append(order, k)
		}
		lengths[k] = append(lengths[k], utf8.RuneCountInString(problems[i].Question))
	}
	var list []datasetStats
	for _, k := range order {
		list = append(list, describeLengths(k.dataset, k.grader, lengths[k]))
	}
	return list
}

// describeLengths gives nearest-rank quantiles: values that occur.
func describeLengths(dataset, grader string, lengths []int) datasetStats {
	slices.Sort(lengths)
	n := len(lengths)
	at := func(q int) int { return lengths[(n*q+99)/100-1] }
	var sum float64
	for _, l := range lengths {
		sum += float64(l)
	}
	return datasetStats{Dataset: dataset, Grader: grader, Problems: n, Mean: sum / float64(n),
		Min: lengths[0], P50: at(50), P90: at(90), P99: at(99), Max: lengths[n-1]}
}

func writeStats(w io.Writer, list []datasetStats, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		for _, s := range list {
			if err := enc.Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable(w, "dataset", "grader", "problems", "mean", "min", "p50", "p90", "p99", "max")
	for _, s := range list {
		t.row(s.Dataset, s.Grader, s.Problems, fmt.Sprintf("%.1f", s.Mean), s.Min, s.P50, s.P90, s.P99, s.Max)
	}
	return t.flush()
}
