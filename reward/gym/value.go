package gym

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// kind is the Python type of a value.
type kind uint8

const (
	kNone kind = iota
	kBool
	kInt
	kFloat
	kStr
	kList
	kTuple
	kSet
	kDict
)

// value is a Python value as read from JSON or from a Python literal.
type value struct {
	kind kind
	i    int64    // kBool (0 or 1) and kInt, if big is nil; kFloat: the bits of the number
	big  *big.Int // kInt outside 64 bits
	s    string   // kStr
	list []value  // kList, kTuple, kSet; kDict: the keys as they came, no two equal, then as many values
}

func floatValue(f float64) value { return value{kind: kFloat, i: int64(math.Float64bits(f))} }

// keys are the keys of a dict, values its values in the same order.
func (v *value) keys() []value   { return v.list[:len(v.list)/2] }
func (v *value) values() []value { return v.list[len(v.list)/2:] }

// Bounds of the parsers. Python's own parsers stop near the same depth.
const (
	maxDepth  = 200
	maxValues = 1 << 16
)

var (
	errTooDeep = errors.New("nested too deeply")
	errTooMany = errors.New("too many values")
)

func (v *value) isNumber() bool   { return v.kind == kInt || v.kind == kFloat || v.kind == kBool }
func (v *value) isSequence() bool { return v.kind == kList || v.kind == kTuple }

// float is float(v) of a number.
func (v *value) float() float64 {
	switch {
	case v.kind == kFloat:
		return math.Float64frombits(uint64(v.i))
	case v.big != nil:
		f, _ := new(big.Float).SetInt(v.big).Float64()
		return f
	}
	return float64(v.i)
}

// whole is the number as an integer of 64 bits; ok is false if it is none.
func (v *value) whole() (n int64, ok bool) {
	if v.kind != kInt && v.kind != kBool || v.big != nil {
		return 0, false
	}
	return v.i, true
}

// get finds the value of a string key.
func (v *value) get(key string) (*value, bool) {
	if v.kind == kDict {
		for i, k := range v.keys() {
			if k.kind == kStr && k.s == key {
				return &v.values()[i], true
			}
		}
	}
	return nil, false
}

// equal is Python's ==: numbers by value whatever their type, lists never equal
// tuples.
func (v *value) equal(w *value) bool {
	if v.isNumber() && w.isNumber() {
		return equalNumbers(v, w)
	}
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case kStr:
		return v.s == w.s
	case kList, kTuple:
		if len(v.list) != len(w.list) {
			return false
		}
		for i := range v.list {
			if !v.list[i].equal(&w.list[i]) {
				return false
			}
		}
	case kDict:
		return v.equalDict(w)
	case kSet:
		return false // no scorer compares sets
	}
	return true
}

func (v *value) equalDict(w *value) bool {
	if len(v.list) != len(w.list) {
		return false
	}
	at := make(map[string]int, len(w.keys()))
	for i := range w.keys() {
		at[w.list[i].name()] = i
	}
	for i := range v.keys() {
		j, ok := at[v.list[i].name()]
		if !ok || !v.values()[i].equal(&w.values()[j]) {
			return false
		}
	}
	return true
}

// name tells keys of a dict apart.
func (v *value) name() string {
	if v.kind == kStr {
		return "'" + v.s
	}
	return v.repr()
}

func equalNumbers(v, w *value) bool {
	if v.big != nil && w.big != nil {
		return v.big.Cmp(w.big) == 0
	}
	if v.kind != kFloat && w.kind != kFloat {
		return v.big == nil && w.big == nil && v.i == w.i
	}
	return v.float() == w.float()
}

// str is str(v): strings as they are, all else as repr.
func (v *value) str() string {
	if v.kind == kStr {
		return v.s
	}
	return v.repr()
}

// repr is repr(v), but for strings with unusual characters.
func (v *value) repr() string {
	var b strings.Builder
	v.write(&b, pyStyle)
	return b.String()
}

// json is json.dumps(v), as long in bytes as Python's text is in characters.
func (v *value) json() string {
	var b strings.Builder
	v.write(&b, jsonStyle)
	return b.String()
}

// style is how a value is written.
type style struct {
	none, yes, no string
	quote         func(*strings.Builder, string)
}

var (
	pyStyle   = &style{"None", "True", "False", quotePython}
	jsonStyle = &style{"null", "true", "false", quoteJSON}
)

func (v *value) write(b *strings.Builder, st *style) {
	switch v.kind {
	case kNone:
		b.WriteString(st.none)
	case kBool:
		if v.i != 0 {
			b.WriteString(st.yes)
		} else {
			b.WriteString(st.no)
		}
	case kInt:
		if v.big != nil {
			b.WriteString(v.big.String())
		} else {
			b.WriteString(strconv.FormatInt(v.i, 10))
		}
	case kFloat:
		b.WriteString(floatRepr(v.float(), st == jsonStyle))
	case kStr:
		st.quote(b, v.s)
	default:
		v.writeAll(b, st)
	}
}

func (v *value) writeAll(b *strings.Builder, st *style) {
	open, end := "[", "]"
	switch v.kind {
	case kTuple:
		open, end = "(", ")"
		if len(v.list) == 1 {
			end = ",)"
		}
	case kSet, kDict:
		open, end = "{", "}"
	}
	b.WriteString(open)
	items := v.list
	if v.kind == kDict {
		items = v.keys()
	}
	for i := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		items[i].write(b, st)
		if v.kind == kDict {
			b.WriteString(": ")
			v.values()[i].write(b, st)
		}
	}
	b.WriteString(end)
}

// floatRepr is repr(f): the shortest digits that give f back.
func floatRepr(f float64, json bool) string {
	switch {
	case math.IsNaN(f) && json:
		return "NaN"
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0) && json:
		return strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity"
	case math.IsInf(f, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+"))
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func quotePython(b *strings.Builder, s string) {
	q := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = `"`
	}
	b.WriteString(q)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\' || c == q[0]:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n' || c == '\r' || c == '\t':
			b.WriteByte('\\')
			b.WriteByte("tn??r"[c-'\t'])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(q)
}

// quoteJSON writes all that is not ASCII as escapes, as json.dumps does.
func quoteJSON(b *strings.Builder, s string) {
	const hex = "0123456789abcdef"
	unit := func(r rune) {
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(hex[r>>shift&15])
		}
	}
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(byte(r))
		case r >= ' ' && r < 0x7f || r == 0x7f:
			b.WriteByte(byte(r))
		case strings.ContainsRune("\n\r\t\b\f", r):
			b.WriteByte('\\')
			b.WriteByte("btn?fr"[r-'\b'])
		case r > 0xffff:
			unit(0xd800 + (r-0x10000)>>10)
			unit(0xdc00 + (r-0x10000)&0x3ff)
		default:
			unit(r)
		}
	}
	b.WriteByte('"')
}
