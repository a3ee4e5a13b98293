package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

func newSampleCommand() *cobra.Command {
	var (
		a   asking
		n   int
		out string
		po  rsa.PoolOptions
	)
	cmd := &cobra.Command{
		Use:   "sample DATASET...",
		Short: "Sample and grade a pool of candidates for training",
		Long: "sample asks for n answers to each problem, grades them, and writes them to a Parquet file: the pool that\n" +
			"`train` reads as recipe.pool. It prints how many problems have how many right candidates; the same\n" +
			"numbers stand beside the pool in POOL.parquet.json.\n\n" +
			"A folder as -o gets files of about --shard-rows candidates; train reads a folder or a pattern as well.\n" +
			"With a filter the answers stay in POOL.work, so that the same command with another filter asks nothing.\n\n" +
			"Answers are kept in POOL.parquet.work as they are finished, until the pool is whole. Killed or stopped\n" +
			"at any moment, the same command goes on; nothing is asked twice.\n\n" +
			"Exit codes: 2 wrong flags or a pool of other settings, 3 bad data, 4 no engine, 5 done but some samples failed.",
		Example: "  ropewalk sample train.parquet -n 8 --engine http://127.0.0.1:8000 --max-tokens 8192 -o pool.parquet\n" +
			"  ropewalk sample train.jsonl -n 4 --engine http://a:8000,http://b:8000 --answer tags -o pool.parquet\n" +
			"  ropewalk sample train.jsonl -n 4 --engine https://api.example.com/v1 --model NAME --rpm 300 --max-cost 5 --price-out 0.6 -o pool.parquet\n" +
			"  ropewalk sample train.parquet -n 16 --engine http://a:8000 --min-pass 0.1 --max-pass 0.9 -o pools/mixed\n" +
			"  ropewalk sample train.jsonl -n 4 --simulated -o trial.parquet",
		Args: datasets,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return fail(exitUsage, "give -o POOL.parquet, or -o FOLDER", errors.New("no place for the pool given"))
			}
			if err := po.Filter.Check(); err != nil || po.ShardRows < 1 {
				return fail(exitUsage, "", cmp.Or(err, fmt.Errorf("--shard-rows is %d: it must be at least 1", po.ShardRows)))
			}
			if out = filepath.Clean(out); strings.HasSuffix(out, ".parquet") {
				po.ShardRows = 0
			}
			return runSample(cmd, args, &a, n, out, po)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&n, "per-problem", "n", 4, "candidates of each problem")
	flags.StringVarP(&out, "output", "o", "", "the pool: a .parquet file, or a folder of them for a large one (required)")
	registerFilter(flags, &po)
	a.register(flags)
	return cmd
}

func registerFilter(flags *pflag.FlagSet, po *rsa.PoolOptions) {
	f := &po.Filter
	flags.Float64Var(&f.MinPass, "min-pass", 0, "keep problems of which at least this share of graded answers is right")
	flags.Float64Var(&f.MaxPass, "max-pass", 1, "keep problems of which at most this share is right")
	flags.Float64Var(&f.MinAgreement, "min-agreement", 0, "keep problems whose most frequent answer has at least this share of the graded ones")
	flags.Float64Var(&f.MaxAgreement, "max-agreement", 1, "keep problems whose most frequent answer has at most this share")
	flags.IntVar(&f.MinLength, "min-length", 0, "keep completions of at least so many tokens")
	flags.IntVar(&f.MaxLength, "max-length", 0, "keep completions of at most so many tokens (0: all)")
	flags.IntVar(&po.ShardRows, "shard-rows", 100_000, "candidates in a file of a folder, about: problems stay whole")
}

func runSample(cmd *cobra.Command, args []string, a *asking, n int, out string, po rsa.PoolOptions) error {
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
	if report != nil && report.Filter != po.Filter {
		if _, gone := os.Stat(out + ".work"); gone != nil {
			return fail(exitUsage, "choose another name with -o", fmt.Errorf("%s was made with another filter, and its other answers were not kept", out))
		}
		report = nil // from the answers that are kept
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
				pool, err := folder.WritePool(out, journal, o, problems, r, po)
				report = &pool
				return err
			})
		}
		if err != nil {
			return errors.Join(err, folder.Close())
		}
		closed := folder.Close
		if po.Filter == rsa.NoFilter() {
			closed = folder.Remove
		} // else the answers stay, for another filter
		if err := closed(); err != nil {
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
