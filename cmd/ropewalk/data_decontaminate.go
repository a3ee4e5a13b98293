package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/rollout/curate"
)

func newDecontaminateCommand() *cobra.Command {
	var (
		s       sieve
		against []string
		words   int
		overlap float64
	)
	cmd := &cobra.Command{
		Use:   "decontaminate FILE... --against EVAL",
		Short: "Leave out rows that hold an evaluation's questions",
		Long: "decontaminate passes rows on, as they came, that hold no question of the --against files. A row holds a question if at\n" +
			"least --overlap of the question's runs of --words words occur in the row's own question; of a shorter question, all of it.\n" +
			"Letter case, punctuation and white space do not count.",
		Example: "  ropewalk data decontaminate train.jsonl --against aime25.parquet --against hmmt25.parquet -o clean.jsonl\n" +
			"  ropewalk data decontaminate train.parquet --against heldout.jsonl --words 13 --removed hits.jsonl -o clean.parquet",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(against) == 0 || words < 1 || !(overlap > 0 && overlap <= 1) {
				return fail(exitUsage, "", errors.New("give --against; --words must be at least 1, --overlap above 0 and at most 1"))
			}
			c := curate.NewContamination(words, overlap)
			places, err := questionsOf(cmd, c, against)
			if err != nil {
				return err
			}
			s.judge = func(row *datasetRow) (string, float64, bool) {
				q, share, found := c.Find(asked(&row.Item))
				if !found {
					return "", 0, false
				}
				return places[q], share, true
			}
			return s.run(cmd, args)
		},
	}
	s.register(cmd.Flags())
	cmd.Flags().StringArrayVar(&against, "against", nil, "evaluation file, of any schema (repeatable)")
	cmd.Flags().IntVar(&words, "words", 8, "words in a run")
	cmd.Flags().Float64Var(&overlap, "overlap", 0.5, "share of a question's runs from which a row holds it")
	return cmd
}

// questionsOf tells c what to look for, and gives the places of the questions.
func questionsOf(cmd *cobra.Command, c *curate.Contamination, paths []string) (places []string, err error) {
	var reader datasetReader
	reader.start(cmd)
	for row, err := range reader.all(cmd.Context(), paths) {
		if err != nil {
			return nil, err
		}
		c.Add(asked(&row.Item))
		places = append(places, fmt.Sprintf("%s:%d", row.File, row.Number))
	}
	return places, nil
}
