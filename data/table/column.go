package table

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
)

// Column documents one column of a table that ropewalk writes.
type Column struct{ Name, Type, Doc string }

// column is one column of rows R: how a row's value is appended, and how the next
// row's is read. Both go through one accessor, so they cannot disagree.
type column[R any] struct {
	name, doc string
	typ       arrow.DataType
	add       func(array.Builder, *R) error
	open      func(*source, int) func(*R) error
	large     bool // worth compressing
}

// big marks a column as worth compressing. The others are dictionaries and runs of
// equal values already, and the library makes a new encoder of several MB for each
// page that it compresses.
func (c column[R]) big() column[R] {
	c.large = true
	return c
}

func documented[R any](columns []column[R]) []Column {
	list := make([]Column, len(columns))
	for i, c := range columns {
		list[i] = Column{c.name, c.typ.String(), c.doc}
	}
	return list
}

// scalar makes the reading half of a column of single values.
func scalar[R, P any](set func(*R, P) error) func(*source, int) func(*R) error {
	return func(s *source, col int) func(*R) error {
		f := newLeaf[P](s, col)
		return func(r *R) error {
			values, _, err := f.next()
			if err != nil {
				return err
			}
			if len(values) != 1 {
				return fmt.Errorf("column %s: null, expected a value", f.path())
			}
			return set(r, values[0])
		}
	}
}

func text[R any, T ~string | ~[]byte](name, doc string, at func(*R) *T) column[R] {
	return column[R]{name: name, doc: doc, typ: arrow.BinaryTypes.String,
		add: func(b array.Builder, r *R) error {
			b.(*array.StringBuilder).Append(string(*at(r)))
			return nil
		},
		open: scalar(func(r *R, v parquet.ByteArray) error {
			*at(r) = T(v)
			return nil
		})}
}

// parts is a column of JSON objects; encoding/json sorts their keys.
func parts[R any](name, doc string, at func(*R) *map[string]float64) column[R] {
	return column[R]{name: name, doc: doc, typ: arrow.BinaryTypes.String,
		add: func(b array.Builder, r *R) error {
			raw := []byte("{}")
			if m := *at(r); m != nil {
				var err error
				if raw, err = json.Marshal(m); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			b.(*array.StringBuilder).Append(string(raw))
			return nil
		},
		open: scalar(func(r *R, v parquet.ByteArray) error {
			if err := json.Unmarshal(v, at(r)); err != nil {
				return fmt.Errorf("column %s: %w", name, err)
			}
			return nil
		})}
}

func long[R any, T ~int64](name, doc string, at func(*R) *T) column[R] {
	return column[R]{name: name, doc: doc, typ: arrow.PrimitiveTypes.Int64,
		add: func(b array.Builder, r *R) error {
			b.(*array.Int64Builder).Append(int64(*at(r)))
			return nil
		},
		open: scalar(func(r *R, v int64) error {
			*at(r) = T(v)
			return nil
		})}
}

func short[R any](name, doc string, at func(*R) *int) column[R] {
	return column[R]{name: name, doc: doc, typ: arrow.PrimitiveTypes.Int32,
		add: func(b array.Builder, r *R) error {
			v := *at(r)
			if v < math.MinInt32 || v > math.MaxInt32 {
				return fmt.Errorf("%s %d does not fit 32 bits", name, v)
			}
			b.(*array.Int32Builder).Append(int32(v))
			return nil
		},
		open: scalar(func(r *R, v int32) error {
			*at(r) = int(v)
			return nil
		})}
}

func float[R any](name, doc string, at func(*R) *float64) column[R] {
	return column[R]{name: name, doc: doc, typ: arrow.PrimitiveTypes.Float64,
		add: func(b array.Builder, r *R) error {
			b.(*array.Float64Builder).Append(*at(r))
			return nil
		},
		open: scalar(func(r *R, v float64) error {
			*at(r) = v
			return nil
		})}
}

func flag[R any](name, doc string, at func(*R) *bool) column[R] {
	return column[R]{name: name, doc: doc, typ: arrow.FixedWidthTypes.Boolean,
		add: func(b array.Builder, r *R) error {
			b.(*array.BooleanBuilder).Append(*at(r))
			return nil
		},
		open: scalar(func(r *R, v bool) error {
			*at(r) = v
			return nil
		})}
}

// list makes a list column out of how its items are stored.
func list[R, P, E any](name, doc string, item arrow.DataType, at func(*R) *[]E, add func(array.Builder, []E), from func([]P) []E) column[R] {
	return column[R]{name: name, doc: doc, typ: arrow.ListOfNonNullable(item),
		add: func(b array.Builder, r *R) error {
			lb := b.(*array.ListBuilder)
			lb.Append(true)
			add(lb.ValueBuilder(), *at(r))
			return nil
		},
		open: func(s *source, col int) func(*R) error {
			f := newLeaf[P](s, col)
			return func(r *R) error {
				values, _, err := f.next()
				if err != nil {
					return err
				}
				*at(r) = from(values)
				return nil
			}
		}}
}

func ints[R any](name, doc string, at func(*R) *[]int32) column[R] {
	return list(name, doc, arrow.PrimitiveTypes.Int32, at,
		func(b array.Builder, v []int32) { b.(*array.Int32Builder).AppendValues(v, nil) }, slices.Clone[[]int32])
}

func floats[R any](name, doc string, at func(*R) *[]float32) column[R] {
	return list(name, doc, arrow.PrimitiveTypes.Float32, at,
		func(b array.Builder, v []float32) { b.(*array.Float32Builder).AppendValues(v, nil) }, slices.Clone[[]float32])
}

func texts[R any, T ~string](name, doc string, at func(*R) *[]T) column[R] {
	return list(name, doc, arrow.BinaryTypes.String, at,
		func(b array.Builder, v []T) {
			for _, s := range v {
				b.(*array.StringBuilder).Append(string(s))
			}
		},
		func(v []parquet.ByteArray) (out []T) {
			for _, s := range v {
				out = append(out, T(s))
			}
			return out
		})
}
