package data

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// MaxLine bounds one line of a JSONL file, in bytes.
const MaxLine = 64 << 20

var errLongLine = fmt.Errorf("line longer than %d MiB", MaxLine>>20)

// Located is a problem and its row in its file, counted as in RowError.
type Located struct {
	Problem
	Row int
}

// ReadJSONL reads problems from JSON lines, one at a time. A row that is not a
// problem comes as a *RowError with its line, and reading goes on; any other
// error is the file's and the last. Blank lines count as lines and are passed
// over. name is the file's, for errors; d.Index is set to the line's, from 0.
func ReadJSONL(r io.Reader, name string, d Defaults) iter.Seq2[Located, error] {
	return func(yield func(Located, error) bool) {
		for line, err := range Lines(r, name) {
			var p Problem
			if err == nil {
				d.Index = line.Number - 1
				if p, err = ParseProblem(line.Text, d); err != nil {
					p, err = Problem{}, &RowError{File: name, Row: line.Number, Err: err}
				}
			}
			if !yield(Located{p, line.Number}, err) {
				return
			}
		}
	}
}

// Line is one row of a JSONL file.
type Line struct {
	Number int    // from 1
	Text   []byte // without surrounding white space, not empty; valid until the next
}

// Lines gives a file's rows. A line above MaxLine comes as a *RowError and reading
// goes on; any other error is the file's and the last. Blank lines are passed over.
func Lines(r io.Reader, name string) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for line, err := range lines(r) {
			switch {
			case errors.Is(err, errLongLine):
				err = &RowError{File: name, Row: line.Number, Err: err}
			case err != nil:
				yield(Line{}, fmt.Errorf("%s: %w", name, err))
				return
			case len(line.Text) == 0:
				continue
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// lines splits a file. A line above MaxLine comes as errLongLine and without its
// text, and is passed over without being held in memory.
func lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewReaderSize(r, 256<<10)
		var text []byte
		for number := 1; ; number++ {
			text = text[:0]
			var err error
			size := 0
			for more := true; more; {
				var part []byte
				part, err = in.ReadSlice('\n')
				size += len(part)
				if size <= MaxLine {
					text = append(text, part...)
				}
				more = errors.Is(err, bufio.ErrBufferFull)
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Line{Number: number}, err)
				return
			}
			if number == 1 {
				text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
			}
			got, bad := Line{number, bytes.TrimSpace(text)}, error(nil)
			if size > MaxLine {
				got.Text, bad = nil, errLongLine
			}
			if size > 0 && !yield(got, bad) || err != nil {
				return
			}
		}
	}
}

// WriteJSONL writes problems as JSON lines that ReadJSONL reads back.
func WriteJSONL(w io.Writer, problems []Problem) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for i := range problems {
		if err := enc.Encode(&problems[i]); err != nil {
			return fmt.Errorf("problem %s: %w", problems[i].ID, err)
		}
	}
	return out.Flush()
}
