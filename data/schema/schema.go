package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Schema is one shape of rows.
type Schema struct {
	Name  string // as --from and --to have it
	Title string // who reads it
	Holds []Part // what a row keeps of an item
	// Plain is what a row keeps with Options.Plain; nil if there is no such form.
	Plain []Part
	Needs []Part // what a row cannot do without
	// Columns document where each part stands.
	Columns []Mapping

	detect func(data.Fields) bool
	parse  func(data.Fields, *Item) error
	format func(*Item, Options) (Row, error) // nil: only read
}

// Mapping is one line of a schema's table in docs/formats.md.
type Mapping struct{ Column, Part string }

// Options shape the rows that are written.
type Options struct {
	Plain bool // TRL: prompts and answers as strings, not as messages
	Table bool // for Parquet: JSON objects as strings, so that rows share one type
	// For requests of a batch.
	Model       string
	Samples     int // answers to each request
	MaxTokens   int
	Temperature float64
}

// All lists the schemas; the first that a row fits is its own.
func All() []Schema {
	return []Schema{verl, openaiResults, openaiBatch, trlPreference, trlSFT, openInstruct, verifiers, openaiChat, own, trlPrompt}
}

// Names lists the names of schemas that can be read, or written.
func Names(written bool) (names []string) {
	for _, s := range All() {
		if s.format != nil || !written {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Find looks a schema up by name.
func Find(name string, written bool) (Schema, error) {
	for _, s := range All() {
		if s.Name == name && (s.format != nil || !written) {
			return s, nil
		}
	}
	return Schema{}, fmt.Errorf("unknown schema %q; known are %s", name, strings.Join(Names(written), ", "))
}

// Detect finds the schema of a row by its keys.
func Detect(f data.Fields) (Schema, error) {
	for _, s := range All() {
		if s.detect(f) {
			return s, nil
		}
	}
	keys := make([]string, 0, len(f))
	for key := range f {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return Schema{}, fmt.Errorf("no known schema has a row of %s; --from names one of %s", strings.Join(keys, ", "), strings.Join(Names(false), ", "))
}

// Parse reads a row.
func (s Schema) Parse(f data.Fields, d data.Defaults) (Item, error) {
	var it Item
	if err := s.parse(f, &it); err != nil {
		return Item{}, err
	}
	if !it.says(Question) {
		return Item{}, errors.New("question is empty")
	}
	d.Fill(&it.Problem)
	return it, nil
}

// Format makes a row of an item. An error says what the item lacks, or cannot
// lose without becoming another one.
func (s Schema) Format(it *Item, o Options) ([]byte, error) {
	for _, p := range s.Needs {
		if !it.says(p) {
			return nil, fmt.Errorf("no %s, which a row of %s needs", p, s.Name)
		}
	}
	if it.says(History) && !slices.Contains(s.holds(o), History) {
		return nil, fmt.Errorf("a conversation of several turns, for which %s has no place", s.Name)
	}
	row, err := s.format(it, o)
	if err != nil {
		return nil, err
	}
	return row.JSON()
}

func (s Schema) holds(o Options) []Part {
	if o.Plain && s.Plain != nil {
		return s.Plain
	}
	return s.Holds
}

// parts lists all of them, in the order in which they are reported.
var parts = []Part{ID, Dataset, System, History, Question, Gold, Grader, Meta, Extra, Answer, Rejected}

// Lost lists what an item says that a row would not.
func (s Schema) Lost(it *Item, o Options) (list []Part) {
	holds := s.holds(o)
	for _, p := range parts {
		if it.says(p) && !slices.Contains(holds, p) {
			list = append(list, p)
		}
	}
	return list
}
