package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
)

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

// parseGradeLine reads {"id","grader","response","gold","meta"}; other keys are
// passed over.
func parseGradeLine(number int, text []byte, defaultGrader string) gradeItem {
	var line struct {
		ID       json.RawMessage `json:"id"`
		Grader   *string         `json:"grader"`
		Response *string         `json:"response"`
		Gold     *string         `json:"gold"`
		Meta     json.RawMessage `json:"meta"`
		Dataset  json.RawMessage `json:"dataset"`
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
		item.Problem = data.Problem{Grader: defaultGrader, Meta: metaOf(line.Meta)}
		_ = json.Unmarshal(line.Dataset, &item.Problem.Dataset) // only --stats reads it
		if line.Grader != nil {
			item.Problem.Grader = *line.Grader
		}
		if line.Gold != nil {
			item.Problem.Gold = *line.Gold
		}
	}
	return item
}

// metaOf takes a meta out of the text that Parquet columns hold it in.
func metaOf(meta json.RawMessage) json.RawMessage {
	var text string
	if len(meta) > 0 && meta[0] == '"' && json.Unmarshal(meta, &text) == nil && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return meta
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
