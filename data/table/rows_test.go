package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// putAll writes rows given as text.
func putAll(rows ...string) func(func([]byte) error) error {
	return func(put func([]byte) error) error {
		for _, row := range rows {
			if err := put([]byte(row)); err != nil {
				return err
			}
		}
		return nil
	}
}

// rowsOf reads a file back, errors among the rows.
func rowsOf(t testing.TB, path string) (list []string) {
	t.Helper()
	for line, err := range Rows(path, nil) {
		if err != nil {
			list = append(list, err.Error())
			continue
		}
		list = append(list, string(line.Text))
	}
	return list
}

func TestRowsThroughParquet(t *testing.T) {
	cases := []struct {
		name       string
		rows, want []string // want is nil for what was written
		mixed      string
	}{
		{name: "scalars", rows: []string{`{"b":true,"a":-3,"c":1.5,"d":"\"\\\n\u0001<é😀"}`, `{"b":false,"a":9223372036854775807,"c":1e-300,"d":""}`}},
		{name: "order of columns", rows: []string{`{"z":1}`, `{"y":2,"z":null}`}, want: []string{`{"z":1,"y":null}`, `{"z":null,"y":2}`}},
		{name: "messages", rows: []string{`{"m":[{"content":"hi","role":"user"},{"role":"assistant"}]}`, `{"m":[]}`, `{"m":null}`}},
		{name: "nested lists", rows: []string{`{"l":[[1,2],[],[3]]}`, `{"l":[[]]}`, `{"l":[]}`, `{"l":[null,[null]]}`}},
		{name: "lists in structs in lists", rows: []string{`{"t":[{"calls":[{"args":["a","b"],"n":1},{"n":2}]},{"calls":[]}]}`, `{"t":[{}]}`}},
		{name: "integers and fractions", rows: []string{`{"x":1}`, `{"x":0.5}`}},
		{name: "never anything", rows: []string{`{"x":null,"y":[]}`}},
		{name: "mixed", rows: []string{`{"x":1,"y":{"z":[1]}}`, `{"x":"a","y":{"z":["b"]}}`}, mixed: "x y.z[]",
			want: []string{`{"x":"1","y":{"z":["1"]}}`, `{"x":"\"a\"","y":{"z":["\"b\""]}}`}},
		{name: "empty struct", rows: []string{`{"x":{}}`}, mixed: "x", want: []string{`{"x":"{}"}`}},
		{name: "too large a number", rows: []string{`{"x":9223372036854775809}`}, mixed: "x", want: []string{`{"x":"9223372036854775809"}`}},
	}
	for _, c := range cases {
		path := filepath.Join(t.TempDir(), "f.parquet")
		mixed, err := WriteRows(Output{Path: path}, putAll(c.rows...))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.want == nil {
			c.want = c.rows
		}
		if diff := cmp.Diff(c.want, rowsOf(t, path)); diff != "" || strings.Join(mixed, " ") != c.mixed {
			t.Errorf("%s: mixed %q, want %q (-want +got):\n%s", c.name, mixed, c.mixed, diff)
		}
	}
}

// A file rewritten with its own shape is the same, types included.
func TestShapeOf(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "a.parquet"), filepath.Join(dir, "b.parquet")
	writeParquet(t, first, gymSchema, "["+gymRow+"]", compress.Codecs.Snappy)
	shape, err := ShapeOf(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := WriteRows(Output{Path: second, Shape: shape}, putAll(rowsOf(t, first)...)); err != nil {
		t.Fatal(err)
	}
	again, err := ShapeOf(second)
	if diff := cmp.Diff(shape, again); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if diff := cmp.Diff(rowsOf(t, first), rowsOf(t, second)); diff != "" {
		t.Error(diff)
	}
	for _, row := range []string{`{"prompt":3}`, `{"new":1}`, `{"prompt":[{"new":"x"}]}`} {
		if _, err := WriteRows(Output{Path: second, Shape: shape}, putAll(row)); err == nil {
			t.Errorf("%s: accepted in another shape", row)
		}
	}
}

// Any JSON objects of one shape come back as they were, but for members that are
// null.
func TestAnyRowsThroughParquet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	rapid.Check(t, func(t *rapid.T) {
		shape := genShape(3).Draw(t, "shape")
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			raw, _ := json.Marshal(map[string]any{"a": genValue(t, shape, 3), "b": genValue(t, shape, 3)})
			return string(raw)
		}), 1, 20).Draw(t, "rows")
		if mixed, err := WriteRows(Output{Path: path}, putAll(rows...)); err != nil || len(mixed) > 0 {
			t.Fatal(mixed, err)
		}
		i := 0
		for line, err := range Rows(path, nil) {
			if err != nil {
				t.Fatal(err)
			}
			want, got := withoutNulls(decoded(rows[i])), withoutNulls(decoded(string(line.Text)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("row %d: %s", i, diff)
			}
			i++
		}
		if i != len(rows) {
			t.Fatalf("%d rows of %d", i, len(rows))
		}
	})
}

