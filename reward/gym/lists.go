package gym

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	groupAnagrams          = Task{"group_anagrams", scoreAnagrams}
	palindromeGeneration   = Task{"palindrome_generation", scorePalindrome}
	palindromePartitioning = Task{"palindrome_partitioning", scorePartitions}
)

var errNotIterable = errors.New("not a list")

// items is what a Python loop over v runs through.
func (v *value) items() ([]value, error) {
	switch v.kind {
	case kList, kTuple, kSet:
		return v.list, nil
	case kDict:
		return v.keys(), nil
	case kStr:
		out := make([]value, 0, len(v.s))
		for _, r := range v.s {
			out = append(out, value{kind: kStr, s: string(r)})
		}
		return out, nil
	}
	return nil, errNotIterable
}

// scoreAnagrams wants the stored groups, the order of groups and within them
// aside; 0.01 for other JSON lists of lists.
func scoreAnagrams(e *Entry, answer string, _ bool) Result {
	if got, ok := plainRows(answer); ok {
		if gold, ok := plainRows(string(metaRaw(e, "solution"))); ok {
			return compareGroups(got, gold)
		}
	}
	v, err := parseJSON(answer)
	if err != nil {
		return scored(0, "not JSON: %v", err)
	}
	got, err := sortedGroups(&v)
	if err != nil {
		return scored(0, "no list of lists of words: %v", err)
	}
	want, err := parseJSON(string(metaRaw(e, "solution")))
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	gold, err := sortedGroups(&want)
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	if len(got) != len(gold) {
		return scored(0.01, "%d groups; there are %d", len(got), len(gold))
	}
	for i := range got {
		if !got[i].equal(gold[i]) {
			return scored(0.01, "the group %s is not one of the right ones", quote(got[i].repr()))
		}
	}
	return scored(1, "the right groups")
}

// compareGroups is the same for groups of strings, which it sorts.
func compareGroups(got, gold [][]string) Result {
	for _, groups := range [2][][]string{got, gold} {
		for _, g := range groups {
			slices.Sort(g)
		}
		slices.SortStableFunc(groups, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	}
	if len(got) != len(gold) {
		return scored(0.01, "%d groups; there are %d", len(got), len(gold))
	}
	for i := range got {
		if !slices.Equal(got[i], gold[i]) {
			return scored(0.01, "the group %s is not one of the right ones", quote(strings.Join(got[i], " ")))
		}
	}
	return scored(1, "the right groups")
}

// sortedGroups sorts each group, then the groups by their first members.
func sortedGroups(v *value) ([]*value, error) {
	groups, err := v.items()
	if err != nil {
		return nil, err
	}
	out := make([]*value, len(groups))
	for i := range groups {
		items, err := groups[i].items()
		if err != nil {
			return nil, err
		}
		if !inOrder(items) {
			pointers := make([]*value, len(items))
			for j := range items {
				pointers[j] = &items[j]
			}
			if err := sortValues(pointers, func(v *value) *value { return v }); err != nil {
				return nil, err
			}
			sorted := make([]value, len(items))
			for j, p := range pointers {
				sorted[j] = *p
			}
			items = sorted
		}
		out[i] = &value{kind: kList, list: items}
	}
	return out, sortValues(out, firstItem)
}

// inOrder reports whether values are texts in order already, as most are.
func inOrder(items []value) bool {
	for i := range items {
		if items[i].kind != kStr || i > 0 && items[i].s < items[i-1].s {
			return false
		}
	}
	return true
}

var noText = value{kind: kStr}

// firstItem is what a group is sorted by.
func firstItem(group *value) *value {
	if len(group.list) == 0 {
		return &noText
	}
	return &group.list[0]
}

var errNoOrder = errors.New("values of different types have no order")

// sortValues sorts values by their keys as Python does: numbers, texts and lists
// of such have an order among themselves.
func sortValues(values []*value, key func(*value) *value) (err error) {
	slices.SortStableFunc(values, func(a, b *value) int {
		c, ok := compareValues(key(a), key(b))
		if !ok {
			err = errNoOrder
		}
		return c
	})
	return err
}

// compareValues orders two values; ok is false if they have no order.
func compareValues(a, b *value) (c int, ok bool) {
	switch {
	case a.kind == kStr && b.kind == kStr:
		return strings.Compare(a.s, b.s), true
	case a.isNumber() && b.isNumber():
		return cmp.Compare(a.float(), b.float()), true
	case a.kind != kList || b.kind != kList:
		return 0, false
	}
	for i := range min(len(a.list), len(b.list)) {
		if !a.list[i].equal(&b.list[i]) {
			return compareValues(&a.list[i], &b.list[i])
		}
	}
	return cmp.Compare(len(a.list), len(b.list)), true
}

// scorePalindrome wants a palindrome of the given letters; other palindromes
// score 0.05, other text 0.02.
func scorePalindrome(e *Entry, answer string, _ bool) Result {
	letters, err := metaLetters(e, "letters")
	if err != nil {
		return badEntry(err)
	}
	if answer == "" {
		return scored(0, "the answer is empty")
	}
	got := []rune(strings.ToLower(pyStrip(answer)))
	for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
		if got[i] != got[j] {
			return scored(0.02, "no palindrome: letter %d from the left is not that from the right", i+1)
		}
	}
	slices.Sort(got)
	slices.Sort(letters)
	if !slices.Equal(got, letters) {
		return scored(0.05, "a palindrome, but of other letters than those given")
	}
	return scored(1, "a palindrome of the given letters")
}

