package table

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/parquet"

	"github.com/ropewalk/ropewalk/data"
)

// ownColumns are the columns of our own shape of problems; see
// data.ParseProblem. verlColumns are those read of verl's; others are left alone.
var (
	ownColumns  = []string{"id", "dataset", "system", "question", "prompt", "gold", "answer", "ground_truth", "grader", "meta"}
	verlColumns = []string{"data_source", "prompt", "reward_model", "extra_info", "grader"}
)

// pandasIndex is a column that pandas adds unasked.
const pandasIndex = "__index_level_0__"

// problems reads a Parquet file of problems row by row. A bad row comes as a
// *data.RowError and reading goes on; any other error is the last.
func problems(path string, d data.Defaults) iter.Seq2[data.Located, error] {
	return func(yield func(data.Located, error) bool) {
		s, err := openParquet(path)
		if err != nil {
			yield(data.Located{}, err)
			return
		}
		stopped, err := s.problems(d, yield)
		if err = errors.Join(err, s.close()); err != nil && !stopped {
			yield(data.Located{}, err)
		}
	}
}

func (s *source) problems(d data.Defaults, yield func(data.Located, error) bool) (stopped bool, err error) {
	read, err := s.rowReader()
	if err != nil {
		return false, err
	}
	for i := range s.rows {
		raw, err := s.guarded(read)
		var bad *data.RowError
		if err != nil && !errors.As(err, &bad) {
			return false, err
		}
		var p data.Problem
		if err == nil {
			d.Index = int(i)
			p, err = data.ParseProblem(raw, d)
		} else {
			err = bad.Err
		}
		if err != nil {
			p, err = data.Problem{}, &data.RowError{File: s.path, Row: int(i) + 1, Err: err}
		}
		if !yield(data.Located{Problem: p, Row: int(i) + 1}, err) {
			return true, nil
		}
	}
	return false, nil
}

// guarded reads one row; the library's panics come as errors.
func (s *source) guarded(read func() ([]byte, error)) (raw []byte, err error) {
	defer caught(&err, s.path)
	raw, err = read()
	var bad *data.RowError
	if err != nil && !errors.As(err, &bad) {
		err = fmt.Errorf("%s: %w", s.path, err)
	}
	return raw, err
}

