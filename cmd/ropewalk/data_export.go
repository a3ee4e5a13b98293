package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data/schema"
	"github.com/ropewalk/ropewalk/rollout/config"
)

func newExportCommand() *cobra.Command {
	var (
		c  conversion
		d  drawing
		to string
	)
	cmd := &cobra.Command{
		Use:   "export DATASET...",
		Short: "Write datasets for other trainers; draw SFT and preference sets from answers",
		Long: "export writes problems as rows of another trainer's schema. What the schema has no place for is named.\n\n" +
			"With --answers (pools, archives of rollouts, folders of rsa or of training runs) it draws examples:\n" +
			"  trl-sft, openai-chat   right answers, to the problem itself or to prompts that show candidates\n" +
			"  trl-preference         a right and a wrong answer to one prompt\n" +
			"  others                 the problems themselves, with their pass rates\n" +
			"An answer is right if its score is 1; answers cut off at the token limit are no targets. Prompts are made\n" +
			"from the templates that `train` and `rsa` use. The same --seed draws the same examples.\n\n" +
			"Schemas, with their mappings in docs/formats.md:\n" + schemaList(),
		Example: "  ropewalk data export aime25.jsonl --to verl -o aime25.parquet\n" +
			"  ropewalk data export train.parquet --answers pool.parquet --pass-rate 0.1..0.9 --to verl -o middling.parquet\n" +
			"  ropewalk data export train.parquet --answers runs/rsa --to trl-sft --prompts aggregate --per-problem 4 -o sft.parquet\n" +
			"  ropewalk data export train.parquet --answers pool.parquet --to trl-preference --per-problem 2 -o pairs.jsonl\n" +
			"  ropewalk data export aime25.jsonl --to openai-batch --model qwen3 --samples 8 -o requests.jsonl",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.prepare(cmd, to); err != nil {
				return err
			}
			if err := d.prepare(cmd.Flags().Changed, c.to); err != nil {
				return err
			}
			if len(d.answers) == 0 {
				return c.run(cmd, args)
			}
			return d.run(cmd, &c, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&to, "to", "", "schema of the output: "+strings.Join(schema.Names(true), ", "))
	c.registerOutput(flags)
	c.registerFormat(flags)
	d.prompt = config.Default().Prompt
	flags.StringArrayVar(&d.answers, "answers", nil, "pool, archive or folder to draw from (repeatable)")
	flags.StringVar(&d.rates, "pass-rate", "0..1", "only problems whose share of right direct answers lies within LOW..HIGH")
	flags.IntVar(&d.PerProblem, "per-problem", 0, "examples of a problem at most, of each kind of prompt; 0 for all")
	flags.StringVar(&d.prompts, "prompts", "direct", "which prompts: direct, aggregate or both")
	flags.IntVar(&d.Candidates, "candidates", 0, "aggregate prompts from direct answers: show so many, and a right one among the others is the target")
	flags.Int64Var(&d.Seed, "seed", 1, "which examples are drawn")
	flags.StringVar(&d.prompt.Answer, "answer", d.prompt.Answer, "built-in templates by the form of the answer: boxed, tags, letter, plain")
	flags.StringVar(&d.prompt.Templates, "templates", "", "folder of direct.tmpl, refine.tmpl and aggregate.tmpl to use instead")
	flags.BoolVar(&d.keepThought, "keep-thinking", false, "show candidates with their <think> sections")
	return cmd
}

// parseRates reads LOW..HIGH.
func parseRates(s string) (low, high float64, err error) {
	first, last, ok := strings.Cut(s, "..")
	low, err1 := strconv.ParseFloat(first, 64)
	high, err2 := strconv.ParseFloat(last, 64)
	if !ok || errors.Join(err1, err2) != nil || !(0 <= low && low <= high && high <= 1) {
		return 0, 0, fmt.Errorf("--pass-rate %s: expected LOW..HIGH within 0..1, as in 0.1..0.9", s)
	}
	return low, high, nil
}
