// Package gym grades Reasoning Gym tasks natively: the score that the Python
// package gives, where its rule is sound, without evaluating any text as code.
package gym

import (
	"encoding/json"
	"fmt"
)

// Entry is one generated problem, as its metadata comes back from JSON: numbers,
// strings, lists and objects, no tuples.
type Entry struct {
	Question string          `json:"question"`
	Answer   *string         `json:"answer"` // the stored solution; nil where the task has none
	Metadata json.RawMessage `json:"metadata"`

	index   []member // of the metadata, as it was when the entry was read
	indexed *byte    // where it began then
}

// UnmarshalJSON reads an entry and notes where the members of its metadata lie.
func (e *Entry) UnmarshalJSON(text []byte) error {
	type plain Entry
	if err := json.Unmarshal(text, (*plain)(e)); err != nil {
		return err
	}
	if len(e.Metadata) > 0 {
		e.index, e.indexed = members(e.Metadata), &e.Metadata[0]
	}
	return nil
}

// Result is a task's opinion of one extracted answer.
type Result struct {
	Score float64 // in [0,1], partial credit included
	// Bad says that the entry itself cannot be graded (metadata missing or
	// malformed): the verdict is then ungradable.
	Bad error
	// The reason is kept as format and arguments: most of the time that scoring a
	// short answer takes would go into a text that may never be read.
	format string
	args   []any
}

// Reason is one line: which rule was met or broken, at which move, cell or step;
// "" if the entry is bad.
func (r *Result) Reason() string {
	if r.Bad != nil {
		return ""
	}
	if len(r.args) == 0 {
		return oneLine(r.format)
	}
	return oneLine(fmt.Sprintf(r.format, r.args...))
}

// and adds to the reason.
func (r Result) and(format string, args ...any) Result {
	r.format, r.args = r.format+format, append(r.args, args...)
	return r
}

// Task scores the answers to one Reasoning Gym task. Score is total and bounded:
// any bytes in, a result out, the same every time.
type Task struct {
	Name string // as in the entry's meta.dataset_name
	// Score judges an extracted answer. strict asks for the package's quirks where
	// they change a training signal (option compat: strict).
	Score func(e *Entry, answer string, strict bool) Result
}
