package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/rsa"
	"github.com/ropewalk/ropewalk/rollout/rsa/page"
)

// evaluate runs what the flags say, or goes on with it, and gives the report: of
// one run or, over several seeds, of all.
func (e *evaluation) evaluate(cmd *cobra.Command, args []string) (*rsa.Report, error) {
	if err := datasets(cmd, args); err != nil {
		return nil, err
	}
	if e.out == "" {
		return nil, fail(exitUsage, "give --out DIR", errors.New("no folder for the rollouts given"))
	}
	if err := errors.Join(e.checkMethod(), e.check()); err != nil {
		return nil, err
	}
	graders, err := e.own.set(e.graders)
	if err != nil {
		return nil, err
	}
	defer graders.Close()
	problems, err := e.load(args, graders, cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	seeds := e.allSeeds()
	if seeds == nil {
		return e.runOnce(cmd, e.out, problems, graders)
	}
	return e.runSeeds(cmd, seeds, problems, graders)
}

// checkMethod refuses what no option of a run says.
func (e *evaluation) checkMethod() error {
	if _, err := e.options(); err != nil {
		return err
	}
	seen := map[int64]bool{}
	for _, s := range e.seeds {
		if seen[s] {
			return fail(exitUsage, "", fmt.Errorf("--seeds has %d twice", s))
		}
		seen[s] = true
	}
	if e.repeat < 0 || e.repeat > 0 && len(e.seeds) > 0 {
		return fail(exitUsage, "", fmt.Errorf("--repeat is %d: it must be 1 or more, and --seeds names seeds instead", e.repeat))
	}
	return nil
}

func (e *evaluation) allSeeds() []int64 {
	seeds := e.seeds
	for i := range e.repeat {
		seeds = append(seeds, e.seed+int64(i))
	}
	return seeds
}

// options are the run's, by the method's plan.
func (e *evaluation) options() (rsa.Options, error) {
	method, err := rsa.FindMethod(e.method)
	if err != nil {
		return rsa.Options{}, fail(exitUsage, "", err)
	}
	o, err := e.asking.options(e.n, e.k, e.t) // the budget must make sense, whoever spends it
	if err != nil {
		return o, err
	}
	o.Verify, o.VerifyTokens, o.StopWhenAgreed = e.verifier == "self", e.verifyTokens, e.stop
	if !o.Verify {
		o.Rater = e.verifier
	}
	method.Apply(&o, e.n, e.k, e.t)
	if err := o.Check(); err != nil {
		return o, fail(exitUsage, "", err)
	}
	if _, err := reward.Default().Get(o.Rater); o.Rater != "" && err != nil {
		return o, fail(exitUsage, "--verifier is self or a grader", err)
	}
	return o, nil
}

// runOnce runs one seed in its folder.
func (e *evaluation) runOnce(cmd *cobra.Command, dir string, problems []data.Problem, graders *reward.Set) (report *rsa.Report, err error) {
	o, err := e.options()
	if err != nil {
		return nil, err
	}
	settings, err := e.settings(o, problems)
	if err != nil {
		return nil, err
	}
	folder, err := openFolder(dir, settings)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	report, err = folder.Finished()
	if err != nil {
		return nil, fail(exitBadInput, "choose another folder; this one's rollouts stay readable", err)
	}
	if report != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is finished: nothing was asked\n", dir)
	} else {
		err = e.run(cmd, folder, o, problems, graders, func(journal *rsa.Journal, r rsa.Report) error {
			report = &r
			return folder.Finish(journal, o, problems, r)
		})
		if err != nil {
			return nil, err
		}
	}
	return report, writePage(dir, report)
}

// runSeeds runs each seed in a folder of its own and reports the means.
func (e *evaluation) runSeeds(cmd *cobra.Command, seeds []int64, problems []data.Problem, graders *reward.Set) (*rsa.Report, error) {
	var names []string
	for _, s := range seeds {
		names = append(names, fmt.Sprintf("seed-%d", s))
	}
	if err := rsa.OpenCollection(e.out, names); err != nil {
		return nil, askingError(err)
	}
	var reports []*rsa.Report
	for i, s := range seeds {
		one := *e
		one.seed = s
		dir := filepath.Join(e.out, names[i])
		if _, err := one.runOnce(cmd, dir, problems, graders); err != nil {
			return nil, err
		}
		report, err := rsa.ReadRun(dir)
		if err != nil {
			return nil, fail(exitBadInput, "", err)
		}
		reports = append(reports, report)
	}
	merged, err := rsa.MergeSeeds(reports)
	if err != nil {
		return nil, fail(exitBadInput, "", err)
	}
	if err := rsa.WriteRun(e.out, merged); err != nil {
		return nil, fail(exitFailure, "", err)
	}
	return merged, writePage(e.out, merged)
}

// writePage makes a report's page, unless it is there: it is a function of the
// report.
func writePage(dir string, r *rsa.Report) error {
	path := filepath.Join(dir, rsa.PageFile)
	if _, err := os.Stat(path); len(r.Seeds) == 0 && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := atomicfile.Write(path, func(w io.Writer) error { return page.Report(w, r) })
	if err != nil {
		return fail(exitFailure, "", err)
	}
	return nil
}
