package schema

import (
	"fmt"

	"github.com/ropewalk/ropewalk/data"
)

// openInstruct is the shape of open-instruct's RLVR sets. Their dataset names the
// verifier: what ropewalk calls the grader.
var openInstruct = Schema{
	Name: "open-instruct", Title: "open-instruct's RLVR",
	Holds: []Part{ID, Dataset, System, History, Question, Gold, Grader, Meta, Extra, Answer},
	Needs: []Part{Question},
	Columns: []Mapping{
		{"messages", "system, history, question; an answer after them"}, {"ground_truth", "gold"},
		{"dataset", "extra.verifier, else by grader: math is math, number gsm8k, exact string_matcher, f1 string_f1, regex re_search, others by their own names"},
		{"id", "id"}, {"problem_dataset", "dataset"}, {"grader", "grader"}, {"meta, a JSON string", "meta"}, {"others", "extra"},
	},
	detect: func(f data.Fields) bool { return f.Has("messages") && f.Has("ground_truth") && f.Has("dataset") },
	parse:  parseOpenInstruct, format: formatOpenInstruct,
}

var openInstructKeys = []string{"messages", "ground_truth", "dataset", "id", "problem_dataset", "grader", "meta"}

// verifiersOf pairs graders with the names of open-instruct's verifiers; the first
// of a grader is written.
var verifiersOf = []struct{ grader, verifier string }{
	{"math", "math"}, {"math", "strict_math"}, {"number", "gsm8k"}, {"exact", "string_matcher"}, {"f1", "string_f1"}, {"regex", "re_search"},
}

func verifierOf(grader string) string {
	for _, v := range verifiersOf {
		if v.grader == grader {
			return v.verifier
		}
	}
	return grader
}

func graderOf(verifier string) string {
	for _, v := range verifiersOf {
		if v.verifier == verifier {
			return v.grader
		}
	}
	return verifier
}

func parseOpenInstruct(f data.Fields, it *Item) error {
	list, err := parseMessages(f["messages"])
	if err == nil {
		err = it.setMessages(list, true)
	}
	if err != nil {
		return fmt.Errorf("messages: %w", err)
	}
	verifier, err := f.Scalar("dataset")
	if err != nil {
		return err
	}
	labels := data.Fields{"id": f["id"], "dataset": f["problem_dataset"], "grader": f["grader"], "meta": f["meta"], "ground_truth": f["ground_truth"]}
	if _, err := labels.SetLabels(&it.Problem, "ground_truth"); err != nil {
		return err
	}
	extra, err := rest(f, openInstructKeys...)
	if err != nil {
		return err
	}
	if it.Grader == "" && !f.Has("problem_dataset") { // not written by ropewalk
		it.Grader = graderOf(verifier)
	}
	if verifier != verifierOf(it.Grader) {
		extra["verifier"] = f["dataset"]
	}
	return it.setExtra(extra)
}

func formatOpenInstruct(it *Item, _ Options) (Row, error) {
	messages := it.messages()
	if it.Answer != nil {
		messages = append(messages, Message{"assistant", *it.Answer})
	}
	extra, err := it.extraFields()
	if err != nil {
		return nil, err
	}
	var verifier any = verifierOf(it.Grader)
	if extra.Has("verifier") {
		verifier = extra["verifier"]
		delete(extra, "verifier")
	}
	row := Row{{"messages", messages}, {"ground_truth", it.Gold}, {"dataset", verifier}, {"id", text(it.ID)},
		{"problem_dataset", text(it.Dataset)}, {"grader", text(it.Grader)}, {"meta", packed(it.Meta)}}
	return spread(row, extra, openInstructKeys...)
}
