package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/schema"
	"github.com/ropewalk/ropewalk/data/table"
)

// conversion is a dataset on its way from one schema to another.
type conversion struct {
	reader  datasetReader
	to      schema.Schema
	options schema.Options
	out     string
	strict  bool
	gold    bool // the gold answer stands for the answer
	check   bool // only what can be trained on and graded: problems

	lost    map[schema.Part]int
	written int
}

// registerOutput offers what all conversions have.
func (c *conversion) registerOutput(flags *pflag.FlagSet) {
	addOutput(flags, &c.out)
	flags.BoolVar(&c.strict, "strict", false, "refuse to write a file that says less than its input (exit code 3)")
	c.reader.register(flags)
}

// registerFormat offers what shapes the rows of peers.
func (c *conversion) registerFormat(flags *pflag.FlagSet) {
	flags.BoolVar(&c.options.Plain, "plain", false, "trl-*: strings instead of messages; a system message has no place then")
	flags.BoolVar(&c.gold, "gold-as-answer", false, "rows without an answer: their gold answer is it")
	flags.StringVar(&c.options.Model, "model", "", "openai-batch: model to ask (required)")
	flags.IntVar(&c.options.Samples, "samples", 1, "openai-batch: answers to each request")
	flags.IntVar(&c.options.MaxTokens, "max-tokens", 0, "openai-batch: tokens of an answer at most, 0 for the service's own limit")
	flags.Float64Var(&c.options.Temperature, "temperature", 1, "openai-batch: sampling temperature")
}

// prepare checks the flags.
func (c *conversion) prepare(cmd *cobra.Command, to string) (err error) {
	c.lost = map[schema.Part]int{}
	c.reader.start(cmd)
	if err := c.reader.check(); err != nil {
		return err
	}
	if c.to, err = schema.Find(to, true); err != nil {
		return fail(exitUsage, "", fmt.Errorf("--to: %w", err))
	}
	if c.to.Name == "openai-batch" && c.options.Model == "" {
		return fail(exitUsage, "", errors.New("--to openai-batch needs --model"))
	}
	return nil
}

// run converts files into one.
func (c *conversion) run(cmd *cobra.Command, paths []string) error {
	return c.write(cmd, func(put func(*schema.Item, string, int) error) error {
		for row, err := range c.reader.all(cmd.Context(), paths) {
			if err == nil && row.Schema.IsResults() {
				err = fail(exitUsage, "`ropewalk data import --problems FILE` makes a pool of them", fmt.Errorf("%s: results of a batch are candidates, not problems", row.File))
			}
			if err == nil {
				err = put(&row.Item, row.File, row.Number)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// write makes the output of the items that fill puts, which come from a row of a
// file, and reports what was lost.
func (c *conversion) write(cmd *cobra.Command, fill func(put func(it *schema.Item, file string, row int) error) error) error {
	out, err := outputOf(cmd, c.out)
	if err != nil {
		return err
	}
	c.options.Table = strings.HasSuffix(strings.ToLower(out.Path), ".parquet")
	if c.to.Name == "ropewalk" {
		out.Shape, out.Meta = table.ProblemShape(), table.ProblemMeta()
	}
	mixed, err := table.WriteRows(out, func(put func([]byte) error) error {
		err := fill(func(it *schema.Item, file string, row int) error {
			return c.item(it, file, row, put)
		})
		if err == nil && c.written == 0 {
			err = fail(exitBadInput, "", errors.New("no rows to write"))
		}
		if err == nil && c.strict && len(c.lost) > 0 {
			err = fail(exitBadInput, "without --strict the rest is written", errors.New(c.losses()))
		}
		return err
	})
	if err != nil {
		return failedWrite(err)
	}
	c.report(cmd.ErrOrStderr(), mixed)
	return c.reader.partial()
}

// item writes one item; one that the schema refuses counts as a bad row.
func (c *conversion) item(it *schema.Item, file string, row int, put func([]byte) error) error {
	if c.gold && it.Answer == nil && it.Gold != "" {
		it.Answer = &it.Gold
	}
	var err error
	if c.check {
		err = it.Check()
	}
	var text []byte
	if err == nil {
		text, err = c.to.Format(it, c.options)
	}
	if err != nil {
		err = &data.RowError{File: file, Row: row, Err: err}
		if c.reader.skipBad {
			c.reader.skip(err)
			return nil
		}
		return fail(exitBadInput, c.reader.hint(err), err)
	}
	for _, p := range c.to.Lost(it, c.options) {
		c.lost[p]++
	}
	c.written++
	return put(text)
}

// losses words what was lost, by part and number of rows.
func (c *conversion) losses() string {
	counts := map[string]int{}
	for p, n := range c.lost {
		counts[string(p)] = n
	}
	var list []string
	for _, p := range sortedKeys(counts) {
		list = append(list, fmt.Sprintf("%s (%d rows)", p, counts[p]))
	}
	return fmt.Sprintf("%s has no place for %s", c.to.Name, strings.Join(list, ", "))
}

func (c *conversion) report(w io.Writer, mixed []string) {
	if len(c.lost) > 0 {
		fmt.Fprintf(w, "ropewalk: lost: %s\n", c.losses())
	}
	if len(mixed) > 0 {
		fmt.Fprintf(w, "ropewalk: written as JSON text, for rows differ in type: %s\n", tame(strings.Join(mixed, ", ")))
	}
	fmt.Fprintf(w, "ropewalk: %d rows written\n", c.written)
}

func newConvertCommand() *cobra.Command {
	var c conversion
	var to string
	cmd := &cobra.Command{
		Use:   "convert FILE...",
		Short: "Translate datasets from one trainer's schema to another's",
		Long: "convert reads datasets of any schema, one after another, and writes them as one of --to. What the target has\n" +
			"no place for is named with its number of rows. Files larger than memory pass through.\n\n" +
			"Schemas, with their mappings in docs/formats.md:\n" + schemaList(),
		Example: "  ropewalk data convert train.parquet --to trl-prompt -o train.jsonl\n" +
			"  ropewalk data convert sft.jsonl --from trl-sft --to openai-chat -o chat.jsonl\n" +
			"  zstdcat big.jsonl.zst | ropewalk data convert - --to verl -o big.parquet --skip-bad",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.prepare(cmd, to); err != nil {
				return err
			}
			return c.run(cmd, args)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "schema of the output: "+strings.Join(schema.Names(true), ", "))
	c.registerOutput(cmd.Flags())
	c.registerFormat(cmd.Flags())
	return cmd
}

func schemaList() string {
	var list strings.Builder
	for _, name := range schema.Names(false) {
		s, err := schema.Find(name, false)
		if err == nil {
			fmt.Fprintf(&list, "  %-16s %s\n", name, s.Title)
		}
	}
	return strings.TrimRight(list.String(), "\n")
}
