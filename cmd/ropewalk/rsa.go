package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// evaluation is all that `rsa` can be told about one run; --config and --sweep
// files have the same keys.
type evaluation struct {
	asking
	out          string
	n, k, t      int
	method       string
	seeds        []int64
	repeat       int
	verifier     string
	verifyTokens int
	stop         bool
}

// modes are what the command does instead of one run.
type modes struct {
	config, sweep string
	compare       bool
}

func newRSACommand() *cobra.Command {
	var (
		e evaluation
		m modes
	)
	cmd := &cobra.Command{
		Use:   "rsa DATASET...",
		Short: "Run Recursive Self-Aggregation or a baseline on a dataset and measure each round",
		Long: "rsa samples N answers to each problem, then, T-1 times, N new ones, each from a prompt that shows\n" +
			"K of the answers before. T = 1 is direct sampling, T = 2 one step of aggregation, K = 1 refinement.\n" +
			"For each round it reports the mean score with a 95 % bootstrap interval over problems, the scores of a\n" +
			"majority vote and of the best of N by several verifiers, pass@k, diversity, tokens, and how often K\n" +
			"candidates of which c are right lead to a right answer.\n\n" +
			"--method runs a baseline on the same budget of N·T generations:\n" + methodList() + "\n" +
			"Everything goes into the folder --out: each rollout as it is finished, and in the end report.json,\n" +
			"report.html, problems.jsonl and rollouts/*.parquet. Killed or stopped at any moment, the same command\n" +
			"goes on; nothing is asked twice.\n\n" +
			"--config FILE takes flags from a YAML file (max_tokens: 8192, datasets: [aime25.parquet]); those given on\n" +
			"the command line win. --sweep FILE has keys of all runs under base and a list of points, each with a name\n" +
			"and what differs; it makes a folder for each, and a comparison. --compare RUN... compares finished runs on\n" +
			"their common problems with the first of them; RUN:RULE lets a run answer by another rule (" + ruleList() + ").\n\n" +
			"Exit codes: 2 wrong flags or a folder of another run, 3 bad data, 4 no engine, 5 done but some samples failed.",
		Example: "  ropewalk rsa aime25.parquet --engine http://127.0.0.1:8000 -N 16 -K 4 -T 10 --max-tokens 8192 --out runs/aime25\n" +
			"  ropewalk rsa aime25.parquet --engine http://127.0.0.1:8000 --method reject --out runs/aime25-reject\n" +
			"  ropewalk rsa --compare runs/aime25 runs/aime25-reject runs/aime25-reject:majority --out runs/aime25-compared\n" +
			"  ropewalk rsa --config examples/rsa/aime25.yaml --engine http://a:8000,http://b:8000 --seeds 1,2,3\n" +
			"  ropewalk rsa --sweep examples/rsa/ablations.yaml --engine http://127.0.0.1:8000\n" +
			"  ropewalk rsa heldout.jsonl --engine http://a:8000 --json --out runs/heldout > report.json\n" +
			"  ropewalk rsa aime25.parquet --engine https://api.example.com/v1 --model NAME --price-in 0.15 --price-out 0.6 --max-cost 20 --out runs/api\n" +
			"  ropewalk rsa aime25.parquet --simulated -T 5 --out runs/trial",
		RunE: func(cmd *cobra.Command, args []string) error { return m.run(cmd, args, &e) },
	}
	flags := cmd.Flags()
	e.registerAll(flags)
	flags.StringVar(&m.config, "config", "", "take flags from this YAML file")
	flags.StringVar(&m.sweep, "sweep", "", "run every point of this YAML file, and compare them")
	flags.BoolVar(&m.compare, "compare", false, "compare the finished runs named instead of datasets")
	return cmd
}

func methodList() string {
	var b strings.Builder
	for _, m := range rsa.Methods() {
		fmt.Fprintf(&b, "  %-13s %s\n", m.Name, m.About)
	}
	return b.String()
}

func ruleList() string {
	var names []string
	for _, r := range rsa.Rules() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

func (e *evaluation) registerAll(flags *pflag.FlagSet) {
	flags.IntVarP(&e.n, "n", "N", 16, "rollouts of a problem in each round")
	flags.IntVarP(&e.k, "k", "K", 4, "candidates in an aggregation prompt")
	flags.IntVarP(&e.t, "t", "T", 10, "populations, the direct one included")
	flags.StringVar(&e.out, "out", "", "folder for rollouts and report (required)")
	flags.StringVar(&e.method, "method", "rsa", "what spends the budget of N·T generations")
	flags.Int64SliceVar(&e.seeds, "seeds", nil, "run once for each of these seeds, and report the means over them")
	flags.IntVar(&e.repeat, "repeat", 0, "run so many times, with the seeds --seed, --seed + 1, ...")
	flags.StringVar(&e.verifier, "verifier", "", "self: ask the model of each rollout whether it is right; or a grader that rates rollouts")
	flags.IntVar(&e.verifyTokens, "verify-max-tokens", 10, "tokens of a self-verification, at most")
	flags.BoolVar(&e.stop, "stop-when-agreed", false, "ask nothing more of a problem once a population gives one answer")
	e.register(flags)
}

func (m *modes) run(cmd *cobra.Command, args []string, e *evaluation) error {
	switch {
	case m.compare && (m.config != "" || m.sweep != ""), m.config != "" && m.sweep != "":
		return fail(exitUsage, "", errors.New("--config, --sweep and --compare exclude each other"))
	case m.compare:
		return e.compare(cmd, args)
	case m.sweep != "":
		return sweep(cmd, args, m.sweep)
	case m.config != "":
		given, err := readEvaluation(m.config)
		if err != nil {
			return err
		}
		if args, err = given.apply(cmd.Flags(), args); err != nil {
			return err
		}
	}
	report, err := e.evaluate(cmd, args)
	if err != nil {
		return err
	}
	if err := e.print(cmd.OutOrStdout(), report, report.Write); err != nil {
		return err
	}
	return partly(report.Totals.Failed, report.Totals.Ungraded, report.Totals.Rollouts)
}

// datasets wants at least one dataset.
func datasets(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fail(exitUsage, "name one or more .parquet or .jsonl files", errors.New("no dataset given"))
	}
	return nil
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
