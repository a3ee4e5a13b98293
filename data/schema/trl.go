package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ropewalk/ropewalk/data"
)

// What TRL's trainers read, each as messages or as plain strings. Columns beyond
// the trainer's own are passed to its reward functions, or left alone.
var (
	trlPrompt = Schema{
		Name: "trl-prompt", Title: "TRL's GRPO, RLOO: prompts alone",
		Holds: []Part{ID, Dataset, System, History, Question, Gold, Grader, Meta, Extra}, Plain: []Part{ID, Dataset, Question, Gold, Grader, Meta, Extra},
		Needs:   []Part{Question},
		Columns: append([]Mapping{{"prompt", "system, history, question"}}, trlMappings...),
		detect:  func(f data.Fields) bool { return f.Has("prompt") },
		parse:   parseTRL(nil), format: formatTRL(nil),
	}
	trlSFT = Schema{
		Name: "trl-sft", Title: "TRL's SFT: a prompt and its completion",
		Holds: []Part{ID, Dataset, System, History, Question, Gold, Grader, Meta, Extra, Answer}, Plain: []Part{ID, Dataset, Question, Gold, Grader, Meta, Extra, Answer},
		Needs:   []Part{Question, Answer},
		Columns: append([]Mapping{{"prompt", "system, history, question"}, {"completion", "answer"}}, trlMappings...),
		detect:  func(f data.Fields) bool { return f.Has("prompt") && f.Has("completion") },
		parse:   parseTRL(completions), format: formatTRL(completions),
	}
	trlPreference = Schema{
		Name: "trl-preference", Title: "TRL's DPO, reward models: a chosen and a rejected answer",
		Holds: []Part{ID, Dataset, System, History, Question, Gold, Grader, Meta, Extra, Answer, Rejected}, Plain: []Part{ID, Dataset, Question, Gold, Grader, Meta, Extra, Answer, Rejected},
		Needs:   []Part{Question, Answer, Rejected},
		Columns: append([]Mapping{{"prompt; if absent, what chosen and rejected begin with", "system, history, question"}, {"chosen", "answer"}, {"rejected", "rejected"}}, trlMappings...),
		detect:  func(f data.Fields) bool { return f.Has("chosen") && f.Has("rejected") },
		parse:   parseTRL(pairs), format: formatTRL(pairs),
	}
	trlMappings = []Mapping{{"ground_truth, else solution or answer", "gold"}, {"id", "id"}, {"dataset", "dataset"}, {"grader", "grader"}, {"meta, a JSON string", "meta"}, {"others", "extra"}}
)

// answerColumn is a column that holds an answer.
type answerColumn struct {
	name string
	at   func(*Item) **string
}

var (
	completions = []answerColumn{{"completion", func(it *Item) **string { return &it.Answer }}}
	pairs       = []answerColumn{{"chosen", func(it *Item) **string { return &it.Answer }}, {"rejected", func(it *Item) **string { return &it.Rejected }}}
)

// labelKeys are the columns that any row may have beside those of its trainer.
var labelKeys = []string{"ground_truth", "id", "dataset", "grader", "meta"}

func parseTRL(answers []answerColumn) func(data.Fields, *Item) error {
	return func(f data.Fields, it *Item) error {
		known := append([]string{"prompt"}, labelKeys...)
		for _, a := range answers {
			known = append(known, a.name)
		}
		var err error
		if f.Has("prompt") {
			err = it.setPrompt(f["prompt"], false)
		} else {
			err = it.setCommonPrompt(f, answers)
		}
		if err != nil {
			return fmt.Errorf("prompt: %w", err)
		}
		for _, a := range answers {
			if *a.at(it), err = parseAnswer(f[a.name]); err != nil {
				return fmt.Errorf("%s: %w", a.name, err)
			}
		}
		gold, err := f.SetLabels(&it.Problem, "ground_truth", "solution", "answer")
		if err != nil {
			return err
		}
		extra, err := rest(f, append(known, gold)...)
		if err != nil {
			return err
		}
		return it.setExtra(extra)
	}
}

// parseAnswer reads a string, or the last of some messages: the assistant's.
func parseAnswer(raw json.RawMessage) (*string, error) {
	var s string
	if isText(raw) {
		err := json.Unmarshal(raw, &s)
		return &s, err
	}
	list, err := parseMessages(raw)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[len(list)-1].Role != "assistant" {
		return nil, errors.New("expected it to end with a message of the assistant's")
	}
	return &list[len(list)-1].Content, nil
}

// setCommonPrompt takes the prompt from the conversations that answer it.
func (it *Item) setCommonPrompt(f data.Fields, answers []answerColumn) error {
	var common []Message
	for i, a := range answers {
		list, err := parseMessages(f[a.name])
		if err != nil || len(list) < 2 {
			return fmt.Errorf("there is none, and %s is no conversation that holds it", a.name)
		}
		if i == 0 {
			common = list[:len(list)-1]
		} else if !slices.Equal(common, list[:len(list)-1]) {
			return errors.New("there is none, and the conversations differ before their last message")
		}
	}
	if common == nil {
		return errors.New("there is none")
	}
	return it.setMessages(common, false)
}

func formatTRL(answers []answerColumn) func(*Item, Options) (Row, error) {
	return func(it *Item, o Options) (Row, error) {
		row, known := Row{{"prompt", it.messages()}}, append([]string{"prompt"}, labelKeys...)
		if o.Plain {
			row[0].Value = it.Question
		}
		for _, a := range answers {
			known = append(known, a.name)
			answer := **a.at(it)
			if o.Plain {
				row = append(row, Column{a.name, answer})
			} else {
				row = append(row, Column{a.name, []Message{{"assistant", answer}}})
			}
		}
		row = append(row, Row{{"ground_truth", text(it.Gold)}, {"id", text(it.ID)}, {"dataset", text(it.Dataset)},
			{"grader", text(it.Grader)}, {"meta", packed(it.Meta)}}...)
		extra, err := it.extraFields()
		if err != nil {
			return nil, err
		}
		return spread(row, extra, known...)
	}
}
