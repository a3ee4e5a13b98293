package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/rollout/curate"
)

func newDedupCommand() *cobra.Command {
	var (
		s     sieve
		near  float64
		words int
	)
	cmd := &cobra.Command{
		Use:   "dedup FILE...",
		Short: "Leave out questions that occur before",
		Long: "dedup passes the first row of each question on, as it came. Questions are equal when they differ in letter case and\n" +
			"white space only. With --near also those go whose runs of --words words overlap: size of intersection over size of\n" +
			"union at least --near (Jaccard; candidates by MinHash, each compared in full).",
		Example: "  ropewalk data dedup a.jsonl b.parquet -o all.jsonl\n" +
			"  ropewalk data dedup train.jsonl --near 0.8 --removed removed.jsonl -o clean.jsonl",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if near < 0 || near > 1 || words < 1 {
				return fail(exitUsage, "", errors.New("--near must be between 0 and 1, --words at least 1"))
			}
			s.judge = firstOfEach(curate.NewDedup(near, words))
			return s.run(cmd, args)
		},
	}
	s.register(cmd.Flags())
	cmd.Flags().Float64Var(&near, "near", 0, "overlap from which two questions count as one; 0: equal ones only")
	cmd.Flags().IntVar(&words, "words", 3, "words in a run")
	return cmd
}

// firstOfEach leaves out what d knows.
func firstOfEach(d *curate.Dedup) func(*datasetRow) (string, float64, bool) {
	var files []string
	var places []struct{ file, row int } // of each text, by its number in d
	return func(row *datasetRow) (string, float64, bool) {
		if len(files) == 0 || files[len(files)-1] != row.File {
			files = append(files, row.File)
		}
		places = append(places, struct{ file, row int }{len(files) - 1, row.Number})
		of, same := d.Add(asked(&row.Item))
		return fmt.Sprintf("%s:%d", files[places[of].file], places[of].row), 0, same
	}
}
