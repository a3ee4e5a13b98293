package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout/curate"
)

// splitting is one run of data split. Each part is written in a pass of its own
// over the input, so that memory does not grow with it.
type splitting struct {
	reader   datasetReader
	seed     int64
	stratify bool
	parts    []curate.SplitPart
	split    *curate.Split
}

func newSplitCommand() *cobra.Command {
	var s splitting
	cmd := &cobra.Command{
		Use:   "split FILE PART=SIZE PART=SIZE...",
		Short: "Divide a dataset into parts that share no question",
		Long: "split assigns each row to a part by a hash of its question and the seed: equal questions fall into one part, rows in\n" +
			"another order stay where they were, and, with fractions, rows added later move none. SIZE is a fraction, a number\n" +
			"of rows, or rest.",
		Example: "  ropewalk data split all.jsonl train.jsonl=0.9 heldout.jsonl=rest\n" +
			"  ropewalk data split all.parquet heldout.parquet=300 train.parquet=rest --stratify --seed 2",
		Args: cobra.MinimumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args[1:] {
				p, err := curate.ParsePart(arg)
				if err != nil {
					return fail(exitUsage, "", err)
				}
				s.parts = append(s.parts, p)
			}
			return s.run(cmd, args[0])
		},
	}
	s.reader.register(cmd.Flags())
	cmd.Flags().Int64Var(&s.seed, "seed", 1, "which split")
	cmd.Flags().BoolVar(&s.stratify, "stratify", false, "give each part the same mix of datasets")
	return cmd
}

func (s *splitting) run(cmd *cobra.Command, path string) error {
	if err := errors.Join(curate.CheckParts(s.parts), s.reader.check()); err != nil {
		return fail(exitUsage, "", err)
	}
	if path == table.Stdio || slices.ContainsFunc(s.parts, func(p curate.SplitPart) bool { return p.Path == table.Stdio || p.Path == path }) {
		return fail(exitUsage, "the input is read more than once", errors.New("split needs files, and parts other than its input"))
	}
	s.split = curate.NewSplit(s.parts, s.seed)
	if s.stratify || !curate.ByHash(s.parts) {
		err := s.pass(cmd, path, func(row *datasetRow) error {
			s.split.See(s.stratum(row), curate.Normal(asked(&row.Item)))
			return nil
		})
		if err == nil {
			err = s.split.Settle()
		}
		if err != nil {
			return fail(exitBadInput, "", err)
		}
	}
	for i := range s.parts {
		if err := s.write(cmd, path, i); err != nil {
			return err
		}
	}
	return s.reader.partial()
}

// stratum is what the parts have in equal shares.
func (s *splitting) stratum(row *datasetRow) string {
	if s.stratify {
		return row.Item.Dataset
	}
	return ""
}

// pass reads the input from its beginning.
func (s *splitting) pass(cmd *cobra.Command, path string, each func(*datasetRow) error) error {
	s.reader.start(cmd)
	s.reader.rows, s.reader.skipped, s.reader.first = 0, 0, nil
	for row, err := range s.reader.all(cmd.Context(), []string{path}) {
		if err == nil {
			err = each(&row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *splitting) write(cmd *cobra.Command, path string, part int) error {
	out, err := outputOf(cmd, s.parts[part].Path)
	if err != nil {
		return err
	}
	n := 0
	_, err = table.WriteRows(out, func(put func([]byte) error) error {
		err := s.pass(cmd, path, func(row *datasetRow) error {
			if s.split.Part(s.stratum(row), curate.Normal(asked(&row.Item))) != part {
				return nil
			}
			n++
			return put(row.Text)
		})
		if err == nil && n == 0 {
			err = fail(exitBadInput, "ask for a larger part, or give more rows", fmt.Errorf("%s: no rows to write", out.Path))
		}
		return err
	})
	if err != nil {
		return failedWrite(err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "ropewalk: %s: %d rows\n", out.Path, n)
	return nil
}
