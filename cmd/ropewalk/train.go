package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/queue"
	"github.com/ropewalk/ropewalk/rollout/training"
)

func newTrainCommand() *cobra.Command {
	var (
		resume, dryRun, verbose bool
		sets                    []string
	)
	cmd := &cobra.Command{
		Use:   "train CONFIG",
		Short: "Train a model on its own answers and on aggregations of them",
		Long: "train runs the configuration to its end: it decides prompts, has workers sample them, grades,\n" +
			"writes batches, and has the trainer learn from them. Unless told otherwise it embeds the queue and\n" +
			"starts worker, engine and trainer on this machine.\n\n" +
			"Killed at any moment, `train CONFIG --resume` goes on where it stopped. Ctrl-C stops it cleanly,\n" +
			"a second one at once; both can be resumed.",
		Example: "  ropewalk train examples/demo.yaml\n" +
			"  ropewalk train examples/demo.yaml --resume\n" +
			"  ropewalk train examples/rsa-paper.yaml --dry-run\n" +
			"  ropewalk train examples/demo.yaml --set run.dir=runs/hot --set sampling.temperature=1.2",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0], sets, os.Environ())
			if err != nil {
				return configFailure(err)
			}
			if dryRun {
				return printPlan(cmd, cfg)
			}
			problems, err := loadProblems(cfg, cmd.ErrOrStderr())
			if err != nil {
				return fail(exitBadInput, "", err)
			}
			return train(cmd, cfg, problems, resume, verbose)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&resume, "resume", false, "go on with the run in run.dir")
	flags.BoolVar(&dryRun, "dry-run", false, "print the plan and start nothing")
	flags.BoolVarP(&verbose, "verbose", "v", false, "log more")
	flags.StringArrayVar(&sets, "set", nil, "override a key, as in --set sampling.temperature=1.2 (repeatable)")
	return cmd
}

func train(cmd *cobra.Command, cfg *config.Config, problems []data.Problem, resume, verbose bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	stderr := cmd.ErrOrStderr()
	err = training.Train(cmd.Context(), cfg, problems, training.Options{
		Resume: resume, Self: self, Log: newLogger(stderr, verbose), Status: stderr, Live: isTerminal(stderr),
	})
	return trainError(err)
}

// trainError gives the ways in which a run ends their exit codes and hints.
func trainError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return fail(exitInterrupt, "", errors.New("stopped; `--resume` goes on from here"))
	case errors.Is(err, training.ErrInUse):
		return fail(exitBadInput, "stop the other process, or choose another folder with --set run.dir=DIR", err)
	case errors.Is(err, training.ErrHasRun):
		return fail(exitBadInput, "--resume goes on with it; --set run.dir=DIR starts another", err)
	case errors.Is(err, training.ErrNoRun):
		return fail(exitBadInput, "leave out --resume to start it", err)
	case errors.Is(err, training.ErrOtherRun):
		return fail(exitUsage, "resume with the run's own configuration, or start another with --set run.dir=DIR", err)
	case errors.Is(err, queue.ErrOtherRun):
		return fail(exitBadInput, "give the run folder another name with --set run.dir=DIR, or remove the other run's streams, RW_NAME_*, from the server", err)
	case errors.Is(err, queue.ErrPortTaken):
		return fail(exitUnreachable, "choose another with --set queue.listen=HOST:PORT; port 0 takes any free one", err)
	case errors.Is(err, queue.ErrUnreachable):
		return fail(exitUnreachable, "is the server up, and queue.url right?", err)
	}
	return fail(exitFailure, "", err)
}

// loadProblems reads the training sets and reports rows that were skipped.
func loadProblems(cfg *config.Config, stderr io.Writer) ([]data.Problem, error) {
	var sources []table.Source
	for _, s := range cfg.Data.Train {
		sources = append(sources, table.Source{Path: s.Path, Name: s.Name, Grader: s.Grader, Limit: s.Limit})
	}
	problems, skipped, err := table.Load(sources, cfg.Data.SkipBad)
	for _, row := range skipped {
		fmt.Fprintf(stderr, "skipped %v\n", row)
	}
	return problems, err
}

func newLogger(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
