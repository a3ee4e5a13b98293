package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/training"
)

// explainOptions are explain's flags.
type explainOptions struct {
	grader, gold, response, meta string
	id                           string
	json                         bool
	own                          ownGraders
}

func newExplainCommand() *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain [FILE|-] | explain RUN ROLLOUT",
		Short: "Grade one answer and show each step",
		Long: `explain grades one answer and shows what was extracted, how it was normalised and how it was compared.
The answer is given by flags, or is the line with --id (the first line without it) of a file as grade reads it, or is
a rollout of a run.`,
		Example: `  ropewalk explain --grader math --gold '\frac{1}{2}' --response 'so \boxed{0.5}'
  ropewalk explain --grader number --gold 3.14 --response 'about 3.1416' --meta '{"tolerance":0.01}'
  ropewalk explain answers.jsonl --id q17 --json
  ropewalk explain runs/demo g000042/3`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			item, err := explainItem(cmd, args, o)
			if err != nil {
				return err
			}
			return explain(cmd, item, o)
		},
	}
	cmd.Flags().StringVar(&o.grader, "grader", "", "grader: "+strings.Join(reward.Default().Names(), ", "))
	cmd.Flags().StringVar(&o.gold, "gold", "", "reference answer")
	cmd.Flags().StringVar(&o.response, "response", "", "response to grade")
	cmd.Flags().StringVar(&o.meta, "meta", "", "the grader's options, as JSON")
	cmd.Flags().StringVar(&o.id, "id", "", "id of the line to explain")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the record that grade --explain writes")
	o.own.register(cmd.Flags())
	return cmd
}

// explainItem finds the answer to explain: in the flags or in a file.
func explainItem(cmd *cobra.Command, args []string, o explainOptions) (*gradeItem, error) {
	given := func(names ...string) []string {
		return slices.DeleteFunc(names, func(n string) bool { return !cmd.Flags().Changed(n) })
	}
	if len(args) == 0 {
		if len(given("id")) > 0 {
			return nil, fail(exitUsage, "", errors.New("--id needs a file of JSON lines, or - for standard input"))
		}
		if missing := 3 - len(given("grader", "gold", "response")); missing > 0 {
			return nil, fail(exitUsage, "see ropewalk explain --help", errors.New("give --grader, --gold and --response, or a file of JSON lines"))
		}
		if o.meta != "" && !json.Valid([]byte(o.meta)) {
			return nil, fail(exitUsage, `such as --meta '{"extract":"boxed"}'`, fmt.Errorf("--meta is not JSON: %.80q", o.meta))
		}
		p := data.Problem{Grader: o.grader, Gold: o.gold, Meta: json.RawMessage(o.meta)}
		return &gradeItem{Problem: p, Response: o.response}, nil
	}
	if extra := given("gold", "response", "meta"); len(extra) > 0 {
		return nil, fail(exitUsage, "", fmt.Errorf("--%s and a file exclude each other", extra[0]))
	}
	if exists(args[0], "config.yaml") || len(args) == 2 {
		return rolloutItem(args[0], append(args[1:], o.id)[0])
	}
	in, closer, err := openGradeInput(args[0], cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return findGradeLine(in, o, cmd.Flags().Changed("id"))
}

// findGradeLine reads on to the line with the id, or takes the first line.
func findGradeLine(in *gradeInput, o explainOptions, byID bool) (*gradeItem, error) {
	unread := 0
	for {
		item, err := in.next(o.grader)
		switch {
		case errors.Is(err, io.EOF) && byID:
			return nil, fail(exitBadInput, "", fmt.Errorf("%s: no line has the id %q (%d lines could not be read)", in.name, o.id, unread))
		case errors.Is(err, io.EOF):
			return nil, fail(exitBadInput, "", fmt.Errorf("%s: no line to explain", in.name))
		case err != nil:
			return nil, err
		case byID && (item.ID == nil || fmt.Sprint(item.ID) != o.id):
			if item.Err != nil {
				unread++
			}
			continue
		case item.Err != nil:
			return nil, fail(exitBadInput, "", fmt.Errorf("%s:%d: %w", in.name, item.Line, item.Err))
		}
		return &item, nil
	}
}

// explain grades the item and prints what happened.
func explain(cmd *cobra.Command, item *gradeItem, o explainOptions) error {
	set, err := explainGraders(item, o)
	if err != nil {
		return err
	}
	defer set.Close()
	if _, err := set.Get(item.Problem.Grader); err != nil {
		return fail(exitUsage, "", err)
	}
	v := set.Grade(cmd.Context(), &item.Problem, item.Response, reward.DefaultDeadline)
	if o.json {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		err = enc.Encode(newGradeRecord(item, v, true))
	} else {
		_, err = io.WriteString(cmd.OutOrStdout(), explanation(item, v))
	}
	if err != nil {
		return fail(exitFailure, "", fmt.Errorf("write the explanation: %w", err))
	}
	if v.Status == data.Error || v.Status == data.Timeout {
		return fail(exitFailure, "", fmt.Errorf("not graded: %s", v.Reason))
	}
	return nil
}

// explainGraders are those of the run whose rollout it is, else those of the flags.
func explainGraders(item *gradeItem, o explainOptions) (*reward.Set, error) {
	if item.run != nil && len(o.own.commands)+len(o.own.services) == 0 {
		return training.Graders(item.run.Grading), nil
	}
	return o.own.set(1)
}

// explanation is the verdict for people.
func explanation(item *gradeItem, v data.Verdict) string {
	var b strings.Builder
	row := func(key, value string) { fmt.Fprintf(&b, "%-10s%s\n", key, value) }
	if item.ID != nil {
		row("id", printable(fmt.Sprint(item.ID)))
	}
	row("grader", item.Problem.Grader)
	row("gold", printable(item.Problem.Gold))
	if len(item.Problem.Meta) > 0 {
		row("meta", printable(string(item.Problem.Meta)))
	}
	row("response", printable(item.Response))
	row("answer", printable(v.Answer))
	row("status", string(v.Status))
	row("score", strconv.FormatFloat(v.Score, 'g', -1, 64))
	for _, name := range slices.Sorted(maps.Keys(v.Parts)) {
		row("  "+name, strconv.FormatFloat(v.Parts[name], 'g', -1, 64))
	}
	row("reason", v.Reason)
	if len(v.Steps) > 0 {
		b.WriteString("\nsteps\n")
		for i, step := range v.Steps {
			fmt.Fprintf(&b, "%3d. %s\n", i+1, step)
		}
	}
	return b.String()
}

// printable makes untrusted text safe for a terminal, on one line, and short:
// of a long response the end is shown, where the answer is.
func printable(s string) string {
	const most = 200
	cut := ""
	if len(s) > most {
		cut = fmt.Sprintf("… (%d bytes, the last %d) ", len(s), most)
		s = strings.ToValidUTF8(s[len(s)-most:], "")
	}
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return cut + strconv.Quote(s)
		}
	}
	return cut + s
}
