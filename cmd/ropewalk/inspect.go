package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/batch"
)

// inspectOptions are the flags of inspect.
type inspectOptions struct {
	json    bool
	quick   bool
	rollout data.RolloutID
	tree    bool
	filter  rolloutFilter
	limit   int
}

func newInspectCommand() *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect RUN|BATCH|ROLLOUTS.parquet",
		Short: "Read what a run wrote: its ledger, a batch, an archive of rollouts, one rollout",
		Long: "inspect reads, and checks on the way, one of:\n" +
			"  a run folder            the ledger: each batch with its groups, drops, rewards by kind and tokens\n" +
			"  a folder of rsa         its report, round by round\n" +
			"  a batch (its folder, or its batch.arrow)\n" +
			"                          its header, and each group with its rewards and advantages\n" +
			"  an archive of rollouts  counts, and the rows that the filters leave\n" +
			"With --rollout ID, in any of them, one rollout: its tokens, text, verdict and parents; with --tree, which\n" +
			"candidates led to it, which led to those, and who was right. Damaged files and a ledger that lost a\n" +
			"group end with exit code 3.",
		Example: "  ropewalk inspect runs/demo\n" +
			"  ropewalk inspect runs/aime25 --rollout g000042/3 --tree\n" +
			"  ropewalk inspect runs/demo/batches/000042\n" +
			"  ropewalk inspect runs/demo --rollout g000042/3\n" +
			"  ropewalk inspect runs/demo/rollouts/000042.parquet --kind aggregate --status no_answer --limit 5\n" +
			"  ropewalk inspect runs/demo --json | jq .batches[-1]",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := inspect(cmd.OutOrStdout(), filepath.Clean(args[0]), o)
			var known *exitError
			if err == nil || errors.As(err, &known) {
				return err
			}
			return fail(exitBadInput, "", err)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	flags.BoolVar(&o.quick, "quick", false, "run: by the manifests alone, without reading the batches")
	flags.StringVar((*string)(&o.rollout), "rollout", "", "show the rollout with this id")
	flags.BoolVar(&o.tree, "tree", false, "with --rollout: its candidates, theirs, and so on")
	flags.StringVar(&o.filter.dataset, "dataset", "", "rollouts: of this dataset only")
	flags.StringVar(&o.filter.kind, "kind", "", "rollouts: direct, refine or aggregate only")
	flags.StringVar(&o.filter.status, "status", "", "rollouts: with this verdict only")
	flags.IntVar(&o.limit, "limit", 20, "rollouts: rows to print at most, 0 for all")
	return cmd
}

// inspect finds out what path is.
func inspect(w io.Writer, path string, o inspectOptions) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: no such file or folder", path)
	}
	if err != nil {
		return err
	}
	switch {
	case info.IsDir() && (exists(path, batch.ManifestFile) || exists(path, batch.ArrowFile)):
		return inspectBatch(w, path, o)
	case info.IsDir() && exists(path, "batches"):
		return inspectRun(w, path, o)
	case info.IsDir() && exists(path, "report.json"):
		return inspectRSA(w, path, o)
	case info.IsDir():
		return fmt.Errorf("%s: neither a run (no folder batches), nor a batch (no %s), nor a finished rsa folder (no report.json)", path, batch.ManifestFile)
	case filepath.Base(path) == batch.ArrowFile || filepath.Base(path) == batch.ManifestFile:
		return inspectBatch(w, filepath.Dir(path), o)
	case strings.EqualFold(filepath.Ext(path), ".parquet"):
		return inspectRollouts(w, path, o)
	}
	return fmt.Errorf("%s: expected a run, a batch or an archive of rollouts (.parquet)", path)
}

func exists(dir, name string) bool {
	_, err := os.Lstat(filepath.Join(dir, name))
	return err == nil
}
