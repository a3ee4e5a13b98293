package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/ropewalk/ropewalk/data"
)

// Row is a row to be written, its columns in order.
type Row []Column

// Column is one of them. A value of nil leaves the column out.
type Column struct {
	Name  string
	Value any
}

// JSON encodes a row.
func (r Row) JSON() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	put := func(v any) error {
		err := enc.Encode(v)
		out.Truncate(max(0, out.Len()-1)) // the newline that Encode adds
		return err
	}
	out.WriteByte('{')
	for _, c := range r {
		if c.Value == nil {
			continue
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		if err := put(c.Name); err != nil {
			return nil, err
		}
		out.WriteByte(':')
		if err := put(c.Value); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// text is a column's value, nil for none: an empty one says no more than none.
func text[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// packed is a JSON object as a string: rows whose objects differ would give a
// table no common type.
func packed(raw json.RawMessage) any { return text(string(raw)) }

// note is what ropewalk adds to rows of shapes that have no columns for it; see
// data.NoteKey.
func note(it *Item) any {
	row := Row{{"id", text(it.ID)}, {"dataset", text(it.Dataset)}, {"grader", text(it.Grader)}}
	if it.Meta != nil {
		row = append(row, Column{"meta", it.Meta})
	}
	raw, err := row.JSON()
	if err != nil {
		return nil
	}
	return string(raw)
}

// rest collects what a row says in columns that its schema does not know, and
// what another schema could not spread, under extra.
func rest(f data.Fields, known ...string) (data.Fields, error) {
	extra := data.Fields{}
	if !slices.Contains(known, extraKey) {
		kept, err := f.Object(extraKey)
		if err != nil {
			return nil, err
		}
		if kept != nil {
			if err := json.Unmarshal(kept, &extra); err != nil {
				return nil, fmt.Errorf("%s: %w", extraKey, err)
			}
		}
	}
	for key, value := range f {
		if key != extraKey && !slices.Contains(known, key) && f.Has(key) {
			extra[key] = value
		}
	}
	return extra, nil
}

const extraKey = "extra"

// setExtra keeps what is left over, keys sorted.
func (it *Item) setExtra(extra data.Fields) error {
	if len(extra) == 0 {
		it.Extra = nil
		return nil
	}
	row := make(Row, 0, len(extra))
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		row = append(row, Column{key, extra[key]})
	}
	var err error
	it.Extra, err = row.JSON()
	return err
}

// AddExtra keeps further columns among what else the row says, in the place of
// those of the same names.
func (it *Item) AddExtra(add Row) error {
	extra, err := it.extraFields()
	if err != nil {
		return err
	}
	for _, c := range add {
		if extra[c.Name], err = json.Marshal(c.Value); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return it.setExtra(extra)
}

// extraFields are the members of Extra.
func (it *Item) extraFields() (data.Fields, error) {
	extra := data.Fields{}
	if it.Extra == nil {
		return extra, nil
	}
	err := json.Unmarshal(it.Extra, &extra)
	return extra, err
}

// telling are the keys by which schemas know their rows, and those that mean the
// same thing in several: another schema's row has no columns of these names.
var telling = []string{"answer", "body", "chosen", "completion", "custom_id", "dataset", "example_id", "gold", "grader", "ground_truth", "id", "info",
	"messages", "meta", "prompt", "question", "rejected", "response", "reward_model", "solution", "system", "task", extraKey}

// spread adds what is left over as columns of its own, and under extra what would
// take the name of one of the schema's, or make the row look like another's.
func spread(row Row, extra data.Fields, known ...string) (Row, error) {
	clash := Row{}
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		if slices.Contains(telling, key) || slices.Contains(known, key) {
			clash = append(clash, Column{key, extra[key]})
		} else {
			row = append(row, Column{key, extra[key]})
		}
	}
	if len(clash) == 0 {
		return row, nil
	}
	raw, err := clash.JSON()
	return append(row, Column{extraKey, string(raw)}), err
}
