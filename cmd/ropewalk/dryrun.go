package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/rollout/config"
)

// printPlan is train --dry-run. It counts the problems of datasets that are here
// and plans without them where one is not yet: a plan is asked for early. A dataset
// that is here but bad is an error, as it would be for the run.
func printPlan(cmd *cobra.Command, cfg *config.Config) error {
	problems := 0
	if missing := missingDataset(cfg); missing != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "planned without problems: %s: no such file\n", missing)
	} else {
		loaded, err := loadProblems(cfg, cmd.ErrOrStderr())
		if err != nil {
			return fail(exitBadInput, "", err)
		}
		problems = len(loaded)
	}
	return config.Plan(cfg, problems).Write(cmd.OutOrStdout())
}

// missingDataset is the first dataset that does not exist, "" if all do.
func missingDataset(cfg *config.Config) string {
	for _, s := range cfg.Data.Train {
		if _, err := os.Stat(s.Path); errors.Is(err, fs.ErrNotExist) {
			return s.Path
		}
	}
	return ""
}
