package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/schema"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/curate"
)

// drawing draws examples for supervised training from answers.
type drawing struct {
	curate.DrawOptions
	answers     []string
	rates       string
	prompts     string
	prompt      config.Prompt
	keepThought bool

	renderer *rollout.Renderer
	tally    drawTally
}

// drawTally counts what became of the problems that the answers name.
type drawTally struct {
	problems int // within the pass rates
	outside  int // not
	unknown  int // not in the datasets
	without  int // within, but nothing could be drawn
	missing  int // answers whose prompt showed a candidate that is not in the files
}

// prepare checks the flags; given reports which were.
func (d *drawing) prepare(given func(string) bool, to schema.Schema) (err error) {
	if len(d.answers) == 0 {
		for _, name := range []string{"pass-rate", "per-problem", "prompts", "candidates", "seed"} {
			if given(name) {
				return fail(exitUsage, "", fmt.Errorf("--%s needs --answers", name))
			}
		}
		return nil
	}
	if d.Low, d.High, err = parseRates(d.rates); err != nil {
		return fail(exitUsage, "", err)
	}
	d.Direct, d.Aggregate = d.prompts != "aggregate", d.prompts != "direct"
	switch {
	case d.prompts != "direct" && d.prompts != "aggregate" && d.prompts != "both":
		err = fmt.Errorf("--prompts %q: expected direct, aggregate or both", d.prompts)
	case d.PerProblem < 0 || d.Candidates < 0:
		err = errors.New("--per-problem and --candidates: expected 0 or more")
	case d.Candidates > 0 && !d.Aggregate:
		err = errors.New("--candidates needs --prompts aggregate or both")
	case d.Candidates > 0 && to.Name == "trl-preference":
		err = errors.New("--candidates makes prompts that nobody answered: no preferences can be drawn for them")
	}
	if err != nil {
		return fail(exitUsage, "", err)
	}
	if d.renderer, err = rollout.NewRenderer(d.prompt, nil); err != nil {
		return fail(exitUsage, "", err)
	}
	return nil
}

func (d *drawing) run(cmd *cobra.Command, c *conversion, datasets []string) error {
	files, err := curate.AnswerFiles(d.answers)
	if err != nil {
		return fail(exitBadInput, "", err)
	}
	problems, err := c.items(cmd, datasets)
	if err != nil {
		return err
	}
	err = c.write(cmd, func(put func(*schema.Item, string, int) error) error {
		err := curate.EachAnswers(files, func(a curate.Answers) error {
			if cmd.Context().Err() != nil {
				return fail(exitInterrupt, "", errors.New("stopped"))
			}
			it, ok := problems[a.Problem]
			if !ok {
				d.tally.unknown++
				return nil
			}
			if !a.Within(d.Low, d.High) {
				d.tally.outside++
				return nil
			}
			d.tally.problems++
			return d.problem(it, a, c.to, func(it *schema.Item) error { return put(it, files[0], 0) })
		})
		var known *exitError
		if err != nil && !errors.As(err, &known) {
			err = fail(exitBadInput, "", err)
		}
		if err == nil && c.written == 0 {
			err = fail(exitBadInput, "", fmt.Errorf("nothing to write: %s", d.tally))
		}
		return err
	})
	if err == nil || c.written > 0 {
		d.report(cmd.ErrOrStderr())
	}
	return err
}

// items reads datasets whole, for looking them up by id.
func (c *conversion) items(cmd *cobra.Command, paths []string) (map[data.ProblemID]*schema.Item, error) {
	items := map[data.ProblemID]*schema.Item{}
	for row, err := range c.reader.all(cmd.Context(), paths) {
		if err != nil {
			return nil, err
		}
		if items[row.Item.ID] != nil {
			return nil, fail(exitBadInput, "", fmt.Errorf("%s: problem id %q is used before", row.place(), row.Item.ID))
		}
		it := row.Item
		items[it.ID] = &it
	}
	return items, nil
}

// problem puts the examples of one problem, or itself where the schema holds no
// answers.
func (d *drawing) problem(it *schema.Item, a curate.Answers, to schema.Schema, put func(*schema.Item) error) error {
	draw := curate.SFT
	switch to.Name {
	case "trl-preference":
		draw = curate.Pairs
	case "trl-sft", "openai-chat":
	default:
		rate, graded, _ := a.PassRate()
		whole := *it
		if err := whole.AddExtra(schema.Row{{Name: "pass_rate", Value: rate}, {Name: "graded_answers", Value: graded}}); err != nil {
			return fail(exitBadInput, "", fmt.Errorf("problem %s: extra: %w", it.ID, err))
		}
		return put(&whole)
	}
	examples, missing := draw(a, d.DrawOptions)
	d.tally.missing += missing
	if len(examples) == 0 {
		d.tally.without++
	}
	for _, e := range examples {
		example, err := d.example(*it, a, e)
		if err != nil {
			return fail(exitFailure, "", err)
		}
		if err := put(example); err != nil {
			return err
		}
	}
	return nil
}

// example words an example, with its lineage among what else the row says.
func (d *drawing) example(it schema.Item, a curate.Answers, e curate.Example) (*schema.Item, error) {
	shown := make([]string, len(e.Shown))
	parents := make([]data.RolloutID, len(e.Shown))
	for i, r := range e.Shown {
		shown[i], parents[i] = r.Text, r.RolloutID
		if !d.keepThought {
			shown[i] = rollout.StripThinking(r.Text)
		}
	}
	var err error
	if it.Question, err = d.renderer.Text(it.Question, shown); err != nil {
		return nil, err
	}
	it.Answer = &e.Right.Text
	it.ID = data.ProblemID(fmt.Sprintf("%s#%s", it.ID, e.Right.RolloutID))
	rate, _, _ := a.PassRate()
	row := schema.Row{{Name: "problem_id", Value: a.Problem}, {Name: "kind", Value: data.KindOf(len(shown))}, {Name: "pass_rate", Value: rate},
		{Name: "rollout_id", Value: e.Right.RolloutID}, {Name: "round", Value: e.Right.Round}, {Name: "model", Value: e.Right.Model}, {Name: "parent_ids", Value: parents}}
	if e.Wrong != nil {
		it.Rejected = &e.Wrong.Text
		it.ID += data.ProblemID("-" + e.Wrong.RolloutID)
		row = append(row, schema.Column{Name: "rejected_id", Value: e.Wrong.RolloutID}, schema.Column{Name: "rejected_score", Value: e.Wrong.Score})
	}
	it.Extra, err = row.JSON()
	return &it, err
}

func (t drawTally) String() string {
	return fmt.Sprintf("%d problems within the pass rates, %d of them without an example; %d outside or not graded, %d not in the datasets; %d answers left out for want of a candidate that their prompt showed",
		t.problems, t.without, t.outside, t.unknown, t.missing)
}

func (d *drawing) report(w io.Writer) { fmt.Fprintf(w, "ropewalk: %s\n", d.tally) }
