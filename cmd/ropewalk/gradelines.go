package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// maxGradeLine is the longest line, in bytes, that grade and explain read.
const maxGradeLine = 16 << 20

// gradeInput reads the JSON lines that grade and explain take, one at a time,
// however long the file is.
type gradeInput struct {
	name string // as the user gave it
	in   *bufio.Reader
	line int    // number of the line read last
	text []byte // that line; the buffer is used again
}

// openGradeInput opens a file, or standard input for "-".
func openGradeInput(name string, stdin io.Reader) (*gradeInput, io.Closer, error) {
	if name == "-" {
		return &gradeInput{name: "standard input", in: bufio.NewReader(stdin)}, io.NopCloser(stdin), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, fail(exitBadInput, "give a file of JSON lines, or - for standard input", err)
	}
	return &gradeInput{name: name, in: bufio.NewReaderSize(file, 1<<20)}, file, nil
}

// gradeItem is one line, read. Err says why it is no answer to grade; ID may be
// known all the same.
type gradeItem struct {
	Line     int
	ID       any // string, json.Number or nil
	Problem  data.Problem
	Response string
	Err      error
	run      *config.Config // of a rollout of a run; else nil
}

// next reads the next line that is not blank. io.EOF ends the input; any other
// error is trouble with the file. defaultGrader serves lines that name none.
func (in *gradeInput) next(defaultGrader string) (gradeItem, error) {
	for {
		err := in.readLine()
		if err != nil && !errors.Is(err, errLineTooLong) {
			if !errors.Is(err, io.EOF) {
				err = fail(exitBadInput, "", fmt.Errorf("%s:%d: read: %w", in.name, in.line, err))
			}
			return gradeItem{}, err
		}
		if err != nil {
			return gradeItem{Line: in.line, Err: err}, nil
		}
		if len(bytes.TrimSpace(in.text)) > 0 {
			return parseGradeLine(in.line, in.text, defaultGrader), nil
		}
	}
}

var errLineTooLong = fmt.Errorf("the line is longer than %d MiB", maxGradeLine>>20)

// readLine reads a line of any length into text, or passes over it if it is too
// long.
func (in *gradeInput) readLine() error {
	in.text = in.text[:0]
	in.line++
	tooLong := false
	for {
		part, err := in.in.ReadSlice('\n')
		if tooLong = tooLong || len(in.text)+len(part) > maxGradeLine+1; !tooLong {
			in.text = append(in.text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (tooLong || len(in.text) > 0):
			err = nil // a last line without its end; the next read says EOF
		}
		if err == nil && tooLong {
			return errLineTooLong
		}
		if in.line == 1 {
			in.text = bytes.TrimPrefix(in.text, []byte("\ufeff"))
		}
		return err
	}
}

// parseGradeLine reads {"id","grader","response","gold","meta"}; other keys are
// passed over.
func parseGradeLine(number int, text []byte, defaultGrader string) gradeItem {
	var line struct {
		ID       json.RawMessage `json:"id"`
		Grader   *string         `json:"grader"`
		Response *string         `json:"response"`
		Gold     *string         `json:"gold"`
		Meta     json.RawMessage `json:"meta"`
	}
	err := json.Unmarshal(text, &line)
	item := gradeItem{Line: number, Err: clearJSONError(err)}
	id, idErr := gradeID(line.ID)
	item.ID = id
	switch {
	case item.Err != nil:
		return item
	case idErr != nil:
		item.Err = idErr
	case line.Response == nil:
		item.Err = errors.New(`no "response"`)
	case line.Grader == nil && defaultGrader == "":
		item.Err = errors.New(`no "grader", and no --grader for lines without one`)
	default:
		item.Response = *line.Response
		item.Problem = data.Problem{Grader: defaultGrader, Meta: line.Meta}
		if line.Grader != nil {
			item.Problem.Grader = *line.Grader
		}
		if line.Gold != nil {
			item.Problem.Gold = *line.Gold
		}
	}
	return item
}

// gradeID reads an id: a string, a number or nothing.
func gradeID(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	switch raw[0] {
	case 'n':
		return nil, nil
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, fmt.Errorf("id: %w", err)
		}
		return s, nil
	case '{', '[', 't', 'f':
		return nil, errors.New(`"id" is neither a string nor a number`)
	}
	return json.Number(raw), nil
}

// clearJSONError says what is wrong with a line in words of the file, not of Go.
func clearJSONError(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Errorf("the line is JSON of type %s; expected an object", kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("%q is of type %s; expected a string", kind.Field, kind.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %w at byte %d", err, syntax.Offset)
	}
	return fmt.Errorf("not JSON: %w", err)
}
