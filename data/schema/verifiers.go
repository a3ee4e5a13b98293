package schema

import (
	"errors"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
)

// verifiers is the shape of datasets of the verifiers library's environments.
var verifiers = Schema{
	Name: "verifiers", Title: "verifiers' environments, prime-rl",
	Holds: []Part{ID, Dataset, System, History, Question, Gold, Grader, Meta, Extra},
	Needs: []Part{Question},
	Columns: []Mapping{
		{"question, or prompt as messages if there is more than a question", "system, history, question"}, {"answer", "gold"},
		{"task", "extra.task, else dataset"}, {"info, a JSON string", "extra.info"}, {"info.ropewalk", "id, dataset, grader, meta"},
		{"example_id", "id, if info.ropewalk has none"}, {"others", "extra"},
	},
	detect: func(f data.Fields) bool {
		return (f.Has("prompt") || f.Has("question")) && (f.Has("info") || f.Has("task") || f.Has("example_id"))
	},
	parse: parseVerifiers, format: formatVerifiers,
}

var verifiersKeys = []string{"prompt", "question", "answer", "task", "info", "example_id"}

func parseVerifiers(f data.Fields, it *Item) (err error) {
	switch {
	case f.Has("prompt"):
		err = it.setPrompt(f["prompt"], false)
	case f.Has("question"):
		it.Question, err = f.Text("question")
	default:
		err = errors.New("there is neither a prompt nor a question")
	}
	if err != nil {
		return fmt.Errorf("prompt: %w", err)
	}
	if it.Gold, err = f.Scalar("answer"); err != nil {
		return err
	}
	info, err := parseInfo(f, it)
	if err != nil {
		return fmt.Errorf("info: %w", err)
	}
	if it.ID == "" {
		id, err := f.Scalar("example_id")
		if err != nil {
			return err
		}
		it.ID = data.ProblemID(id)
	}
	extra, err := rest(f, verifiersKeys...)
	if err != nil {
		return err
	}
	if task, err := f.Text("task"); f.Has("task") && (err != nil || task != it.Dataset) {
		extra["task"] = f["task"]
	}
	if err := keepObject(extra, "info", info, data.NoteKey); err != nil {
		return err
	}
	return it.setExtra(extra)
}

// parseInfo reads what is under info, and ropewalk's note in it.
func parseInfo(f data.Fields, it *Item) (data.Fields, error) {
	raw, err := f.Object("info")
	if err != nil || raw == nil {
		return nil, err
	}
	info, err := data.ParseFields(raw)
	if err != nil || !info.Has(data.NoteKey) {
		return info, err
	}
	return info, info.Note(&it.Problem)
}

func formatVerifiers(it *Item, _ Options) (Row, error) {
	extra, err := it.extraFields()
	if err != nil {
		return nil, err
	}
	row := Row{{"question", it.Question}}
	if it.System != "" || len(it.History) > 0 {
		row = Row{{"prompt", it.messages()}}
	}
	var task, have any = it.Dataset, nil
	if extra.Has("task") {
		task = extra["task"]
	}
	if extra.Has("info") {
		have = extra["info"]
	}
	info, err := objectOf(have, Row{{data.NoteKey, note(it)}})
	if err != nil {
		return nil, err
	}
	delete(extra, "task")
	delete(extra, "info")
	row = append(row, Row{{"answer", it.Gold}, {"task", task}, {"info", string(info)}}...)
	return spread(row, extra, verifiersKeys...)
}
