package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward"
)

// goldDeadline bounds the grading of one gold answer.
const goldDeadline = 10 * time.Second

func newCheckCommand() *cobra.Command {
	var (
		asJSON bool
		grader string
	)
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Find bad rows: shape, duplicate ids, golds that their own grader refuses",
		Long: "check reads every row of the files together, as a run that trains on them would, and grades each gold\n" +
			"answer as if a model had given it: it must score 1. Bad rows are listed as file:row, and the exit\n" +
			"code is then 3. Rows whose grader this build lacks, or whose meta stands for the gold, are counted and not graded.",
		Example: "  ropewalk data check train.jsonl heldout.parquet\n  ropewalk data check --json train.jsonl | jq .bad",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := checker{graders: reward.Default(), seen: map[data.ProblemID]string{}, report: newCheckReport()}
			for _, path := range args {
				c.file(cmd.Context(), table.Source{Path: path, Grader: grader})
			}
			if err := cmd.Context().Err(); err != nil {
				return fail(exitInterrupt, "", errors.New("stopped"))
			}
			if err := c.report.write(cmd.OutOrStdout(), asJSON); err != nil {
				return failure(err)
			}
			if n := len(c.report.Bad); n > 0 {
				return fail(exitBadInput, "train leaves bad rows out with data.skip_bad: true", fmt.Errorf("found %d faults in %d rows", n, c.report.Rows))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().StringVar(&grader, "grader", "", "grade all rows with this one, whatever they say")
	return cmd
}

// checkReport is what check prints.
type checkReport struct {
	Files    []string       `json:"files"`
	Rows     int            `json:"rows"`
	Bad      []badRow       `json:"bad"`
	Ungraded map[string]int `json:"ungraded"` // rows by grader that this build lacks
	NoGold   int            `json:"no_gold"`  // rows whose meta stands for the gold: nothing to grade
}

type badRow struct {
	File  string `json:"file"`
	Row   int    `json:"row,omitempty"` // 0: the file as a whole
	Error string `json:"error"`
}

func newCheckReport() checkReport {
	return checkReport{Bad: []badRow{}, Ungraded: map[string]int{}}
}

func (r *checkReport) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	for _, b := range r.Bad {
		line := fmt.Sprintf("%s:%d: %s", b.File, b.Row, b.Error)
		if b.Row == 0 {
			line = b.Error // names the file itself
		}
		if _, err := fmt.Fprintln(w, tame(line)); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(r.Ungraded) {
		if _, err := fmt.Fprintf(w, "not graded: %d rows, for want of a grader %q\n", r.Ungraded[name], name); err != nil {
			return err
		}
	}
	if r.NoGold > 0 {
		if _, err := fmt.Fprintf(w, "not graded: %d rows, whose meta stands for the gold\n", r.NoGold); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d rows, %d faults\n", r.Rows, len(r.Bad))
	return err
}

type checker struct {
	graders *reward.Set
	seen    map[data.ProblemID]string
	report  checkReport
}

func (c *checker) file(ctx context.Context, s table.Source) {
	c.report.Files = append(c.report.Files, s.Path)
	before := c.report.Rows
	for p, err := range table.Problems(s) {
		if ctx.Err() != nil {
			return
		}
		row := p.Row
		var bad *data.RowError
		switch {
		case errors.As(err, &bad):
			row, err = bad.Row, bad.Err
		case err != nil:
			c.report.Bad = append(c.report.Bad, badRow{File: s.Path, Error: err.Error()})
			return
		default:
			err = c.problem(ctx, &p.Problem, fmt.Sprintf("%s:%d", s.Path, row))
		}
		c.report.Rows++
		if err != nil {
			c.report.Bad = append(c.report.Bad, badRow{s.Path, row, err.Error()})
		}
	}
	if c.report.Rows == before {
		c.report.Bad = append(c.report.Bad, badRow{File: s.Path, Error: s.Path + ": no rows"})
	}
}

// problem checks what only becomes bad beside other rows or in use.
func (c *checker) problem(ctx context.Context, p *data.Problem, place string) error {
	if first, taken := c.seen[p.ID]; taken {
		return fmt.Errorf("problem id %q is used before, at %s", p.ID, first)
	}
	c.seen[p.ID] = place
	if _, err := c.graders.Get(p.Grader); err != nil {
		c.report.Ungraded[p.Grader]++
		return nil
	}
	if p.Meta != nil && (p.Gold == "" || p.Gold == "None") { // None is what Reasoning Gym writes
		c.report.NoGold++
		return nil
	}
	gold, known := c.graders.GoldAnswer(p)
	if !known {
		return nil
	}
	var verdict data.Verdict
	for _, form := range goldForms {
		verdict = c.graders.Grade(ctx, p, fmt.Sprintf(form, gold), goldDeadline)
		if verdict.Status == data.Scored && verdict.Score == 1 {
			return nil
		}
	}
	return fmt.Errorf("grader %s gives its own gold %q %s, score %g: %s", p.Grader, p.Gold, verdict.Status, verdict.Score, verdict.Reason)
}

// goldForms are the ways in which graders expect to find an answer.
var goldForms = []string{`\boxed{%s}`, "<answer>%s</answer>", "%s"}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
