package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/training"
)

func newRegradeCommand() *cobra.Command {
	var diff, asJSON bool
	cmd := &cobra.Command{
		Use:   "regrade RUN",
		Short: "Grade a run's archive again and show what changed",
		Long: `regrade grades each completion in a run's archive with today's graders, on the problems and with the graders of the
run's configuration, and compares status and score with what the archive has. It changes nothing. Samples that failed are
left out. Exit code 6 if any verdict differs.`,
		Example: "  ropewalk regrade runs/demo --diff\n" +
			"  ropewalk regrade runs/demo --json | jq .changes",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := regrade(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(r)
			} else {
				err = r.write(cmd.OutOrStdout(), diff)
			}
			if err == nil && len(r.Changes) > 0 {
				err = fail(exitDiffers, "ropewalk explain RUN ROLLOUT shows the steps of one", fmt.Errorf("%d of %d verdicts differ", len(r.Changes), r.Rollouts))
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&diff, "diff", false, "show each verdict that differs")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// regraded is what regrade found.
type regraded struct {
	Rollouts int       `json:"rollouts"`
	Missing  int       `json:"missing"` // of problems that the datasets do not have any more
	Changes  []changed `json:"changes"`
}

// changed is a verdict that differs.
type changed struct {
	Rollout data.RolloutID `json:"rollout"`
	Dataset string         `json:"dataset"`
	Before  data.Verdict   `json:"before"`
	After   data.Verdict   `json:"after"`
}

func regrade(ctx context.Context, run string) (*regraded, error) {
	cfg, err := config.Load(filepath.Join(run, "config.yaml"), nil, nil)
	if err != nil {
		return nil, fail(exitBadInput, "name the folder of a run", err)
	}
	problems, err := loadProblems(cfg, io.Discard)
	if err != nil {
		return nil, fail(exitBadInput, "the run's datasets are needed; paths are relative to where train was started", err)
	}
	byID := map[data.ProblemID]*data.Problem{}
	for i := range problems {
		byID[problems[i].ID] = &problems[i]
	}
	files, err := filepath.Glob(filepath.Join(run, "rollouts", "*.parquet"))
	if err != nil || len(files) == 0 {
		return nil, fail(exitBadInput, "", errors.Join(err, fmt.Errorf("%s: no archive of rollouts", run)))
	}
	set := training.Graders(cfg.Grading)
	defer set.Close()
	pool := reward.NewPool(set, cfg.Grading.Workers, cfg.Grading.Deadline)
	defer pool.Close()
	r := &regraded{Changes: []changed{}}
	for _, file := range files {
		if err := r.archive(ctx, file, byID, pool); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// archive grades one file again, its verdicts in its order.
func (r *regraded) archive(ctx context.Context, file string, byID map[data.ProblemID]*data.Problem, pool *reward.Pool) error {
	var all []*changed
	var graded sync.WaitGroup
	err := table.ReadRollouts(file, func(row table.Row) error {
		p := byID[row.ProblemID]
		switch {
		case row.Finish == data.FinishError:
			return nil // nothing was sampled that could be graded
		case p == nil:
			r.Missing++
			return nil
		}
		before := data.Verdict{Status: row.Status, Score: row.Score, Answer: row.Answer, Reason: row.Reason}
		c := &changed{Rollout: row.RolloutID, Dataset: row.Dataset, Before: before}
		all = append(all, c)
		graded.Add(1)
		err := pool.Submit(reward.WithTokens(ctx, len(row.CompletionIDs)), p, row.Text, func(v data.Verdict) {
			c.After = v
			c.After.Steps = nil // only for --explain
			graded.Done()
		})
		if err != nil {
			graded.Done()
		}
		return err
	})
	graded.Wait()
	if ctx.Err() != nil {
		return fail(exitInterrupt, "", errors.New("interrupted"))
	}
	if err != nil {
		return fail(exitBadInput, "", err)
	}
	r.Rollouts += len(all)
	for _, c := range all {
		if c.Before.Status != c.After.Status || c.Before.Score != c.After.Score {
			r.Changes = append(r.Changes, *c)
		}
	}
	return nil
}

func (r *regraded) write(w io.Writer, diff bool) error {
	if _, err := fmt.Fprintf(w, "%d rollouts graded again, %d verdicts differ", r.Rollouts, len(r.Changes)); err != nil {
		return err
	}
	if r.Missing > 0 {
		fmt.Fprintf(w, "; %d left out: their problems are not in the datasets any more", r.Missing)
	}
	fmt.Fprintln(w)
	if !diff || len(r.Changes) == 0 {
		return nil
	}
	t := newTable(w, "rollout", "dataset", "before", "", "after", "", "answer", "reason now")
	for _, c := range r.Changes {
		t.row(c.Rollout, c.Dataset, c.Before.Status, c.Before.Score, c.After.Status, c.After.Score, printable(c.After.Answer), c.After.Reason)
	}
	return t.flush()
}
