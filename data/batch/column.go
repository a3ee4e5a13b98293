package batch

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/ropewalk/ropewalk/data"
)

// column is one column of the file: how to build it from rows and how to fill
// rows from it. Both go through one accessor, so they cannot disagree.
type column struct {
	name, doc string
	typ       arrow.DataType
	build     func([]Row) (arrow.Array, error)
	read      func(arrow.Array, []Row) error
}

// text is a utf8 column.
func text[T ~string](name, doc string, at func(*Row) *T) column {
	return column{name, doc, arrow.BinaryTypes.String,
		func(rows []Row) (arrow.Array, error) {
			b := array.NewStringBuilder(memory.DefaultAllocator)
			b.Reserve(len(rows))
			for i := range rows {
				b.Append(string(*at(&rows[i])))
			}
			return b.NewArray(), nil
		},
		func(a arrow.Array, rows []Row) error {
			values := a.(*array.String)
			for i := range rows {
				*at(&rows[i]) = T(values.Value(i))
			}
			return nil
		}}
}

// parts is a utf8 column of JSON objects; encoding/json sorts their keys.
func parts(name, doc string, at func(*Row) *map[string]float64) column {
	return column{name, doc, arrow.BinaryTypes.String,
		func(rows []Row) (arrow.Array, error) {
			b := array.NewStringBuilder(memory.DefaultAllocator)
			for i := range rows {
				m := *at(&rows[i])
				if m == nil {
					m = map[string]float64{}
				}
				raw, err := json.Marshal(m)
				if err != nil {
					return nil, fmt.Errorf("rollout %s: %s: %w", rows[i].RolloutID, name, err)
				}
				b.Append(string(raw))
			}
			return b.NewArray(), nil
		},
		func(a arrow.Array, rows []Row) error {
			values := a.(*array.String)
			for i := range rows {
				if err := json.Unmarshal([]byte(values.Value(i)), at(&rows[i])); err != nil {
					return fmt.Errorf("row %d: %w", i, err)
				}
			}
			return nil
		}}
}

// long is an int64 column.
func long[T ~int64](name, doc string, at func(*Row) *T) column {
	return column{name, doc, arrow.PrimitiveTypes.Int64,
		func(rows []Row) (arrow.Array, error) {
			values := make([]int64, len(rows))
			for i := range rows {
				values[i] = int64(*at(&rows[i]))
			}
			return primitive(arrow.PrimitiveTypes.Int64, len(rows), arrow.Int64Traits.CastToBytes(values)), nil
		},
		func(a arrow.Array, rows []Row) error {
			for i, v := range a.(*array.Int64).Int64Values() {
				*at(&rows[i]) = T(v)
			}
			return nil
		}}
}

// short is an int32 column of a field that is an int in Go.
func short(name, doc string, at func(*Row) *int) column {
	return column{name, doc, arrow.PrimitiveTypes.Int32,
		func(rows []Row) (arrow.Array, error) {
			values := make([]int32, len(rows))
			for i := range rows {
				v := *at(&rows[i])
				if v < math.MinInt32 || v > math.MaxInt32 {
					return nil, fmt.Errorf("rollout %s: %s %d does not fit 32 bits", rows[i].RolloutID, name, v)
				}
				values[i] = int32(v)
			}
			return primitive(arrow.PrimitiveTypes.Int32, len(rows), arrow.Int32Traits.CastToBytes(values)), nil
		},
		func(a arrow.Array, rows []Row) error {
			for i, v := range a.(*array.Int32).Int32Values() {
				*at(&rows[i]) = int(v)
			}
			return nil
		}}
}

// float is a float64 column.
func float(name, doc string, at func(*Row) *float64) column {
	return column{name, doc, arrow.PrimitiveTypes.Float64,
		func(rows []Row) (arrow.Array, error) {
			values := make([]float64, len(rows))
			for i := range rows {
				values[i] = *at(&rows[i])
			}
			return primitive(arrow.PrimitiveTypes.Float64, len(rows), arrow.Float64Traits.CastToBytes(values)), nil
		},
		func(a arrow.Array, rows []Row) error {
			for i, v := range a.(*array.Float64).Float64Values() {
				*at(&rows[i]) = v
			}
			return nil
		}}
}

// items is how the elements of a list column are laid out.
type items[E any] struct {
	typ   arrow.DataType
	build func([]E) arrow.Array
	read  func(arrow.Array) []E // all elements of the child, offset applied
}

var int32Items = items[int32]{arrow.PrimitiveTypes.Int32,
	func(v []int32) arrow.Array {
		return primitive(arrow.PrimitiveTypes.Int32, len(v), arrow.Int32Traits.CastToBytes(v))
	},
	func(a arrow.Array) []int32 { return a.(*array.Int32).Int32Values() }}

var float32Items = items[float32]{arrow.PrimitiveTypes.Float32,
	func(v []float32) arrow.Array {
		return primitive(arrow.PrimitiveTypes.Float32, len(v), arrow.Float32Traits.CastToBytes(v))
	},
	func(a arrow.Array) []float32 { return a.(*array.Float32).Float32Values() }}

var idItems = items[data.RolloutID]{arrow.BinaryTypes.String,
	func(v []data.RolloutID) arrow.Array {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		for _, id := range v {
			b.Append(string(id))
		}
		return b.NewArray()
	},
	func(a arrow.Array) []data.RolloutID {
		values := a.(*array.String)
		ids := make([]data.RolloutID, values.Len())
		for i := range ids {
			ids[i] = data.RolloutID(values.Value(i))
		}
		return ids
	}}

// list is a list column. Its child is one fresh flat slice, so that the offsets
// start at 0: Arrow v17 writes lists whose offsets do not so that no reader can
// read them back.
func list[E any](name, doc string, of items[E], at func(*Row) *[]E) column {
	typ := arrow.ListOfNonNullable(of.typ)
	return column{name, doc, typ,
		func(rows []Row) (arrow.Array, error) {
			offsets, flat, err := flatten(rows, at)
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", name, err)
			}
			child := of.build(flat)
			buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets))}
			d := array.NewData(typ, len(rows), buffers, []arrow.ArrayData{child.Data()}, 0, 0)
			return array.NewListData(d), nil
		},
		func(a arrow.Array, rows []Row) error {
			lists := a.(*array.List)
			flat := of.read(lists.ListValues())
			for i := range rows {
				start, end := lists.ValueOffsets(i)
				*at(&rows[i]) = flat[start:end:end]
			}
			return nil
		}}
}

func flatten[E any](rows []Row, at func(*Row) *[]E) (offsets []int32, flat []E, err error) {
	total := 0
	for i := range rows {
		total += len(*at(&rows[i]))
	}
	if total > math.MaxInt32 {
		return nil, nil, fmt.Errorf("%d elements do not fit 32-bit offsets", total)
	}
	offsets, flat = make([]int32, 1, len(rows)+1), make([]E, 0, total)
	for i := range rows {
		flat = append(flat, *at(&rows[i])...)
		offsets = append(offsets, int32(len(flat)))
	}
	return offsets, flat, nil
}

// primitive wraps a slice's bytes as an array without copying them.
func primitive(typ arrow.DataType, n int, raw []byte) arrow.Array {
	return array.MakeFromData(array.NewData(typ, n, []*memory.Buffer{nil, memory.NewBufferBytes(raw)}, nil, 0, 0))
}
