package reward

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds of a JSON text that is compared.
const (
	maxLeaves    = 10_000
	maxJSONDepth = 100
	maxJSONPaths = 1 << 20 // bytes of all paths together
)

// leaves are the values of a JSON text that hold no further ones, by JSON pointer
// (RFC 6901), which lists and objects share.
type leaves map[string]leaf

// leaf is one value. Equal leaves are equal values.
type leaf struct {
	within string // what it is in, from the outside: { for an object, [ for a list
	value  string // each value in one spelling
}

var (
	errTwice   = errors.New("a key is said twice")
	errTooDeep = fmt.Errorf("nested deeper than %d", maxJSONDepth)
	errTooMany = fmt.Errorf("more than %d values", maxLeaves)
)

// parseLeaves reads a whole text as one JSON value.
func parseLeaves(text string) (leaves, error) {
	r := leafReader{dec: json.NewDecoder(strings.NewReader(text)), found: leaves{}}
	r.dec.UseNumber()
	if err := r.value("", ""); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the JSON ends too early")
		}
		return nil, errors.New(clip(err.Error()))
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text follows the JSON value")
	}
	return r.found, nil
}

type leafReader struct {
	dec   *json.Decoder
	found leaves
	paths int // bytes
}

// value reads the next value, which stands at path.
func (r *leafReader) value(path, within string) error {
	token, err := r.dec.Token()
	if err != nil {
		return err
	}
	if len(within) > maxJSONDepth {
		return errTooDeep
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return r.object(path, within+"{")
		}
		return r.list(path, within+"[")
	case string:
		return r.leaf(path, within, strconv.Quote(v))
	case json.Number:
		number, err := parseDecimal(string(v))
		if err != nil {
			return err
		}
		return r.leaf(path, within, number.RatString())
	}
	return r.leaf(path, within, fmt.Sprint(token)) // true, false, <nil>
}

func (r *leafReader) object(path, within string) error {
	seen := map[string]bool{}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		if seen[key] {
			return fmt.Errorf("%w: %s", errTwice, show(key))
		}
		if len(seen) >= maxLeaves {
			return errTooMany
		}
		seen[key] = true
		if err := r.value(path+"/"+pointerEscapes.Replace(key), within); err != nil {
			return err
		}
	}
	return r.end(path, within, len(seen))
}

func (r *leafReader) list(path, within string) error {
	n := 0
	for ; r.dec.More(); n++ {
		if err := r.value(path+"/"+strconv.Itoa(n), within); err != nil {
			return err
		}
	}
	return r.end(path, within, n)
}

// end reads a closing bracket. A list or object without anything in it is a leaf.
func (r *leafReader) end(path, within string, n int) error {
	if _, err := r.dec.Token(); err != nil {
		return err
	}
	if n > 0 {
		return nil
	}
	return r.leaf(path, within, "empty")
}

func (r *leafReader) leaf(path, within, value string) error {
	if r.paths += len(path); r.paths > maxJSONPaths || len(r.found) >= maxLeaves {
		return errTooMany
	}
	r.found[path] = leaf{within, value}
	return nil
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")
