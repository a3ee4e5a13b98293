package table

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Type is what a column, or a part of one, holds.
type Type int

// Types, of which JSON text is what is written where rows disagree.
const (
	Null Type = iota
	Bool
	Int
	Float
	Text
	List
	Struct
	Mixed
)

func (t Type) String() string {
	return [...]string{"null", "boolean", "integer", "number", "string", "list", "struct", "JSON text"}[t]
}

// Shape is the type of a column and of what is in it: what all rows of a Parquet
// file must share, while rows of JSON may differ.
type Shape struct {
	Type   Type
	Short  bool // 32 bits, of numbers
	Item   *Shape
	Fields []Field
}

// Field is a named part of a struct, in the order in which it was seen first.
type Field struct {
	Name string
	*Shape
}

// Beyond these, parts become JSON text: rows are untrusted, and a file's footer
// lists every part of every row group.
const (
	maxFields = 1024 // of one struct
	maxNested = 16   // levels of lists and structs
)

// field gives a struct's field, made if it is not there.
func (s *Shape) field(name string) *Shape {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return s.Fields[i].Shape
		}
	}
	s.Fields = append(s.Fields, Field{name, &Shape{}})
	return s.Fields[len(s.Fields)-1].Shape
}

// learn widens the shape until it holds a value as encoding/json decodes it with
// UseNumber. Values of different kinds make it Mixed.
func (s *Shape) learn(v any) { s.learnAt(v, 0) }

func (s *Shape) learnAt(v any, depth int) {
	typ := typeOf(v)
	if depth > maxNested && (typ == List || typ == Struct) {
		typ = Mixed
	}
	switch {
	case typ == Null || s.Type == Mixed:
		return
	case s.Type == Null:
		s.Type = typ
	case s.Type == Int && typ == Float || s.Type == Float && typ == Int:
		s.Type, s.Short = Float, false
	case s.Type != typ:
		s.Type = Mixed
		return
	}
	switch v := v.(type) {
	case json.Number:
		s.Short = s.Short && (typ == Float || fits32(v))
	case []any:
		if s.Item == nil {
			s.Item = &Shape{}
		}
		for _, item := range v {
			s.Item.learnAt(item, depth+1)
		}
	case map[string]any:
		for _, key := range sorted(v) {
			s.field(key).learnAt(v[key], depth+1)
		}
		if len(s.Fields) > maxFields {
			s.Type = Mixed
		}
	}
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func fits32(n json.Number) bool {
	_, err := strconv.ParseInt(n.String(), 10, 32)
	return err == nil
}

func typeOf(v any) Type {
	switch v := v.(type) {
	case nil:
		return Null
	case bool:
		return Bool
	case string:
		return Text
	case []any:
		return List
	case map[string]any:
		return Struct
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return Int
		}
		f, err := v.Float64()
		if err != nil || !strings.ContainsAny(v.String(), ".eE") && strconv.FormatFloat(f, 'f', -1, 64) != v.String() {
			return Mixed // an integer that neither 64 bits nor a float hold
		}
		return Float
	}
	return Mixed
}

// mixed lists the paths at which rows disagree, and structs that no row gives a
// field: Parquet has no type for either.
func (s *Shape) mixed(path string, list []string) []string {
	switch {
	case s.Type == Mixed || s.Type == Struct && len(s.Fields) == 0:
		s.Type = Mixed
		return append(list, path)
	case s.Type == List:
		return s.Item.mixed(path+"[]", list)
	case s.Type == Struct:
		for _, f := range s.Fields {
			list = f.mixed(strings.TrimPrefix(path+"."+f.Name, "."), list)
		}
	}
	return list
}

// shape is that of a file's node.
func (n *node) shape() *Shape {
	switch n.kind {
	case structNode:
		s := &Shape{Type: Struct}
		for _, child := range n.children {
			s.Fields = append(s.Fields, Field{child.name, child.shape()})
		}
		return s
	case listNode:
		return &Shape{Type: List, Item: n.children[0].shape()}
	}
	typ, short := n.leaves[0].typ()
	return &Shape{Type: typ, Short: short}
}

// ShapeOf is the shape of a Parquet file's rows; nil for other files, whose rows
// need not share one.
func ShapeOf(path string) (shape *Shape, err error) {
	if path == Stdio || !isParquet(path) {
		return nil, nil
	}
	s, err := openParquet(path)
	if err != nil {
		return nil, err
	}
	defer s.close() // opened for reading: nothing to lose
	rows, err := s.assembled(s.roots())
	if err != nil {
		return nil, err
	}
	return rows.root.shape(), nil
}