func decoded(s string) (v any) {
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		panic(err)
	}
	return v
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if v[key] = withoutNulls(value); v[key] == nil {
				delete(v, key)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

func genShape(depth int) *rapid.Generator[*Shape] {
	return rapid.Custom(func(t *rapid.T) *Shape {
		kinds := []Type{Bool, Int, Float, Text}
		if depth > 0 {
			kinds = append(kinds, List, Struct)
		}
		s := &Shape{Type: rapid.SampledFrom(kinds).Draw(t, "type")}
		switch s.Type {
		case List:
			s.Item = genShape(depth-1).Draw(t, "item")
		case Struct:
			for i := range rapid.IntRange(1, 3).Draw(t, "fields") {
				s.Fields = append(s.Fields, Field{fmt.Sprintf("f%d", i), genShape(depth-1).Draw(t, "field")})
			}
		}
		return s
	})
}

func genValue(t *rapid.T, s *Shape, depth int) any {
	if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
		return nil
	}
	switch s.Type {
	case Bool:
		return rapid.Bool().Draw(t, "bool")
	case Int:
		return rapid.Int32().Draw(t, "int")
	case Float:
		return rapid.Float64().Draw(t, "float")
	case Text:
		return rapid.String().Draw(t, "text")
	case List:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			list = append(list, genValue(t, s.Item, depth-1))
		}
		return list
	}
	m := map[string]any{}
	for i, f := range s.Fields {
		// A struct always has one member: one that no row gives any has no type.
		if v := genValue(t, f.Shape, depth-1); i > 0 || v != nil {
			m[f.Name] = v
		}
	}
	m["always"] = 1
	return m
}

// Nothing is left of a file that could not be finished, and what was there stays.
func TestUnfinishedRows(t *testing.T) {
	dir := t.TempDir()
	broken := errors.New("broken")
	for _, name := range []string{"f.parquet", "f.jsonl"} {
		path := filepath.Join(dir, name)
		for _, shape := range []*Shape{nil, {Type: Struct, Fields: []Field{{"a", &Shape{Type: Int}}}}} {
			_, err := WriteRows(Output{Path: path, Shape: shape}, func(put func([]byte) error) error {
				return errors.Join(put([]byte(`{"a":1}`)), broken)
			})
			if !errors.Is(err, broken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := WriteRows(Output{Path: path}, putAll(`{"a":1}`)); err != nil {
			t.Error(err)
		}
		if _, err := WriteRows(Output{Path: path}, putAll(`{"a":1}`, `{"a":`)); err == nil && name == "f.parquet" {
			t.Error("half a row was accepted")
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v %v", entries, err)
	}
	for _, path := range []string{"f.csv", "f", ""} {
		if _, err := WriteRows(Output{Path: path}, putAll(`{}`)); err == nil || !strings.Contains(err.Error(), "expected a name that ends in .parquet or .jsonl") {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := WriteRows(Output{Path: filepath.Join(dir, "g.parquet")}, putAll()); err == nil || !strings.Contains(err.Error(), "no rows") {
		t.Error(err)
	}
}

func TestRowsErrors(t *testing.T) {
	in := "{\"a\":1}\n\n{\"a\":2}"
	var got []string
	for line, err := range Rows(Stdio, strings.NewReader(in)) {
		got = append(got, fmt.Sprintf("%d %s %v", line.Number, line.Text, err))
	}
	if want := []string{`1 {"a":1} <nil>`, `3 {"a":2} <nil>`}; !cmp.Equal(want, got) {
		t.Errorf("%q", got)
	}
	for path, want := range map[string]string{"none.jsonl": "no such file", "none.parquet": "no such file", ".": "is a folder"} {
		for _, err := range Rows(path, nil) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	var out strings.Builder
	if _, err := WriteRows(Output{Path: Stdio, Stdout: &out}, putAll(`{"a":1}`)); err != nil || out.String() != "{\"a\":1}\n" {
		t.Errorf("%q %v", out.String(), err)
	}
	if _, err := WriteRows(Output{Path: Stdio, Stdout: fullWriter{}}, putAll(`{"a":1}`)); !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
