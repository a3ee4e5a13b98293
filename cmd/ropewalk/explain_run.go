package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/batch"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// rolloutItem is a rollout of a run as something to grade: its text from the
// archives, its problem from the datasets that the run's configuration names.
func rolloutItem(run, id string) (*gradeItem, error) {
	if id == "" {
		return nil, fail(exitUsage, "as in ropewalk explain runs/demo g000042/3", errors.New("name a rollout of the run"))
	}
	ledger, err := batch.List(filepath.Join(run, "batches"))
	if err != nil {
		return nil, fail(exitBadInput, "", err)
	}
	row, err := newArchives(run, ledger).find(data.RolloutID(id))
	if err != nil {
		return nil, fail(exitBadInput, "", err)
	}
	if row == nil {
		return nil, fail(exitBadInput, "ropewalk inspect "+run+" lists what is there", fmt.Errorf("%s: no rollout %s in its archives", run, id))
	}
	problem, cfg, err := runProblem(run, row.ProblemID)
	if err != nil {
		return nil, err
	}
	return &gradeItem{ID: id, Problem: *problem, Response: row.Text, run: cfg}, nil
}

func runProblem(run string, id data.ProblemID) (*data.Problem, *config.Config, error) {
	cfg, err := config.Load(filepath.Join(run, "config.yaml"), nil, nil)
	if err != nil {
		return nil, nil, fail(exitUsage, "", err)
	}
	problems, err := loadProblems(cfg, io.Discard)
	if err != nil {
		return nil, nil, fail(exitBadInput, "the run's datasets are needed for the gold answer; paths are relative to where train was started", err)
	}
	for i := range problems {
		if problems[i].ID == id {
			return &problems[i], cfg, nil
		}
	}
	return nil, nil, fail(exitBadInput, "", fmt.Errorf("problem %s is not in the run's datasets any more", id))
}
