// Command ropewalk trains language models to combine their own answers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes, part of the command line's contract.
const (
	exitFailure     = 1   // the work failed
	exitUsage       = 2   // wrong arguments or configuration
	exitBadInput    = 3   // a file the user named is bad
	exitUnreachable = 4   // an engine, NATS or another service cannot be reached
	exitPartial     = 5   // done, but some rows failed
	exitDiffers     = 6   // a comparison found differences
	exitEngine      = 7   // a worker's engine hangs or cannot prove its weights: restart it
	exitInterrupt   = 130 // stopped by the user
)

// exitError is an error that knows its exit code and, if there is one, the
// next thing to try.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// fail makes an error with an exit code; hint may be empty.
func fail(code int, hint string, err error) error {
	return &exitError{code: code, err: err, hint: hint}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, stop, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(code)
}

// run is the whole program. stop restores the default signal behaviour, so that
// a second interrupt kills at once.
func run(ctx context.Context, stop func(), args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	go func() {
		<-ctx.Done()
		stop()
	}()
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	return report(stderr, err)
}

// report prints an error with its hint and gives the exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	code := exitUsage // what cobra itself reports: unknown flag or command
	var known *exitError
	if errors.As(err, &known) {
		code = known.code
		if code == exitInterrupt {
			fmt.Fprintf(stderr, "ropewalk: %v\n", err)
			return code
		}
	}
	fmt.Fprintf(stderr, "ropewalk: error: %v\n", err)
	if known != nil && known.hint != "" {
		fmt.Fprintf(stderr, "  hint: %s\n", known.hint)
	}
	return code
}

// newRootCommand lists the subcommands, one file each.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "ropewalk",
		Short:         "Train language models to combine their own answers",
		Long:          "ropewalk trains language models to combine their own answers: it samples candidate\nsolutions, has the model aggregate K of them into a better one, grades the result\nwith verifiable rewards, and trains on it (Recursive Self-Aggregation, arXiv 2509.26626).",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		newTrainCommand(),
		newTrainerCommand(),
		newConfigCommand(),
		newDoctorCommand(),
		newDemoCommand(),
		newEngineCommand(),
		newWorkerCommand(),
		newExplainCommand(),
		newRegradeCommand(),
		newGradeCommand(),
		newRSACommand(),
		newSampleCommand(),
		newVersionCommand(),
		newDataCommand(),
		newInspectCommand(),
		newNatsCommand(),
	)
	return root
}
