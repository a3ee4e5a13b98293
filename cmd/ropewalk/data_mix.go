package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout/curate"
)

// mixing is one run of data mix: a pass that counts, and one that takes.
type mixing struct {
	reader datasetReader
	out    string
	parts  []curate.MixPart
	n      int
	repeat bool
	seed   int64
}

func newMixCommand() *cobra.Command {
	var m mixing
	cmd := &cobra.Command{
		Use:   "mix FILE[=WEIGHT]...",
		Short: "Mix datasets by weight into one, in random order",
		Long: "mix takes rows of each input in proportion to its weight (1 if not given), each row of an input with equal chance,\n" +
			"and interleaves them at random by the seed; rows of one input keep their order. Without -n it makes the largest\n" +
			"mixture in which no row occurs twice. Rows pass as they came, so the inputs should have one schema\n" +
			"(`ropewalk data convert` brings them to one).",
		Example: "  ropewalk data mix math.jsonl=2 games.jsonl=1 -n 30000 -o train.jsonl\n" +
			"  ropewalk data mix a.parquet b.parquet --repeat -n 100000 --seed 3 -o train.parquet",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				p, err := curate.ParseMixPart(arg)
				if err == nil && p.Path == table.Stdio {
					err = errors.New("mix needs files: each is read more than once")
				}
				if err != nil {
					return fail(exitUsage, "", err)
				}
				m.parts = append(m.parts, p)
			}
			if m.n < 0 {
				return fail(exitUsage, "", errors.New("-n must not be negative"))
			}
			return m.run(cmd)
		},
	}
	m.reader.register(cmd.Flags())
	addOutput(cmd.Flags(), &m.out)
	cmd.Flags().IntVarP(&m.n, "number", "n", 0, "rows to make; 0: as many as there are without repetition")
	cmd.Flags().BoolVar(&m.repeat, "repeat", false, "let rows of small inputs occur more than once")
	cmd.Flags().Int64Var(&m.seed, "seed", 1, "which mixture")
	return cmd
}

func (m *mixing) run(cmd *cobra.Command) error {
	if err := m.reader.check(); err != nil {
		return err
	}
	m.reader.start(cmd)
	out, err := outputOf(cmd, m.out)
	if err != nil {
		return err
	}
	rows := make([]int, len(m.parts))
	for i, p := range m.parts {
		for _, err := range m.reader.all(cmd.Context(), []string{p.Path}) {
			if err != nil {
				return err
			}
			rows[i]++
		}
	}
	partial := m.reader.partial()
	mixture, err := curate.NewMixture(m.parts, rows, m.n, m.repeat, m.seed)
	if err != nil {
		return fail(exitBadInput, "--repeat lets rows occur more than once", err)
	}
	if _, err := table.WriteRows(out, func(put func([]byte) error) error { return m.take(cmd.Context(), mixture, put) }); err != nil {
		return failedWrite(err)
	}
	for i, n := range mixture.Rows() {
		fmt.Fprintf(cmd.ErrOrStderr(), "ropewalk: %s: %d of %d rows\n", m.parts[i].Path, n, rows[i])
	}
	return partial
}

// take puts the chosen rows of all inputs in the mixture's order.
func (m *mixing) take(ctx context.Context, mixture *curate.Mixture, put func([]byte) error) error {
	next := make([]func() ([]byte, error, bool), len(m.parts))
	for i := range m.parts {
		if mixture.Rows()[i] == 0 {
			continue
		}
		var stop func()
		next[i], stop = iter.Pull2(m.chosen(ctx, i, mixture.Chooser(i)))
		defer stop()
	}
	order := mixture.Order()
	for {
		i, ok := order()
		if !ok {
			return nil
		}
		row, err, ok := next[i]()
		if !ok {
			return fmt.Errorf("%s: ended early; did it change while it was read?", m.parts[i].Path)
		}
		if err == nil {
			err = put(row)
		}
		if err != nil {
			return err
		}
	}
}

// chosen gives the rows that choose takes, pass after pass over an input.
func (m *mixing) chosen(ctx context.Context, input int, choose func(row int) bool) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			n := 0
			reader := m.reader // a pass counts for itself
			for row, err := range reader.all(ctx, []string{m.parts[input].Path}) {
				if err != nil {
					yield(nil, err)
					return
				}
				if choose(n) && !yield(slices.Clone(row.Text), nil) {
					return
				}
				n++
			}
			if n == 0 {
				return
			}
		}
	}
}
