package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/rsa"
)

func newRSACommand() *cobra.Command {
	var (
		a       asking
		n, k, t int
		out     string
	)
	cmd := &cobra.Command{
		Use:   "rsa DATASET...",
		Short: "Run Recursive Self-Aggregation on a dataset and measure each round",
		Long: "rsa samples N answers to each problem, then, T-1 times, N new ones, each from a prompt that shows\n" +
			"K of the answers before. T = 1 is direct sampling, T = 2 one step of aggregation, K = 1 refinement.\n" +
			"It prints, for each round, the mean score with a 95 % bootstrap interval over problems, the score of a\n" +
			"majority vote and pass@N, and how often K candidates of which c are right lead to a right answer.\n\n" +
			"Everything goes into the folder --out: each rollout as it is finished, and in the end report.json and\n" +
			"rollouts/*.parquet. Killed or stopped at any moment, the same command goes on; nothing is asked twice.\n\n" +
			"Exit codes: 2 wrong flags or a folder of another run, 3 bad data, 4 no engine, 5 done but some samples failed.",
		Example: "  ropewalk rsa aime25.parquet --engine http://127.0.0.1:8000 -N 16 -K 4 -T 10 --max-tokens 8192 --out runs/aime25\n" +
			"  ropewalk rsa heldout.jsonl --engine http://a:8000,http://b:8000 --json --out runs/heldout > report.json\n" +
			"  ropewalk rsa games.parquet --engine http://127.0.0.1:8000 --answer tags --limit 10 --out runs/games\n" +
			"  ropewalk rsa aime25.parquet --simulated -T 5 --out runs/trial",
		Args: datasets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return fail(exitUsage, "give --out DIR", errors.New("no folder for the rollouts given"))
			}
			return runRSA(cmd, args, &a, n, k, t, out)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&n, "n", "N", 16, "rollouts of a problem in each round")
	flags.IntVarP(&k, "k", "K", 4, "candidates in an aggregation prompt")
	flags.IntVarP(&t, "t", "T", 10, "populations, the direct one included")
	flags.StringVar(&out, "out", "", "folder for rollouts and report (required)")
	a.register(flags)
	return cmd
}

// datasets wants at least one dataset.
func datasets(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fail(exitUsage, "name one or more .parquet or .jsonl files", errors.New("no dataset given"))
	}
	return nil
}

func runRSA(cmd *cobra.Command, args []string, a *asking, n, k, t int, out string) (err error) {
	graders := reward.Default()
	o, err := a.options(n, k, t)
	if err = errors.Join(err, a.check()); err != nil {
		return err
	}
	problems, err := a.load(args, graders, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	settings, err := a.settings(o, problems)
	if err != nil {
		return err
	}
	folder, err := openFolder(out, settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	report, err := folder.Finished()
	if err != nil {
		return fail(exitBadInput, "remove it, and the report is made again", err)
	}
	if report != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is finished: nothing was asked\n", out)
	} else {
		err = a.run(cmd, folder, o, problems, graders, func(journal *rsa.Journal, r rsa.Report) error {
			report = &r
			return folder.Finish(journal, o, problems, r)
		})
		if err != nil {
			return err
		}
	}
	if err := a.print(cmd.OutOrStdout(), report, report.Write); err != nil {
		return err
	}
	return partly(report.Totals.Failed, report.Totals.Ungraded, report.Totals.Rollouts)
}

// print writes a report as JSON if asked, else by its own table.
func (a *asking) print(w io.Writer, report any, table func(io.Writer) error) error {
	if !a.json {
		return table(w)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}
