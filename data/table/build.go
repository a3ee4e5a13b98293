package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// arrowType is how a shape is stored. What no row says anything of, and what rows
// disagree about, is text.
func (s *Shape) arrowType() arrow.DataType {
	switch {
	case s.Type == Bool:
		return arrow.FixedWidthTypes.Boolean
	case s.Type == Int && s.Short:
		return arrow.PrimitiveTypes.Int32
	case s.Type == Int:
		return arrow.PrimitiveTypes.Int64
	case s.Type == Float && s.Short:
		return arrow.PrimitiveTypes.Float32
	case s.Type == Float:
		return arrow.PrimitiveTypes.Float64
	case s.Type == List:
		return arrow.ListOf(s.Item.arrowType())
	case s.Type == Struct:
		return arrow.StructOf(s.arrowFields()...)
	}
	return arrow.BinaryTypes.String
}

func (s *Shape) arrowFields() []arrow.Field {
	fields := make([]arrow.Field, len(s.Fields))
	for i, f := range s.Fields {
		fields[i] = arrow.Field{Name: f.Name, Type: f.arrowType(), Nullable: true}
	}
	return fields
}

// build appends a value of the shape.
func (s *Shape) build(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	if found := typeOf(v); found != s.Type && s.Type != Mixed && !(s.Type == Float && found == Int) {
		return fmt.Errorf("expected %s, found %s", s.Type, found)
	}
	switch s.Type {
	case Bool:
		b.(*array.BooleanBuilder).Append(v.(bool))
	case Int, Float:
		return s.buildNumber(b, v.(json.Number))
	case Text:
		b.(*array.StringBuilder).Append(v.(string))
	case List:
		lb := b.(*array.ListBuilder)
		lb.Append(true)
		for _, item := range v.([]any) {
			if err := s.Item.build(lb.ValueBuilder(), item); err != nil {
				return err
			}
		}
	case Struct:
		sb := b.(*array.StructBuilder)
		sb.Append(true)
		return s.buildFields(sb.FieldBuilder, v.(map[string]any))
	default:
		raw, err := plainJSON(v)
		if err != nil {
			return err
		}
		b.(*array.StringBuilder).Append(string(raw))
	}
	return nil
}

func (s *Shape) buildFields(at func(int) array.Builder, v map[string]any) error {
	known := 0
	for i, f := range s.Fields {
		value, ok := v[f.Name]
		if ok {
			known++
		}
		if err := f.build(at(i), value); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if known < len(v) {
		return fmt.Errorf("a member that no earlier row has, among %s", strings.Join(sorted(v), ", "))
	}
	return nil
}

func (s *Shape) buildNumber(b array.Builder, n json.Number) error {
	f, err := n.Float64()
	switch b := b.(type) {
	case *array.Float32Builder:
		b.Append(float32(f))
		return err
	case *array.Float64Builder:
		b.Append(f)
		return err
	}
	i, err := n.Int64()
	switch b := b.(type) {
	case *array.Int32Builder:
		b.Append(int32(i))
	case *array.Int64Builder:
		b.Append(i)
	}
	return err
}

// plainJSON encodes without escapes that only web pages need.
func plainJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(out.Bytes(), "\n"), err
}

// decodeRow reads a row, a JSON object.
func decodeRow(row []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(row))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}

// order adds a row's columns that the shape lacks, in the row's order.
func (s *Shape) order(row []byte) error {
	dec := json.NewDecoder(bytes.NewReader(row))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		s.field(fmt.Sprint(key))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
	}
	return nil
}

// learnRow widens a file's shape until it holds a row.
func (s *Shape) learnRow(row []byte) error {
	v, err := decodeRow(row)
	if err != nil {
		return err
	}
	known := 0
	for _, f := range s.Fields {
		if _, ok := v[f.Name]; ok {
			known++
		}
	}
	if known < len(v) {
		if err := s.order(row); err != nil {
			return err
		}
	}
	s.Type = Struct
	if s.learn(v); s.Type != Struct {
		return fmt.Errorf("more than %d columns", maxFields)
	}
	return nil
}
