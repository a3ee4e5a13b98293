package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Fields are a row's values by key, still as JSON.
type Fields map[string]json.RawMessage

// ParseFields splits one row, a JSON object. Its errors are for someone who sees
// the file.
func ParseFields(row []byte) (Fields, error) {
	// encoding/json would replace bad bytes silently.
	if !utf8.Valid(row) {
		return nil, errors.New("not UTF-8")
	}
	var f Fields
	if err := json.Unmarshal(row, &f); err != nil {
		return nil, describe(err, row)
	}
	if f == nil {
		return nil, errors.New("expected an object, found null")
	}
	return f, nil
}

// Has reports whether there is a value, null not being one.
func (f Fields) Has(key string) bool { return len(f[key]) > 0 && string(f[key]) != "null" }

// Text is a string, "" if absent or null.
func (f Fields) Text(key string) (string, error) {
	if !f.Has(key) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(f[key], &s); err != nil {
		return "", fmt.Errorf("%s: expected a string, found %s", key, JSONKind(f[key]))
	}
	return s, nil
}

// Scalar is a string, a number as it is written, or a list of one of them.
func (f Fields) Scalar(key string) (string, error) {
	if !f.Has(key) {
		return "", nil
	}
	raw := f[key]
	var list []json.RawMessage
	if JSONKind(raw) == "a list" && json.Unmarshal(raw, &list) == nil {
		if len(list) != 1 {
			return "", fmt.Errorf("%s: expected one value, found a list of %d", key, len(list))
		}
		raw = list[0]
	}
	if JSONKind(raw) == "a number" {
		return string(raw), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil || JSONKind(raw) == "null" {
		return "", fmt.Errorf("%s: expected a string or a number, found %s", key, JSONKind(raw))
	}
	return s, nil
}

// Object is a JSON object in compact form, nil if absent or null. It may stand in
// a string, as tables with one type a column have it.
func (f Fields) Object(key string) (json.RawMessage, error) {
	raw := f[key]
	if JSONKind(raw) == "a string" {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if raw = json.RawMessage(text); !json.Valid(raw) && text != "" {
			return nil, fmt.Errorf("%s: expected a JSON object, found a string that is none", key)
		}
	}
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if JSONKind(raw) != "an object" {
		return nil, fmt.Errorf("%s: expected an object, found %s", key, JSONKind(raw))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return compact.Bytes(), nil
}

// Sub is an object's own fields.
func (f Fields) Sub(key string) (Fields, error) {
	if JSONKind(f[key]) != "an object" {
		return nil, fmt.Errorf("%s: expected an object, found %s", key, JSONKind(f[key]))
	}
	var sub Fields
	err := json.Unmarshal(f[key], &sub)
	return sub, err
}

// JSONKind names a JSON value's type for messages.
func JSONKind(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// describe words a JSON error for someone who sees the file.
func describe(err error, row []byte) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not JSON: %w at byte %d", err, syntax.Offset)
	}
	return fmt.Errorf("expected an object, found %s", JSONKind(row))
}
