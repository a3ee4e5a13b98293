package gym

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Extractor finds the answer in a response by a named rule; found is false if
// there is none. An unknown rule is an error.
type Extractor func(rule, response string) (answer string, found bool, err error)

// Grader grades Reasoning Gym entries: meta.dataset_name says by which task,
// meta.entry (an object, or its JSON as a string) holds question, answer and
// metadata. Options in the meta: "extract", the rule that finds the answer (the
// first <answer></answer> if absent), and "compat": "strict", the package's
// quirks where they change a score.
type Grader struct {
	byName  map[string]Task
	extract Extractor
}

// New makes the grader of these tasks. It panics if two have one name.
func New(tasks []Task, extract Extractor) *Grader {
	return &Grader{byName: index(tasks), extract: extract}
}

// Name is "gym".
func (*Grader) Name() string { return "gym" }

// firstAnswer is the extraction rule of entries that name none.
const firstAnswer = "answer_first"

// problem is what a problem's meta holds.
type problem struct {
	task   Task
	entry  Entry
	rule   string
	strict bool
}

// Grade scores the response's answer by the entry's task.
func (g *Grader) Grade(_ context.Context, p *data.Problem, response string) data.Verdict {
	in, err := g.read(p)
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: oneLine(err.Error())}
	}
	answer, found, err := g.extract(in.rule, response)
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: oneLine(err.Error())}
	}
	if !found && !blankIsRight(&in.entry, response) {
		return data.Verdict{Status: data.NoAnswer, Reason: fmt.Sprintf("nothing found in the response by %q", in.rule), Steps: []string{fmt.Sprintf("extract by %q: nothing found", in.rule)}}
	}
	return in.verdict(answer)
}

// verdict asks the task and holds its result to the contract.
func (in *problem) verdict(answer string) data.Verdict {
	r := in.task.Score(&in.entry, answer, in.strict)
	if r.Bad != nil {
		return data.Verdict{Status: data.Ungradable, Reason: oneLine(in.task.Name + ": " + r.Bad.Error())}
	}
	reason := r.Reason()
	if math.IsNaN(r.Score) {
		return data.Verdict{Status: data.Ungradable, Reason: in.task.Name + ": the entry's numbers have no score"}
	}
	return data.Verdict{
		Status: data.Scored, Score: min(max(r.Score, 0), 1), Answer: answer, Reason: reason,
		Steps: []string{fmt.Sprintf("extract by %q: %s", in.rule, quote(answer)), fmt.Sprintf("task %s: %s", in.task.Name, reason)},
	}
}

// blankIsRight says that empty tags are an answer: the stored one is empty too.
func blankIsRight(e *Entry, response string) bool {
	if e.Answer == nil || *e.Answer != "" {
		return false
	}
	_, rest, open := strings.Cut(response, "<answer>")
	inside, _, closed := strings.Cut(rest, "</answer>")
	return open && closed && strings.TrimSpace(inside) == ""
}

// read takes a problem's meta apart.
func (g *Grader) read(p *data.Problem) (*problem, error) {
	var meta struct {
		Name    string          `json:"dataset_name"`
		Entry   json.RawMessage `json:"entry"`
		Extract string          `json:"extract"`
		Compat  string          `json:"compat"`
	}
	if err := json.Unmarshal(p.Meta, &meta); err != nil {
		return nil, fmt.Errorf("meta: %w", err)
	}
	task, ok := g.byName[meta.Name]
	if !ok {
		return nil, fmt.Errorf("meta.dataset_name is %s, which is no Reasoning Gym task", quote(meta.Name))
	}
	if meta.Compat != "" && meta.Compat != "strict" {
		return nil, fmt.Errorf(`meta.compat is %s; expected "strict" or nothing`, quote(meta.Compat))
	}
	in := &problem{task: task, rule: meta.Extract, strict: meta.Compat == "strict"}
	if in.rule == "" {
		in.rule = firstAnswer
	}
	return in, in.entry.read(meta.Entry)
}

// read decodes an entry, which may come as an object or as a string that holds
// one.
func (e *Entry) read(raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return fmt.Errorf("meta.entry: %w", err)
		}
		raw = []byte(text)
	}
	if len(raw) == 0 || string(raw) == "null" {
		return errors.New("meta.entry is missing; expected an object with question, answer and metadata")
	}
	if err := json.Unmarshal(raw, e); err != nil {
		return fmt.Errorf("meta.entry: %w", err)
	}
	return nil
}

// maxReason bounds a reason, in bytes.
const maxReason = 512

// oneLine makes a reason fit for one line.
func oneLine(s string) string {
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	if strings.ContainsAny(s, "\n\r") {
		s = strings.NewReplacer("\n", " ", "\r", " ").Replace(s)
	}
	if s == "" {
		return "no reason given"
	}
	return s
}

// SameAnswer reports whether two extracted answers differ in white space at
// most.
func (*Grader) SameAnswer(_ *data.Problem, a, b string) bool {
	if a == b {
		return true
	}
	x, y := pyFields(a), pyFields(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}