// scorePartitions wants all the stored partitions, in any order.
func scorePartitions(e *Entry, answer string, _ bool) Result {
	got, err := textRows(answer)
	if err != nil {
		return scored(0, "no JSON list of lists of strings: %v", err)
	}
	want, err := textRows(string(metaRaw(e, "solution")))
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	places := make(map[string]int, len(want))
	for i, name := range rowNames(want) {
		places[name] = i
	}
	found := make([]bool, len(want))
	for i, name := range rowNames(got) {
		at, ok := places[name]
		if !ok {
			return scored(0, "%s is not one of the partitions", quote(strings.Join(got[i], " ")))
		}
		found[at] = true
	}
	for _, at := range places {
		if !found[at] {
			return scored(0, "not all of the %d partitions: %d are given", len(places), len(got))
		}
	}
	return scored(1, "all %d partitions", len(places))
}

// rowNames gives each row a text of its own: its items, each after its length.
func rowNames(rows [][]string) []string {
	var all []byte
	ends := make([]int, len(rows))
	for i, row := range rows {
		for _, item := range row {
			all = append(strconv.AppendInt(all, int64(len(item)), 10), ':')
			all = append(all, item...)
		}
		ends[i] = len(all)
	}
	text, begin := string(all), 0
	names := make([]string, len(rows))
	for i, end := range ends {
		names[i], begin = text[begin:end], end
	}
	return names
}

// textRows reads a JSON list of lists of strings. Numbers and the like among them
// become texts that no string is.
func textRows(text string) ([][]string, error) {
	if rows, ok := plainRows(text); ok {
		return rows, nil
	}
	v, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	lists, err := v.items()
	if err != nil {
		return nil, err
	}
	rows := make([][]string, len(lists))
	for i := range lists {
		items, err := lists[i].items()
		if err != nil {
			return nil, err
		}
		for j := range items {
			item := items[j].s
			switch k := items[j].kind; {
			case k == kList || k == kDict:
				return nil, errors.New("a list within a partition")
			case k != kStr:
				item = "\xff" + items[j].repr() // in no string: JSON is valid UTF-8
			}
			rows[i] = append(rows[i], item)
		}
	}
	return rows, nil
}

// plainRows reads the usual form, lists of strings without escapes, without the
// detour through values; ok is false for all else.
func plainRows(text string) (rows [][]string, ok bool) {
	s := textScanner{text: text}
	if !s.eat('[') {
		return nil, false
	}
	cells := make([]string, 0, strings.Count(text, `"`)/2)
	for more := true; more; more = s.eat(',') {
		if !s.eat('[') {
			return nil, false
		}
		begin := len(cells)
		for next := true; next; next = s.eat(',') {
			cell, ok := s.plainString()
			if !ok {
				return nil, false
			}
			cells = append(cells, cell)
		}
		if !s.eat(']') {
			return nil, false
		}
		rows = append(rows, cells[begin:len(cells):len(cells)])
	}
	return rows, s.eat(']') && s.at == len(text)
}

// textScanner walks text of the usual form.
type textScanner struct {
	text string
	at   int
}

// eat takes c and a space after it.
func (s *textScanner) eat(c byte) bool {
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	if s.at++; c == ',' && s.at < len(s.text) && s.text[s.at] == ' ' {
		s.at++
	}
	return true
}

// plainString takes a string without escapes.
func (s *textScanner) plainString() (string, bool) {
	if s.at == len(s.text) || s.text[s.at] != '"' {
		return "", false
	}
	begin := s.at + 1
	for end := begin; end < len(s.text); end++ {
		switch c := s.text[end]; {
		case c == '"':
			s.at = end + 1
			return s.text[begin:end], true
		case c == '\\' || c < ' ' || c >= utf8.RuneSelf:
			return "", false
		}
	}
	return "", false
}

// metaLetters reads a list of single characters.
func metaLetters(e *Entry, key string) (letters []rune, err error) {
	s := scanner{text: metaRaw(e, key)}
	ok := s.list(func() bool {
		text, ok := s.string()
		r, size := utf8.DecodeRuneInString(text)
		letters = append(letters, r)
		return ok && size == len(text)
	})
	if !ok {
		return nil, fmt.Errorf("metadata: %q: expected a list of letters", key)
	}
	return letters, nil
}
