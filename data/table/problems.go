package table

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// ownColumns are the columns of our own shape of problems; see
// data.ParseProblem. verlColumns are those read of verl's; others are left alone.
var (
	ownColumns  = []string{"id", "dataset", "system", "question", "prompt", "gold", "answer", "ground_truth", "grader", "meta", "extra"}
	verlColumns = []string{"data_source", "prompt", "reward_model", "extra_info", "grader"}
)

// pandasIndex is a column that pandas adds unasked.
const pandasIndex = "__index_level_0__"

// problems reads a Parquet file of problems row by row. A bad row comes as a
// *data.RowError and reading goes on; any other error is the last.
func problems(path string, d data.Defaults) iter.Seq2[data.Located, error] {
	return func(yield func(data.Located, error) bool) {
		for row, err := range parquetRows(path, (*source).wanted) {
			var bad *data.RowError
			if err != nil && !errors.As(err, &bad) {
				yield(data.Located{}, err)
				return
			}
			var p data.Problem
			if err == nil {
				d.Index = row.Number - 1
				if p, err = data.ParseProblem(row.Text, d); err != nil {
					p, err = data.Problem{}, &data.RowError{File: path, Row: row.Number, Err: err}
				}
			}
			if !yield(data.Located{Problem: p, Row: row.Number}, err) {
				return
			}
		}
	}
}

// wanted lists the columns to read, and says what a file of another shape lacks.
func (s *source) wanted() ([]string, error) {
	roots := slices.DeleteFunc(s.roots(), func(name string) bool { return name == pandasIndex })
	found := strings.Join(roots, ", ")
	has := func(name string) bool { return slices.Contains(roots, name) }
	if has("reward_model") {
		if !has("prompt") {
			return nil, fmt.Errorf("column prompt is missing; found %s", found)
		}
		return slices.DeleteFunc(roots, func(name string) bool { return !slices.Contains(verlColumns, name) }), nil
	}
	if !has("question") && !has("prompt") {
		return nil, fmt.Errorf("not a table of problems: expected a column question or prompt, found %s", found)
	}
	for _, name := range roots {
		if !slices.Contains(ownColumns, name) {
			return nil, fmt.Errorf("unknown column %s; known are %s (what a grader needs besides goes under meta, anything else under extra)", name, strings.Join(ownColumns, ", "))
		}
	}
	return roots, nil
}
