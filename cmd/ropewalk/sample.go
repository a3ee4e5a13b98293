package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

func newSampleCommand() *cobra.Command {
	var (
		a   asking
		n   int
		out string
	)
	cmd := &cobra.Command{
		Use:   "sample DATASET...",
		Short: "Sample and grade a pool of candidates for training",
		Long: "sample asks for n answers to each problem, grades them, and writes them to a Parquet file: the pool that\n" +
			"`train` reads as recipe.pool. It prints how many problems have how many right candidates; the same\n" +
			"numbers stand beside the pool in POOL.parquet.json.\n\n" +
			"Answers are kept in POOL.parquet.work as they are finished, until the pool is whole. Killed or stopped\n" +
			"at any moment, the same command goes on; nothing is asked twice.\n\n" +
			"Exit codes: 2 wrong flags or a pool of other settings, 3 bad data, 4 no engine, 5 done but some samples failed.",
		Example: "  ropewalk sample train.parquet -n 8 --engine http://127.0.0.1:8000 --max-tokens 8192 -o pool.parquet\n" +
			"  ropewalk sample train.jsonl -n 4 --engine http://a:8000,http://b:8000 --answer tags -o pool.parquet\n" +
			"  ropewalk sample train.jsonl -n 4 --engine https://api.example.com/v1 --model NAME --rpm 300 --max-cost 5 --price-out 0.6 -o pool.parquet\n" +
			"  ropewalk sample train.jsonl -n 4 --simulated -o trial.parquet",
		Args: datasets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !strings.HasSuffix(out, ".parquet") {
				return fail(exitUsage, "give -o POOL.parquet", fmt.Errorf("the pool's file is %q: it must end in .parquet", out))
			}
			return runSample(cmd, args, &a, n, out)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&n, "per-problem", "n", 4, "candidates of each problem")
	flags.StringVarP(&out, "output", "o", "", "the pool, a .parquet file (required)")
	a.register(flags)
	return cmd
}

func runSample(cmd *cobra.Command, args []string, a *asking, n int, out string) error {
	o, err := a.options(n, 1, 1)
	if err = errors.Join(err, a.check()); err != nil {
		return err
	}
	graders, err := a.own.set(a.graders)
	if err != nil {
		return err
	}
	defer graders.Close()
	problems, err := a.load(args, graders, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	settings, err := a.settings(o, problems)
	if err != nil {
		return err
	}
	report, err := finishedPool(out, settings)
	if err != nil {
		return err
	}
	if report != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is finished: nothing was asked\n", out)
	}
	_, left := os.Stat(out + ".work") // of a process killed after its last write
	if report == nil || left == nil {
		folder, err := openFolder(out+".work", settings)
		if err != nil {
			return err
		}
		if report == nil {
			err = a.run(cmd, folder, o, problems, graders, func(journal *rsa.Journal, r rsa.Report) error {
				pool, err := folder.WritePool(out, journal, o, problems, r)
				report = &pool
				return err
			})
		}
		if err != nil {
			return errors.Join(err, folder.Close())
		}
		if err := folder.Remove(); err != nil {
			return err
		}
	}
	if err := a.print(cmd.OutOrStdout(), report, report.Write); err != nil {
		return err
	}
	return partly(report.Failed, report.Ungraded, report.Problems*report.PerProblem)
}

// finishedPool reads the report of a pool that is whole, nil if there is none.
// A pool of other settings, or one that nothing is known of, is an error: it is
// not ours to replace.
func finishedPool(path string, s rsa.Settings) (*rsa.PoolReport, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fail(exitBadInput, "", err)
	}
	raw, err := os.ReadFile(path + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		if _, work := os.Stat(path + ".work"); work == nil {
			return nil, nil // killed between the pool and its report
		}
	}
	var r rsa.PoolReport
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return nil, fail(exitBadInput, "choose another name with -o, or remove the file", fmt.Errorf("%s exists, and what it was made from is not known: %w", path, err))
	}
	if err := r.Settings.Matches(s); err != nil {
		return nil, askingError(fmt.Errorf("%s: %w", path, err))
	}
	return &r, nil
}
