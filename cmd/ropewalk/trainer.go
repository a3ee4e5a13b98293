package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/rollout/training"
)

func newTrainerCommand() *cobra.Command {
	var (
		dir       string
		simulated bool
		python    string
		parent    bool
		pace      time.Duration
	)
	cmd := &cobra.Command{
		Use:   "trainer --run DIR",
		Short: "Run the trainer of a run folder, or a simulated one",
		Long: "trainer reads the batches of a run folder and exports a policy version after each.\n" +
			"train starts it by itself; start it by hand where trainer.start is false, for instance on\nanother machine that shares the folder.\n\n" +
			"With --simulated no model is trained: each batch is checked and a version without weights is\nexported. It serves trials of everything else and says so in its exports.",
		Example: "  ropewalk trainer --run runs/demo\n  ropewalk trainer --run runs/trial --simulated",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return fail(exitUsage, "name the run folder: --run DIR", errors.New("no run folder given"))
			}
			if parent {
				exitWithParent(cmd.InOrStdin())
			}
			if simulated {
				return training.SimulateTrainer(cmd.Context(), dir, pace, cmd.ErrOrStderr())
			}
			return runPythonTrainer(cmd, dir, python)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "run", "", "run folder")
	flags.BoolVar(&simulated, "simulated", false, "export versions without weights")
	flags.DurationVar(&pace, "pace", 0, "simulated: time that each step takes")
	flags.StringVar(&python, "python", "", "interpreter with the trainer package (default: the environment of scripts/venv)")
	flags.BoolVar(&parent, "exit-with-parent", false, "leave when standard input closes")
	return cmd
}

func runPythonTrainer(cmd *cobra.Command, dir, python string) error {
	command, err := training.TrainerCommand(python, dir)
	if err != nil {
		return fail(exitUnreachable, "run scripts/venv trainer, or name an interpreter with --python", err)
	}
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, cmd.OutOrStdout(), cmd.ErrOrStderr()
	err = command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fail(max(1, exit.ExitCode()), "", fmt.Errorf("the trainer failed: %w", err))
	}
	return err
}