// rowReader checks the columns and gives a function that reads the next row as
// the JSON object that data.ParseProblem takes. Its error is a *data.RowError if
// only the row is bad.
func (s *source) rowReader() (func() ([]byte, error), error) {
	roots, err := s.wanted()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	readers := make(map[string]func() (any, error), len(roots))
	for _, root := range roots {
		if readers[root], err = s.rootReader(root); err != nil {
			return nil, fmt.Errorf("%s: column %s: %w", s.path, root, err)
		}
	}
	return func() ([]byte, error) {
		row := make(map[string]any, len(roots))
		var bad error
		// Every column moves on, whatever another one says of this row.
		for _, root := range roots {
			value, err := readers[root]()
			if errors.Is(err, errText) {
				bad = fmt.Errorf("%s: %w", root, err)
			} else if err != nil {
				return nil, err
			}
			row[root] = value
		}
		if bad != nil {
			return nil, &data.RowError{File: s.path, Err: bad}
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(row); err != nil {
			return nil, &data.RowError{File: s.path, Err: err} // meta is not JSON, a number is not finite
		}
		return out.Bytes(), nil
	}, nil
}

// wanted lists the columns to read, and says what a file of another shape lacks.
func (s *source) wanted() ([]string, error) {
	roots := slices.DeleteFunc(s.roots(), func(name string) bool { return name == pandasIndex })
	found := strings.Join(roots, ", ")
	has := func(name string) bool { return slices.Contains(roots, name) }
	if has("reward_model") {
		if !has("prompt") {
			return nil, fmt.Errorf("column prompt is missing; found %s", found)
		}
		return slices.DeleteFunc(roots, func(name string) bool { return !slices.Contains(verlColumns, name) }), nil
	}
	if !has("question") && !has("prompt") {
		return nil, fmt.Errorf("not a table of problems: expected a column question or prompt, found %s", found)
	}
	for _, name := range roots {
		if !slices.Contains(ownColumns, name) {
			return nil, fmt.Errorf("unknown column %s; known are %s (what a grader needs besides goes under meta)", name, strings.Join(ownColumns, ", "))
		}
	}
	return roots, nil
}

// structs are the columns that hold named values: which of them are read, and
// which must be there.
var structs = map[string]struct{ read, must []string }{
	"reward_model": {[]string{"ground_truth"}, []string{"ground_truth"}},
	"extra_info":   {[]string{"dataset_name", "entry"}, nil},
}

func (s *source) rootReader(root string) (func() (any, error), error) {
	if parts, ok := structs[root]; ok {
		return s.structReader(root, parts.read, parts.must)
	}
	if root == "prompt" {
		return s.promptReader()
	}
	leaves := s.leaves(root)
	if len(leaves) != 1 || len(s.column(leaves[0]).ColumnPath()) > 1 && !s.isList(leaves[0]) {
		return nil, fmt.Errorf("expected a string, found %s", s.describe(root))
	}
	read, err := s.jsonLeaf(leaves[0])
	if err != nil || root != "meta" {
		return read, err
	}
	return func() (any, error) {
		value, err := read()
		text, ok := value.(string)
		switch {
		case ok && text == "":
			return nil, err
		case ok:
			return json.RawMessage(text), err
		}
		return value, err
	}, nil
}

// isList reports whether a leaf is the element of a plain list column.
func (s *source) isList(leaf int) bool {
	return s.column(leaf).MaxRepetitionLevel() == 1 && len(s.column(leaf).ColumnPath()) == 3
}

// promptReader reads a string, or a list of structs of role and content.
func (s *source) promptReader() (func() (any, error), error) {
	const root = "prompt"
	leaves := s.leaves(root)
	if len(leaves) == 1 && len(s.column(leaves[0]).ColumnPath()) == 1 && s.isText(leaves[0]) {
		return s.jsonLeaf(leaves[0])
	}
	readers := map[string]func() (any, error){}
	for _, i := range leaves {
		path := s.column(i).ColumnPath()
		name := path[len(path)-1]
		if (name != "role" && name != "content") || s.column(i).MaxRepetitionLevel() != 1 || !s.isText(i) {
			continue
		}
		var err error
		if readers[name], err = s.jsonLeaf(i); err != nil {
			return nil, err
		}
	}
	if len(readers) != 2 {
		return nil, fmt.Errorf("expected a string or a list of {content string, role string}, found %s", s.describe(root))
	}
	return func() (any, error) {
		roles, err1 := readers["role"]()
		contents, err2 := readers["content"]()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return zip(roles.([]any), contents.([]any))
	}, nil
}

func zip(roles, contents []any) (any, error) {
	if len(roles) != len(contents) {
		return nil, errors.New("column prompt: roles and contents differ in number: the file is corrupt")
	}
	turns := make([]map[string]any, len(roles))
	for i := range roles {
		turns[i] = map[string]any{"role": roles[i], "content": contents[i]}
	}
	return turns, nil
}

func (s *source) structReader(root string, read, must []string) (func() (any, error), error) {
	readers := map[string]func() (any, error){}
	for _, i := range s.leaves(root) {
		path := s.column(i).ColumnPath()
		if len(path) < 2 || !slices.Contains(read, path[1]) {
			continue
		}
		if len(path) > 2 && s.column(i).MaxRepetitionLevel() == 0 || len(path) > 4 {
			return nil, fmt.Errorf("expected %s to be a string, found %s", path[1], s.describe(root))
		}
		var err error
		if readers[path[1]], err = s.jsonLeaf(i); err != nil {
			return nil, err
		}
	}
	for _, name := range must {
		if readers[name] == nil {
			return nil, fmt.Errorf("expected a struct with %s, found %s", name, s.describe(root))
		}
	}
	return func() (any, error) {
		value := make(map[string]any, len(readers))
		var bad error
		for name, read := range readers {
			var err error
			value[name], err = read()
			bad = errors.Join(bad, err)
		}
		return value, bad
	}, nil
}

func (s *source) isText(col int) bool {
	return s.column(col).PhysicalType() == parquet.Types.ByteArray
}

var errText = errors.New("not UTF-8")

// jsonLeaf reads one leaf column as values for encoding/json: nil, a scalar, or
// []any for a list.
func (s *source) jsonLeaf(col int) (func() (any, error), error) {
	if s.column(col).MaxRepetitionLevel() > 1 {
		return nil, fmt.Errorf("expected one level of lists at most, found more in %s", s.column(col).Path())
	}
	switch s.column(col).PhysicalType() {
	case parquet.Types.ByteArray:
		return jsonValues(newLeaf[parquet.ByteArray](s, col), func(v parquet.ByteArray) (any, error) {
			if !utf8.Valid(v) {
				return nil, errText
			}
			return string(v), nil
		}), nil
	case parquet.Types.Int32:
		return jsonValues(newLeaf[int32](s, col), plain[int32]), nil
	case parquet.Types.Int64:
		return jsonValues(newLeaf[int64](s, col), plain[int64]), nil
	case parquet.Types.Float:
		return jsonValues(newLeaf[float32](s, col), plain[float32]), nil
	case parquet.Types.Double:
		return jsonValues(newLeaf[float64](s, col), plain[float64]), nil
	case parquet.Types.Boolean:
		return jsonValues(newLeaf[bool](s, col), plain[bool]), nil
	}
	return nil, fmt.Errorf("expected a string, found %s", typeName(s.column(col)))
}

func plain[P any](v P) (any, error) { return v, nil }

func jsonValues[P any](f *leaf[P], convert func(P) (any, error)) func() (any, error) {
	return func() (any, error) {
		values, defs, err := f.next()
		if err != nil {
			return nil, err
		}
		items := make([]any, 0, len(defs))
		var bad error
		for _, def := range defs {
			var item any
			if def == f.maxDef {
				item, err = convert(values[0])
				bad = errors.Join(bad, err)
				values = values[1:]
			} else if def < f.itemDef {
				continue // no item: the list is empty or null
			}
			items = append(items, item)
		}
		if bad != nil || f.maxRep > 0 {
			return items, bad
		}
		return items[0], nil
	}
}
