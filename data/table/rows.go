package table

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/ropewalk/ropewalk/data"
)

// Stdio is the name that stands for standard input or output.
const Stdio = "-"

// Rows gives a file's rows as JSON objects, one at a time: the lines of JSONL, or
// the rows of Parquet without the members that are null. A bad row comes as a
// *data.RowError with its number and reading goes on; any other error is the
// last. The path Stdio reads JSON lines from stdin.
func Rows(path string, stdin io.Reader) iter.Seq2[data.Line, error] {
	if path == Stdio {
		return data.Lines(stdin, "standard input")
	}
	if isParquet(path) {
		return parquetRows(path, func(s *source) ([]string, error) { return s.roots(), nil })
	}
	return func(yield func(data.Line, error) bool) {
		f, err := openLines(path)
		if err != nil {
			yield(data.Line{}, err)
			return
		}
		defer f.Close() // opened for reading: nothing to lose
		data.Lines(f, path)(yield)
	}
}

// parquetRows reads the columns that want chooses.
func parquetRows(path string, want func(*source) ([]string, error)) iter.Seq2[data.Line, error] {
	return func(yield func(data.Line, error) bool) {
		s, err := openParquet(path)
		if err != nil {
			yield(data.Line{}, err)
			return
		}
		stopped, err := s.each(want, yield)
		if err = errors.Join(err, s.close()); err != nil && !stopped {
			yield(data.Line{}, err)
		}
	}
}

func (s *source) each(want func(*source) ([]string, error), yield func(data.Line, error) bool) (stopped bool, err error) {
	columns, err := want(s)
	if err != nil {
		return false, fmt.Errorf("%s: %w", s.path, err)
	}
	rows, err := s.assembled(columns)
	if err != nil {
		return false, fmt.Errorf("%s: %w", s.path, err)
	}
	var buf []byte
	for i := range s.rows {
		line := data.Line{Number: int(i) + 1}
		text, err := s.guarded(rows, buf[:0])
		switch {
		case errors.Is(err, errText):
			err = &data.RowError{File: s.path, Row: line.Number, Err: err}
		case err != nil:
			return false, err
		default:
			buf, line.Text = text, text
		}
		if !yield(line, err) {
			return true, nil
		}
	}
	return false, nil
}

func (s *source) assembled(columns []string) (a *assembler, err error) {
	defer caught(&err, s.path)
	return s.assemble(columns)
}

// guarded reads one row; the library's panics come as errors.
func (s *source) guarded(rows *assembler, buf []byte) (text []byte, err error) {
	defer caught(&err, s.path)
	text, err = rows.next(buf)
	if err != nil && !errors.Is(err, errText) {
		err = fmt.Errorf("%s: %w", s.path, err)
	}
	return text, err
}
