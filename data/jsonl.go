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
		for line, err := range lines(r) {
			if err != nil && !errors.Is(err, errLongLine) {
				yield(Located{}, fmt.Errorf("%s: %w", name, err))
				return
			}
			if err == nil && len(line.text) == 0 {
				continue
			}
			var p Problem
			if err == nil {
				d.Index = line.number - 1
				p, err = ParseProblem(line.text, d)
			}
			if err != nil {
				p, err = Problem{}, &RowError{File: name, Row: line.number, Err: err}
			}
			if !yield(Located{p, line.number}, err) {
				return
			}
		}
	}
}

type line struct {
	number int    // from 1
	text   []byte // without surrounding white space; valid until the next
}

// lines splits a file. A line above MaxLine comes as errLongLine and without its
// text, and is passed over without being held in memory.
func lines(r io.Reader) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
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
				yield(line{number: number}, err)
				return
			}
			if number == 1 {
				text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
			}
			got, bad := line{number, bytes.TrimSpace(text)}, error(nil)
			if size > MaxLine {
				got.text, bad = nil, errLongLine
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
