package gym

import (
	"errors"
	"fmt"
	"math/big"
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
	p := literal{text: text, python: python}
	v, err := p.value(0)
	if err != nil {
		return value{}, fmt.Errorf("at byte %d: %w", p.at+1, err)
	}
	if python && p.peek() == ',' { // a tuple needs no parentheses
		v, err = p.bareTuple(v)
		if err != nil {
			return value{}, fmt.Errorf("at byte %d: %w", p.at+1, err)
		}
	}
	if p.space(); p.at < len(p.text) {
		return value{}, fmt.Errorf("at byte %d: unexpected text after the value", p.at+1)
	}
	return v, nil
}

type literal struct {
	text   string
	at     int
	python bool
	count  int // values read
}

var (
	errUnfinished = errors.New("unfinished")
	errNoValue    = errors.New("expected a value")
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

func (p *literal) value(depth int) (value, error) {
	if depth > maxDepth {
		return value{}, errTooDeep
	}
	if p.count++; p.count > maxValues {
		return value{}, errTooMany
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

// bareTuple goes on after the first value of a tuple without parentheses.
func (p *literal) bareTuple(first value) (value, error) {
	v := value{kind: kTuple, list: []value{first}}
	for p.eat(',') {
		if p.peek() == 0 {
			break
		}
		next, err := p.value(1)
		if err != nil {
			return value{}, err
		}
		v.list = append(v.list, next)
	}
	return v, nil
}

// sequence reads a list or what stands in parentheses.
func (p *literal) sequence(k kind, end byte, depth int) (value, error) {
	p.at++
	v := value{kind: k}
	comma := false
	for !p.eat(end) {
		if len(v.list) > 0 && !comma {
			return value{}, errors.New("expected a comma")
		}
		next, err := p.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		v.list = append(v.list, next)
		comma = p.eat(',')
		if comma && !p.python && p.peek() == end {
			return value{}, errNoValue
		}
	}
	if k == kTuple && len(v.list) == 1 && !comma {
		return v.list[0], nil
	}
	return v, nil
}

// braces reads a dict, or a set in Python.
func (p *literal) braces(depth int) (value, error) {
	p.at++
	v := value{kind: kDict}
	seen := map[string]int{}
	comma := true
	for !p.eat('}') {
		if !comma {
			return value{}, errors.New("expected a comma")
		}
		if !p.python && p.peek() != '"' {
			return value{}, errors.New("expected a key in double quotes")
		}
		key, err := p.value(depth + 1)
		if err != nil {
			return value{}, err
		}
		if p.python && v.kind == kDict && len(v.list) == 0 && p.peek() != ':' {
			v.kind = kSet
		}
		if v.kind == kSet {
			v.list = append(v.list, key)
		} else if err := p.pair(&v, seen, key, depth); err != nil {
			return value{}, err
		}
		comma = p.eat(',')
		if comma && !p.python && p.peek() == '}' {
			return value{}, errNoValue
		}
	}
	return v, nil
}

func (p *literal) pair(v *value, seen map[string]int, key value, depth int) error {
	if !p.eat(':') {
		return errors.New("expected a colon")
	}
	val, err := p.value(depth + 1)
	if err != nil {
		return err
	}
	name := key.repr()
	if i, dup := seen[name]; dup {
		v.list[i] = val
		return nil
	}
	seen[name] = len(v.list)
	v.keys, v.list = append(v.keys, key), append(v.list, val)
	return nil
}

var words = map[bool]map[string]value{
	false: {"null": {kind: kNone}, "true": {kind: kBool, i: 1}, "false": {kind: kBool}, "NaN": {kind: kFloat, f: nan}, "Infinity": {kind: kFloat, f: inf}},
	true:  {"None": {kind: kNone}, "True": {kind: kBool, i: 1}, "False": {kind: kBool}},
}

func (p *literal) word() (value, error) {
	begin := p.at
	for p.at < len(p.text) && ('a' <= p.text[p.at]|0x20 && p.text[p.at]|0x20 <= 'z' || p.text[p.at] == '_') {
		p.at++
	}
	v, ok := words[p.python][p.text[begin:p.at]]
	if !ok {
		p.at = begin
		return value{}, errNoValue
	}
	return v, nil
}

// number reads a number of JSON, or of Python with its sign.
func (p *literal) number() (value, error) {
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
		return value{kind: kFloat, f: -inf}, nil
	}
	body, isFloat := scanNumber(p.text[p.at:], p.python)
	if body == "" {
		p.at = begin
		return value{}, errNoValue
	}
	p.at += len(body)
	return makeNumber(body, isFloat, negative)
}

// makeNumber turns the text of an unsigned number into its value.
func makeNumber(body string, isFloat, negative bool) (value, error) {
	body = strings.ReplaceAll(body, "_", "")
	if isFloat {
		f, _ := strconv.ParseFloat(body, 64) // out of range is infinite, as in Python
		if negative {
			f = -f
		}
		return value{kind: kFloat, f: f}, nil
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
func (p *literal) strings() (value, error) {
	v := value{kind: kStr}
	for {
		s, err := p.quoted()
		if err != nil {
			return value{}, err
		}
		v.s += s
		if !p.python || p.peek() != '"' && p.peek() != '\'' {
			return v, nil
		}
		if p.count++; p.count > maxValues || len(v.s) > 1<<16 {
			return value{}, errTooMany
		}
	}
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
