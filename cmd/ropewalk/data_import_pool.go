package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/schema"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward"
)

// poolImport makes a pool of the results of a batch.
type poolImport struct {
	problems []string
}

// run reads the results, grades them and writes the pool in the order of the
// problems, whatever the order of the results. All candidates are held in memory.
func (p *poolImport) run(cmd *cobra.Command, reader *datasetReader, paths []string, out string) error {
	if !strings.HasSuffix(strings.ToLower(out), ".parquet") {
		return fail(exitUsage, "give -o POOL.parquet", fmt.Errorf("the pool's file is %q: it must end in .parquet", out))
	}
	order, byID, err := problemsByID(p.problems)
	if err != nil {
		return err
	}
	pool := map[data.ProblemID][]table.PoolRow{}
	count := 0
	for row, err := range reader.all(cmd.Context(), paths) {
		if err != nil {
			return err
		}
		rows, err := candidatesOf(cmd.Context(), &row, byID, len(pool[data.ProblemID(idOf(&row))]))
		if err != nil {
			err = &data.RowError{File: row.File, Row: row.Number, Err: err}
			if !reader.skipBad {
				return fail(exitBadInput, reader.hint(err), err)
			}
			reader.skip(err)
			continue
		}
		for _, r := range rows {
			pool[r.Problem] = append(pool[r.Problem], r)
			count++
		}
	}
	if count == 0 {
		return fail(exitBadInput, "", errors.New("no candidates to write"))
	}
	var rows []table.PoolRow
	for _, id := range order {
		rows = append(rows, pool[id]...)
	}
	if err := table.WritePool(out, rows); err != nil {
		return failure(err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "ropewalk: %d candidates of %d problems written\n", count, len(pool))
	return reader.partial()
}

func idOf(row *datasetRow) string {
	id, _ := row.Fields.Scalar("custom_id")
	return id
}

// candidatesOf grades one result's answers; have is how many candidates its
// problem has already.
func candidatesOf(ctx context.Context, row *datasetRow, problems map[data.ProblemID]*data.Problem, have int) ([]table.PoolRow, error) {
	if !row.Schema.IsResults() {
		return nil, errors.New("no row of a batch's results")
	}
	result, err := schema.ParseResult(row.Fields)
	if err != nil {
		return nil, err
	}
	problem := problems[result.Problem]
	if problem == nil {
		return nil, fmt.Errorf("no problem %q in the files of --problems", result.Problem)
	}
	graders := reward.Default()
	if _, err := graders.Get(problem.Grader); err != nil {
		return nil, err
	}
	var rows []table.PoolRow
	for i, text := range result.Texts {
		v := graders.Grade(ctx, problem, text, reward.DefaultDeadline)
		rows = append(rows, table.PoolRow{
			Problem: problem.ID, Status: v.Status, Answer: v.Answer, Tokens: result.Tokens / len(result.Texts),
			Candidate: data.Candidate{Rollout: data.RolloutID(fmt.Sprintf("pool:%s/%d", problem.ID, have+i)), Model: result.Model, Version: -1, Text: text, Score: v.Score},
		})
	}
	return rows, nil
}

// problemsByID reads datasets whole, for looking problems up by id.
func problemsByID(paths []string) (order []data.ProblemID, byID map[data.ProblemID]*data.Problem, err error) {
	var sources []table.Source
	for _, path := range slices.Compact(paths) {
		sources = append(sources, table.Source{Path: path})
	}
	problems, _, err := table.Load(sources, false)
	if err != nil {
		return nil, nil, fail(exitBadInput, "", err)
	}
	byID = make(map[data.ProblemID]*data.Problem, len(problems))
	for i := range problems {
		order = append(order, problems[i].ID)
		byID[problems[i].ID] = &problems[i]
	}
	return order, byID, nil
}
