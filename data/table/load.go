package table

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Source is one dataset file. Its fields are those of config.Source, from which
// it converts.
type Source struct {
	Path   string // .parquet or .jsonl
	Name   string // of the dataset; "" for the rows' own, else by the file's name
	Grader string // of all its rows; "" for the rows' own
	Limit  int    // first rows only; 0 for all
}

// Load reads the problems of all sources, in order. The first row that is not a
// problem, or whose id is taken, is the error, a *data.RowError; with skipBad
// such rows are left out and returned instead. Files that are missing, damaged,
// of another shape or without any problem are errors either way.
func Load(sources []Source, skipBad bool) ([]data.Problem, []*data.RowError, error) {
	l := loader{skipBad: skipBad, seen: map[data.ProblemID]*data.RowError{}}
	if len(sources) == 0 {
		return nil, nil, errors.New("no datasets given")
	}
	for _, s := range sources {
		before := len(l.problems)
		if err := l.load(s); err != nil {
			return nil, l.skipped, err
		}
		if len(l.problems) == before && !skipBad {
			return nil, l.skipped, fmt.Errorf("%s: no rows", s.Path)
		}
		if len(l.problems) == before {
			return nil, l.skipped, fmt.Errorf("%s: no usable rows", s.Path)
		}
	}
	return l.problems, l.skipped, nil
}

type loader struct {
	skipBad  bool
	problems []data.Problem
	seen     map[data.ProblemID]*data.RowError // where each id was first used
	skipped  []*data.RowError
}

func (l *loader) load(s Source) error {
	for p, err := range Problems(s) {
		var bad *data.RowError
		if err != nil && !errors.As(err, &bad) {
			return err
		}
		if err == nil {
			bad = l.add(p.Problem, s.Path, p.Row)
		}
		if bad != nil && !l.skipBad {
			return bad
		}
		if bad != nil {
			l.skipped = append(l.skipped, bad)
		}
	}
	return nil
}

// add keeps a problem unless its id is taken.
func (l *loader) add(p data.Problem, file string, row int) *data.RowError {
	if first, taken := l.seen[p.ID]; taken {
		return &data.RowError{File: file, Row: row, Err: fmt.Errorf(
			"problem id %q is used before, at %s:%d (give one of the datasets another name, or its rows ids of their own)", p.ID, first.File, first.Row)}
	}
	l.seen[p.ID] = &data.RowError{File: file, Row: row}
	p.Extra = nil // nobody who loads problems reads it
	l.problems = append(l.problems, p)
	return nil
}

// Problems reads one source row by row. A bad row comes as a *data.RowError and
// reading goes on; any other error is the last. Ids are not compared.
func Problems(s Source) iter.Seq2[data.Located, error] {
	d := data.Defaults{Dataset: data.DatasetName(s.Path), Name: s.Name, Grader: s.Grader}
	return func(yield func(data.Located, error) bool) {
		rows, err := open(s.Path, d)
		if err != nil {
			yield(data.Located{}, err)
			return
		}
		n := 0
		for p, err := range rows {
			if n++; !yield(p, err) || n == s.Limit {
				return
			}
		}
	}
}

func open(path string, d data.Defaults) (iter.Seq2[data.Located, error], error) {
	if isParquet(path) {
		return problems(path, d), nil
	}
	f, err := openLines(path)
	if err != nil {
		return nil, err
	}
	return closing(f, data.ReadJSONL(f, path, d)), nil
}

func isParquet(path string) bool { return strings.EqualFold(filepath.Ext(path), ".parquet") }

func isLines(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".jsonl" || ext == ".ndjson"
}

// openLines opens a JSONL file.
func openLines(path string) (*os.File, error) {
	f, err := openFile(path)
	if err == nil && !isLines(path) {
		err = errors.Join(fmt.Errorf("%s: expected a .parquet or .jsonl file, found %q", path, strings.ToLower(filepath.Ext(path))), f.Close())
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// closing closes the file after the last row.
func closing(f *os.File, rows iter.Seq2[data.Located, error]) iter.Seq2[data.Located, error] {
	return func(yield func(data.Located, error) bool) {
		defer f.Close() // opened for reading: nothing to lose
		rows(yield)
	}
}
