package gym

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parseJSON is json.loads: NaN and Infinity are numbers, of equal keys the last
// counts, whole numbers have any size up to Python's bound.
func parseJSON(text string) (value, error) { return parseLiteral(text, false) }

// parsePython reads a Python literal: numbers, strings, True, False, None,
// lists, tuples, sets and dicts of them. Nothing is evaluated.
func parsePython(text string) (value, error) {
	return parseLiteral(strings.TrimLeft(text, " \t"), true)
}

func parseLiteral(text string, python bool) (value, error) {
	p := literal{text: text, python: python, stack: make([]value, 0, min(16, 1+len(text)/4))}
	err := p.value(0)
	if err == nil && python && p.peek() == ',' { // a tuple needs no parentheses
		err = p.bareTuple()
	}
	if p.space(); err == nil && p.at < len(p.text) {
		err = errors.New("unexpected text after the value")
	}
	if err != nil {
		return value{}, &parseError{p.at + 1, err}
	}
	return p.stack[0], nil
}

// parseError says where a text could not be read; its words wait until asked for.
type parseError struct {
	at  int
	err error
}

func (e *parseError) Error() string { return fmt.Sprintf("at byte %d: %v", e.at, e.err) }
func (e *parseError) Unwrap() error { return e.err }

type literal struct {
	text   string
	at     int
	python bool
	count  int     // values read
	stack  []value // values that no list has taken yet
	room   []value // for the items of lists
}

var (
	errUnfinished = errors.New("unfinished")
	errNoValue    = errors.New("expected a value")
	errNoComma    = errors.New("expected a comma")
)

