package gym

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// member is a member of a JSON object: its name in quotes and its value, as they
// stand in the text.
type member struct{ name, value []byte }

// member takes the next member of an object that has been opened.
func (s *scanner) member() (m member, ok bool) {
	var ok1, ok2 bool
	m.name, ok1 = s.value()
	colon := s.eat(':')
	m.value, ok2 = s.value()
	return m, ok1 && colon && ok2
}

func (m *member) named(key string) bool {
	return len(m.name) == len(key)+2 && string(m.name[1:len(m.name)-1]) == key
}

// members lists the members of an object up to where it cannot be read.
func members(text []byte) (list []member) {
	s := scanner{text: text}
	for more := s.eat('{'); more; more = s.eat(',') {
		m, ok := s.member()
		if !ok {
			return list
		}
		list = append(list, m)
	}
	return list
}

// metaRaw finds the value of a key of the metadata, the first if there are
// several, nil if there is none. It looks at the top level only, so that a scorer
// that needs one small field does not decode all of a large object.
func metaRaw(e *Entry, key string) json.RawMessage {
	if len(e.Metadata) > 0 && e.indexed == &e.Metadata[0] {
		for i := range e.index {
			if e.index[i].named(key) {
				return json.RawMessage(e.index[i].value)
			}
		}
		return nil
	}
	s := scanner{text: e.Metadata}
	for more := s.eat('{'); more; more = s.eat(',') {
		m, ok := s.member()
		if !ok {
			return nil
		}
		if m.named(key) {
			return json.RawMessage(m.value)
		}
	}
	return nil
}

// metaDecode reads the value of a key into into.
func metaDecode(e *Entry, key string, into any) error {
	raw := metaRaw(e, key)
	if raw == nil {
		return fmt.Errorf("metadata: no %q", key)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("metadata: %q: %w", key, err)
	}
	return nil
}

func metaInt(e *Entry, key string) (int, error) {
	raw := metaRaw(e, key)
	n, rest, ok := scanInt(raw)
	if !ok || len(rest) != 0 {
		return 0, fmt.Errorf("metadata: %q: expected a whole number", key)
	}
	return n, nil
}

// metaFloat reads a number.
func metaFloat(e *Entry, key string) (float64, error) {
	raw := metaRaw(e, key)
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || bytes.ContainsAny(raw, "nNxX_") {
		return 0, fmt.Errorf("metadata: %q: expected a number", key)
	}
	return f, nil
}

// metaCells reads rows of cells, each a text of one character of ASCII.
func metaCells(e *Entry, key string) ([][]byte, error) {
	s := scanner{text: metaRaw(e, key)}
	cells := make([]byte, 0, len(s.text)/4)
	var rows [][]byte
	ok := s.list(func() bool {
		begin := len(cells)
		ok := s.list(func() bool {
			s.space()
			if s.at+3 > len(s.text) || s.text[s.at] != '"' || s.text[s.at+2] != '"' || s.text[s.at+1] >= utf8.RuneSelf {
				return false
			}
			cells = append(cells, s.text[s.at+1])
			s.at += 3
			return true
		})
		rows = append(rows, cells[begin:len(cells):len(cells)])
		return ok
	})
	if !ok {
		return nil, fmt.Errorf("metadata: %q: expected rows of single characters", key)
	}
	return rows, nil
}

// maxSide bounds the rows and columns of a grid in the metadata.
const maxSide = 256

// metaGrid reads a list of lists of whole numbers, at least one row, rows of
// equal length.
func metaGrid(e *Entry, key string) ([][]int, error) {
	fail := fmt.Errorf("metadata: %q: expected a grid of whole numbers", key)
	s := scanner{text: metaRaw(e, key)}
	if !s.eat('[') {
		return nil, fail
	}
	var grid [][]int
	for {
		row, ok := s.ints()
		if !ok || len(row) == 0 || len(grid) == maxSide || len(grid) > 0 && len(row) != len(grid[0]) {
			return nil, fail
		}
		grid = append(grid, row)
		if s.eat(']') {
			return grid, nil
		}
		if !s.eat(',') {
			return nil, fail
		}
	}
}

// metaInts reads a list of whole numbers.
func metaInts(e *Entry, key string) ([]int, error) {
	s := scanner{text: metaRaw(e, key)}
	list, ok := s.ints()
	if !ok {
		return nil, fmt.Errorf("metadata: %q: expected a list of whole numbers", key)
	}
	return list, nil
}

// metaText reads a string.
func metaText(e *Entry, key string) (string, error) {
	raw := metaRaw(e, key)
	if len(raw) >= 2 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var text string
	return text, metaDecode(e, key, &text)
}

// scanner walks JSON without building it. What it accepts is a superset of JSON:
// an entry's text was checked when it was read, and whatever it is, no step
// leaves it or takes more than its length.
type scanner struct {
	text []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\t' || s.text[s.at] == '\r') {
		s.at++
	}
}

// eat takes c, if it is next.
func (s *scanner) eat(c byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// inValue are the bytes that neither begin nor end a part of a value.
var inValue = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = strings.IndexByte("\"[]{},: \n\t\r", byte(c)) < 0
	}
	return plain
}()

