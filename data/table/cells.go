package table

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

var (
	errText   = errors.New("not UTF-8")
	errLevels = errors.New("a page has fewer levels than values: the file is corrupt")
	errNested = errors.New("the columns of a row disagree about its lists: the file is corrupt")
)

// cells are one leaf column's part of one row, taken one after another.
type cells interface {
	// load moves to the next row.
	load() error
	// levels are the definition and repetition level of the next cell; ok is false
	// where the row has no more.
	levels() (def, rep int16, ok bool)
	// appendJSON takes a cell that has a value, skip any other.
	appendJSON(dst []byte) ([]byte, error)
	skip()
	// typ is how the cells are written again; short for 32 bits.
	typ() (typ Type, short bool)
}

type typedCells[P any] struct {
	f      *leaf[P]
	put    func([]byte, P) ([]byte, error)
	values []P
	defs   []int16
	at     int
}

func (c *typedCells[P]) load() (err error) {
	c.values, c.defs, err = c.f.next()
	c.at = 0
	return err
}

func (c *typedCells[P]) levels() (def, rep int16, ok bool) {
	if c.at >= len(c.defs) {
		return 0, 0, false
	}
	return c.defs[c.at], c.f.rowReps[c.at], true
}

func (c *typedCells[P]) skip() {
	if c.defs[c.at] == c.f.maxDef {
		c.values = c.values[1:]
	}
	c.at++
}

func (c *typedCells[P]) appendJSON(dst []byte) ([]byte, error) {
	v := c.values[0]
	c.skip()
	return c.put(dst, v)
}

func (c *typedCells[P]) typ() (Type, bool) {
	switch any(*new(P)).(type) {
	case bool:
		return Bool, false
	case int32:
		return Int, !unsigned(c.f.s.column(c.f.col))
	case int64:
		if _, time := c.f.s.column(c.f.col).LogicalType().(*schema.TimestampLogicalType); !time {
			return Int, false
		}
	case float32:
		return Float, true
	case float64:
		return Float, false
	}
	return Text, false
}

// newCells reads a leaf column as JSON. Numbers that are not finite and times have
// no JSON of their own: they become null, as tables of pandas mean them, and text.
func newCells(s *source, col int) (cells, error) {
	c := s.column(col)
	switch c.PhysicalType() {
	case parquet.Types.ByteArray:
		return &typedCells[parquet.ByteArray]{f: newLeaf[parquet.ByteArray](s, col), put: putText}, nil
	case parquet.Types.Int32:
		return &typedCells[int32]{f: newLeaf[int32](s, col), put: func(dst []byte, v int32) ([]byte, error) {
			if unsigned(c) {
				return strconv.AppendUint(dst, uint64(uint32(v)), 10), nil
			}
			return strconv.AppendInt(dst, int64(v), 10), nil
		}}, nil
	case parquet.Types.Int64:
		return &typedCells[int64]{f: newLeaf[int64](s, col), put: putLong(c)}, nil
	case parquet.Types.Float:
		return &typedCells[float32]{f: newLeaf[float32](s, col), put: func(dst []byte, v float32) ([]byte, error) { return putFloat(dst, float64(v), 32) }}, nil
	case parquet.Types.Double:
		return &typedCells[float64]{f: newLeaf[float64](s, col), put: func(dst []byte, v float64) ([]byte, error) { return putFloat(dst, v, 64) }}, nil
	case parquet.Types.Boolean:
		return &typedCells[bool]{f: newLeaf[bool](s, col), put: func(dst []byte, v bool) ([]byte, error) { return strconv.AppendBool(dst, v), nil }}, nil
	}
	return nil, fmt.Errorf("column %s: its type %s is not one that a dataset needs", c.Path(), typeName(c))
}

func unsigned(c *schema.Column) bool {
	integer, ok := c.LogicalType().(*schema.IntLogicalType)
	return ok && !integer.IsSigned()
}

func putLong(c *schema.Column) func([]byte, int64) ([]byte, error) {
	if stamp, ok := c.LogicalType().(*schema.TimestampLogicalType); ok {
		unit := map[schema.TimeUnitType]time.Duration{
			schema.TimeUnitMillis: time.Millisecond, schema.TimeUnitMicros: time.Microsecond, schema.TimeUnitNanos: time.Nanosecond}[stamp.TimeUnit()]
		return func(dst []byte, v int64) ([]byte, error) {
			per := int64(time.Second / max(unit, 1))
			t := time.Unix(v/per, v%per*int64(unit)).UTC()
			return append(t.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"'), nil
		}
	}
	if unsigned(c) {
		return func(dst []byte, v int64) ([]byte, error) { return strconv.AppendUint(dst, uint64(v), 10), nil }
	}
	return func(dst []byte, v int64) ([]byte, error) { return strconv.AppendInt(dst, v, 10), nil }
}

func putFloat(dst []byte, v float64, bits int) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...), nil
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits), nil
}

func putText(dst []byte, v parquet.ByteArray) ([]byte, error) {
	if !utf8.Valid(v) {
		return dst, errText
	}
	return appendString(dst, string(v)), nil
}

// appendString quotes a text for JSON, leaving alone what need not be escaped.
func appendString(dst []byte, s string) []byte {
	start := 0
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[b>>4], "0123456789abcdef"[b&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// appendKey writes a member's name and a colon.
func appendKey(dst []byte, name string) []byte {
	if !utf8.ValidString(name) {
		name, _ = strconv.Unquote(strconv.QuoteToASCII(name))
	}
	return append(appendString(dst, name), ':')
}