func (p *literal) space() {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte that is no space, 0 at the end.
func (p *literal) peek() byte {
	if p.space(); p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *literal) eat(c byte) bool {
	if p.peek() != c || p.at == len(p.text) {
		return false
	}
	p.at++
	return true
}

// value reads a value onto the stack.
func (p *literal) value(depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	if p.count++; p.count > maxValues {
		return errTooMany
	}
	switch c := p.peek(); {
	case c == '[':
		return p.sequence(kList, ']', depth)
	case c == '{':
		return p.braces(depth)
	case c == '(' && p.python:
		return p.sequence(kTuple, ')', depth)
	case c == '"' || c == '\'' && p.python:
		return p.strings()
	case c == '-' || c == '+' || c == '.' || '0' <= c && c <= '9':
		return p.number()
	}
	return p.word()
}

func (p *literal) push(v value) { p.stack = append(p.stack, v) }

// gather makes one value of those on the stack from a mark on.
func (p *literal) gather(k kind, from int) {
	items := p.stack[from:]
	v := value{kind: k}
	if n := len(items); n > 0 {
		if len(p.room) < n {
			p.room = make([]value, max(n, min(64, (len(p.text)-p.at)/4)))
		}
		v.list, p.room = p.room[:n:n], p.room[n:]
		copy(v.list, items)
	}
	p.stack = append(p.stack[:from], v)
}

// bareTuple goes on after the first value of a tuple without parentheses.
func (p *literal) bareTuple() error {
	for p.eat(',') && p.peek() != 0 {
		if err := p.value(1); err != nil {
			return err
		}
	}
	p.gather(kTuple, 0)
	return nil
}

// sequence reads a list or what stands in parentheses.
func (p *literal) sequence(k kind, end byte, depth int) error {
	p.at++
	from, comma := len(p.stack), false
	for !p.eat(end) {
		if len(p.stack) > from && !comma {
			return errNoComma
		}
		if err := p.value(depth + 1); err != nil {
			return err
		}
		comma = p.eat(',')
		if comma && !p.python && p.peek() == end {
			return errNoValue
		}
	}
	if k == kTuple && len(p.stack) == from+1 && !comma {
		return nil
	}
	p.gather(k, from)
	return nil
}

// braces reads a dict, or a set in Python.
func (p *literal) braces(depth int) error {
	p.at++
	k, from, comma := kDict, len(p.stack), true
	for !p.eat('}') {
		if !comma {
			return errNoComma
		}
		if !p.python && p.peek() != '"' {
			return errors.New("expected a key in double quotes")
		}
		if err := p.value(depth + 1); err != nil {
			return err
		}
		if p.python && k == kDict && len(p.stack) == from+1 && p.peek() != ':' {
			k = kSet
		}
		if k == kDict {
			if err := p.pair(depth); err != nil {
				return err
			}
		}
		comma = p.eat(',')
		if comma && !p.python && p.peek() == '}' {
			return errNoValue
		}
	}
	if k == kDict {
		p.gatherDict(from)
	} else {
		p.gather(k, from)
	}
	return nil
}

// gatherDict makes a dict of the keys and values that stand in turn on the stack
// from a mark on. Of equal keys the first place and the last value count.
func (p *literal) gatherDict(from int) {
	pairs := p.stack[from:]
	list := make([]value, len(pairs))
	keys, values := list[:len(pairs)/2], list[len(pairs)/2:]
	var places map[string]int
	if len(keys) > 8 {
		places = make(map[string]int, len(keys))
	}
	n := 0
	for i := 0; i < len(pairs); i += 2 {
		at := placeOf(&pairs[i], keys[:n], places)
		if at < 0 {
			at = n
			keys[n] = pairs[i]
			if places != nil {
				places[pairs[i].name()] = n
			}
			n++
		}
		values[at] = pairs[i+1]
	}
	if n < len(keys) {
		list = append(keys[:n:n], values[:n]...)
	}
	p.stack = append(p.stack[:from], value{kind: kDict, list: list})
}

// placeOf finds a key among few by looking, among many by their places, -1 if it
// is not there.
func placeOf(key *value, keys []value, places map[string]int) int {
	if places != nil {
		if at, ok := places[key.name()]; ok {
			return at
		}
		return -1
	}
	return slices.IndexFunc(keys, func(k value) bool {
		if k.kind == kStr || key.kind == kStr {
			return k.kind == key.kind && k.s == key.s
		}
		return k.repr() == key.repr()
	})
}

// pair reads the value of the key on the stack.
func (p *literal) pair(depth int) error {
	if !p.eat(':') {
		return errors.New("expected a colon")
	}
	return p.value(depth + 1)
}

var words = map[bool]map[string]value{
	false: {"null": {kind: kNone}, "true": {kind: kBool, i: 1}, "false": {kind: kBool}, "NaN": floatValue(nan), "Infinity": floatValue(inf)},
	true:  {"None": {kind: kNone}, "True": {kind: kBool, i: 1}, "False": {kind: kBool}},
}

func (p *literal) word() error {
	begin := p.at
	for p.at < len(p.text) && ('a' <= p.text[p.at]|0x20 && p.text[p.at]|0x20 <= 'z' || p.text[p.at] == '_') {
		p.at++
	}
	v, ok := words[p.python][p.text[begin:p.at]]
	if !ok {
		p.at = begin
		return errNoValue
	}
	p.push(v)
	return nil
}

// number reads a number of JSON, or of Python with its sign.
func (p *literal) number() error {
	begin := p.at
	negative := false
	for p.at < len(p.text) && (p.text[p.at] == '-' || p.text[p.at] == '+' && p.python) {
		negative = negative != (p.text[p.at] == '-')
		if p.at++; !p.python {
			break
		}
		p.space()
	}
	if !p.python && strings.HasPrefix(p.text[p.at:], "Infinity") {
		p.at += len("Infinity")
		p.push(floatValue(-inf))
		return nil
	}
	body, isFloat := scanNumber(p.text[p.at:], p.python)
	if body == "" {
		p.at = begin
		return errNoValue
	}
	p.at += len(body)
	v, err := makeNumber(body, isFloat, negative)
	p.push(v)
	return err
}

// makeNumber turns the text of an unsigned number into its value.
func makeNumber(body string, isFloat, negative bool) (value, error) {
	if len(body) == 1 && !negative {
		return value{kind: kInt, i: int64(body[0] - '0')}, nil
	}
	body = strings.ReplaceAll(body, "_", "")
	if isFloat {
		f, _ := strconv.ParseFloat(body, 64) // out of range is infinite, as in Python
		if negative {
			f = -f
		}
		return floatValue(f), nil
	}
	base := 10
	if len(body) > 1 && body[0] == '0' && (body[1]|0x20 == 'x' || body[1]|0x20 == 'o' || body[1]|0x20 == 'b') {
		base = 0
	}
	if n, err := strconv.ParseInt(body, base, 64); err == nil {
		if negative {
			n = -n
		}
		return value{kind: kInt, i: n}, nil
	}
	if len(body) > maxDigits {
		return value{}, fmt.Errorf("a number of %d digits", len(body))
	}
	n, ok := new(big.Int).SetString(body, base)
	if !ok {
		return value{}, errNoValue
	}
	if negative {
		n.Neg(n)
	}
	return value{kind: kInt, big: n}, nil
}

// scanNumber finds an unsigned number at the beginning of s. JSON wants a digit
// on both sides of the point; Python allows underscores and other bases.
func scanNumber(s string, python bool) (body string, isFloat bool) {
	at := 0
	digits := func() int {
		begin := at
		for at < len(s) && ('0' <= s[at] && s[at] <= '9' || python && s[at] == '_' && at > begin && at+1 < len(s) && '0' <= s[at+1] && s[at+1] <= '9' && s[at-1] != '_') {
			at++
		}
		return at - begin
	}
	if python && len(s) > 2 && s[0] == '0' {
		if n := otherBase(s); n > 0 {
			return s[:n], false
		}
	}
	whole := digits()
	if whole > 1 && s[0] == '0' && (!python || strings.Trim(s[:at], "0_") != "") {
		if !python {
			return s[:1], false // what follows is an error
		}
		if at == len(s) || s[at] != '.' && s[at]|0x20 != 'e' {
			return "", false // Python 3 has no 012
		}
	}
	if whole == 0 && !python {
		return "", false
	}
	if at < len(s) && s[at] == '.' {
		before := at
		at++
		part := digits()
		if part == 0 && (!python || whole == 0) {
			at = before
		} else {
			isFloat = true
		}
	}
	if at > 0 && at < len(s) && s[at]|0x20 == 'e' {
		before := at
		at++
		if at < len(s) && (s[at] == '+' || s[at] == '-') {
			at++
		}
		if digits() == 0 {
			at = before
		} else {
			isFloat = true
		}
	}
	return s[:at], isFloat
}

// otherBase is the length of a hexadecimal, octal or binary number.
func otherBase(s string) int {
	set := map[byte]string{'x': "0123456789abcdefABCDEF", 'o': "01234567", 'b': "01"}[s[1]|0x20]
	at := 2
	for set != "" && at < len(s) && strings.IndexByte(set, s[at]) >= 0 {
		at++
	}
	if at == 2 {
		return 0
	}
	return at
}

// strings reads a string; Python joins those that follow each other.
func (p *literal) strings() error {
	text, err := p.quoted()
	for err == nil && p.python && (p.peek() == '"' || p.peek() == '\'') {
		if p.count++; p.count > maxValues || len(text) > 1<<16 {
			return errTooMany
		}
		var next string
		next, err = p.quoted()
		text += next
	}
	p.push(value{kind: kStr, s: text})
	return err
}

// quoted reads one string in quotes.
func (p *literal) quoted() (string, error) {
	q := p.text[p.at]
	p.at++
	begin := p.at
	end := p.at
	for end < len(p.text) && p.text[end] != q && p.text[end] != '\\' && p.text[end] >= ' ' {
		end++
	}
	if end < len(p.text) && p.text[end] == q { // nothing to unescape
		p.at = end + 1
		return p.text[begin:end], nil
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == q:
			p.at++
			return b.String(), nil
		case c == '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		case c < ' ' && (!p.python || c == '\n' || c == '\r'):
			return "", errors.New("a control character in a string")
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return "", errUnfinished
}

// escape reads what follows a backslash.
func (p *literal) escape(b *strings.Builder) error {
	if p.at+1 >= len(p.text) {
		return errUnfinished
	}
	c := p.text[p.at+1]
	p.at += 2
	if i := strings.IndexByte(`"\nrtbf`, c); i >= 0 {
		b.WriteByte("\"\\\n\r\t\b\f"[i])
		return nil
	}
	switch {
	case c == 'u':
		return p.unicode(b)
	case c == '/' && !p.python:
		b.WriteByte(c)
	case c == 'x' && p.python:
		n, err := p.hex(2)
		if err != nil {
			return err
		}
		b.WriteRune(n)
	case c == '\'' && p.python:
		b.WriteByte(c)
	case c == '\n' && p.python:
	case c == '0' && p.python:
		b.WriteByte(0)
	case p.python:
		b.WriteByte('\\')
		b.WriteByte(c)
	default:
		return fmt.Errorf(`invalid escape \%c`, c)
	}
	return nil
}

func (p *literal) hex(n int) (rune, error) {
	if p.at+n > len(p.text) {
		return 0, errUnfinished
	}
	v, err := strconv.ParseUint(p.text[p.at:p.at+n], 16, 32)
	if err != nil {
		return 0, errors.New("invalid escape")
	}
	p.at += n
	return rune(v), nil
}

// unicode reads the digits of \uXXXX, with a second escape if the first is half
// of a pair.
func (p *literal) unicode(b *strings.Builder) error {
	r, err := p.hex(4)
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) && !p.python && strings.HasPrefix(p.text[p.at:], `\u`) {
		p.at += 2
		low, err := p.hex(4)
		if err != nil {
			return err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			r = pair
		} else {
			p.at -= 6
		}
	}
	b.WriteRune(r)
	return nil
}