// value takes the next value and gives its text.
func (s *scanner) value() ([]byte, bool) {
	s.space()
	begin, depth := s.at, 0
	for s.at < len(s.text) {
		if inValue[s.text[s.at]] {
			s.at++
			continue
		}
		switch c := s.text[s.at]; c {
		case '"':
			if !s.quoted() {
				return nil, false
			}
			if depth == 0 {
				return s.text[begin:s.at], true
			}
			continue
		case '[', '{':
			depth++
		case ']', '}', ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return s.text[begin:s.at], s.at > begin
			}
			if c == ']' || c == '}' {
				if depth--; depth == 0 {
					s.at++
					return s.text[begin:s.at], true
				}
			}
		}
		s.at++
	}
	return s.text[begin:s.at], depth == 0 && s.at > begin
}

// quoted takes a string.
func (s *scanner) quoted() bool {
	if end := bytes.IndexByte(s.text[s.at+1:], '"'); end >= 0 && s.text[s.at+end] != '\\' {
		s.at += end + 2
		return true
	}
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	return false
}

// ints takes a list of whole numbers.
func (s *scanner) ints() ([]int, bool) {
	if !s.eat('[') {
		return nil, false
	}
	var list []int
	if s.eat(']') {
		return list, true
	}
	for {
		s.space()
		n, rest, ok := scanInt(s.text[s.at:])
		if !ok {
			return nil, false
		}
		s.at = len(s.text) - len(rest)
		list = append(list, n)
		if s.eat(']') {
			return list, true
		}
		if !s.eat(',') {
			return nil, false
		}
	}
}

// string takes a string.
func (s *scanner) string() (string, bool) {
	s.space()
	begin := s.at
	if begin >= len(s.text) || s.text[begin] != '"' || !s.quoted() {
		return "", false
	}
	return unquoted(s.text[begin:s.at])
}

// unquoted is the content of a string in quotes.
func unquoted(raw []byte) (string, bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err == nil
}

// list takes a list, whose items item takes one by one.
func (s *scanner) list(item func() bool) bool {
	if !s.eat('[') {
		return false
	}
	if s.eat(']') {
		return true
	}
	for item() {
		if s.eat(']') {
			return true
		}
		if !s.eat(',') {
			return false
		}
	}
	return false
}

// object takes an object, whose values value takes one by one.
func (s *scanner) object(value func(key string) bool) bool {
	if !s.eat('{') {
		return false
	}
	if s.eat('}') {
		return true
	}
	for {
		key, ok := s.string()
		if !ok || !s.eat(':') || !value(key) {
			return false
		}
		if s.eat('}') {
			return true
		}
		if !s.eat(',') {
			return false
		}
	}
}

// strings takes a list of strings.
func (s *scanner) strings() (list []string, ok bool) {
	ok = s.list(func() bool {
		text, ok := s.string()
		list = append(list, text)
		return ok
	})
	return list, ok
}

// metaStrings reads a list of strings.
func metaStrings(e *Entry, key string) ([]string, error) {
	s := scanner{text: metaRaw(e, key)}
	list, ok := s.strings()
	if !ok {
		return nil, fmt.Errorf("metadata: %q: expected a list of strings", key)
	}
	return list, nil
}

// metaStringRows reads a list of lists of strings.
func metaStringRows(e *Entry, key string) (rows [][]string, err error) {
	s := scanner{text: metaRaw(e, key)}
	ok := s.list(func() bool {
		row, ok := s.strings()
		rows = append(rows, row)
		return ok
	})
	if !ok {
		return nil, fmt.Errorf("metadata: %q: expected rows of strings", key)
	}
	return rows, nil
}

// metaCount counts the items of a list; null has none.
func metaCount(e *Entry, key string) (n int, err error) {
	raw := metaRaw(e, key)
	s := scanner{text: raw}
	ok := s.list(func() bool {
		_, ok := s.value()
		n++
		return ok
	})
	if !ok && string(raw) != "null" {
		return 0, fmt.Errorf("metadata: %q: expected a list", key)
	}
	return n, nil
}

// metaObject reads an object, whose values value takes.
func metaObject(e *Entry, key string, value func(s *scanner, key string) bool) error {
	s := scanner{text: metaRaw(e, key)}
	if !s.object(func(k string) bool { return value(&s, k) }) {
		return fmt.Errorf("metadata: %q: expected an object of another kind", key)
	}
	return nil
}

// scanInt reads a whole number of at most 18 digits at the beginning of text.
func scanInt(text []byte) (n int, rest []byte, ok bool) {
	at, sign := 0, 1
	if len(text) > 0 && text[0] == '-' {
		at, sign = 1, -1
	}
	begin := at
	for at < len(text) && '0' <= text[at] && text[at] <= '9' && at < begin+18 {
		n = n*10 + int(text[at]-'0')
		at++
	}
	if at == begin || at < len(text) && (text[at] == '.' || text[at] == 'e' || text[at] == 'E' || '0' <= text[at] && text[at] <= '9') {
		return 0, nil, false
	}
	return sign * n, text[at:], true
}
