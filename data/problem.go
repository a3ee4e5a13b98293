package data

import (
	"encoding/json"
	"fmt"
)

// ProblemID names a problem within a run. Readers make it from the dataset's
// name and the row's own id or index, so that it is stable across runs.
type ProblemID string

// Problem is one dataset row: a question, its gold answer and how to grade.
type Problem struct {
	ID       ProblemID `json:"id"`
	Dataset  string    `json:"dataset"`          // name shown in metrics, e.g. "aime25"
	System   string    `json:"system,omitempty"` // system message, if the row has one
	Question string    `json:"question"`         // the user's turn, as the row has it
	Gold     string    `json:"gold"`             // reference answer; may be empty where Meta decides
	Grader   string    `json:"grader"`           // name in reward's set of graders
	// Meta is whatever the grader needs beyond the gold, as JSON: gym's
	// dataset_name and entry, code's tests. Nil when there is nothing.
	Meta json.RawMessage `json:"meta,omitempty"`
	// Extra is what else the row said where it came from, as a JSON object, kept so
	// that exporting gives it back. Nothing reads it; runs do not load it.
	Extra json.RawMessage `json:"extra,omitempty"`
}

// RowError says which row of which file could not become a Problem.
type RowError struct {
	File string // path as the user gave it
	Row  int    // 1-based: the line of a JSONL file, the row of a Parquet file
	Err  error
}

func (e *RowError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Row, e.Err) }
func (e *RowError) Unwrap() error { return e.Err }
