package gym

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
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
	want, err := parseJSON(string(metaRaw(e, "solution")))
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	gold, err := sortedGroups(&want)
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	v, err := parseJSON(answer)
	if err != nil {
		return scored(0, "not JSON: %v", err)
	}
	got, err := sortedGroups(&v)
	if err != nil {
		return scored(0, "no list of lists of words: %v", err)
	}
	if len(got) != len(gold) {
		return scored(0.01, "%d groups; there are %d", len(got), len(gold))
	}
	for i := range got {
		if !got[i].equal(&gold[i]) {
			return scored(0.01, "the group %s is not one of the right ones", quote(got[i].repr()))
		}
	}
	return scored(1, "the right groups")
}

// sortedGroups sorts each group, then the groups by their first members.
func sortedGroups(v *value) ([]value, error) {
	groups, err := v.items()
	if err != nil {
		return nil, err
	}
	out := make([]value, len(groups))
	for i := range groups {
		items, err := groups[i].items()
		if err != nil {
			return nil, err
		}
		if err := sortValues(items, func(v *value) *value { return v }); err != nil {
			return nil, err
		}
		out[i] = value{kind: kList, list: items}
	}
	return out, sortValues(out, firstItem)
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
// of such have an order among themselves. It sorts in place.
func sortValues(values []value, key func(*value) *value) (err error) {
	slices.SortStableFunc(values, func(a, b value) int {
		c, ok := compareValues(key(&a), key(&b))
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
	letters, err := metaStrings(e, "letters")
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
	used := strings.Split(string(got), "")
	slices.Sort(used)
	slices.Sort(letters)
	if !slices.Equal(used, letters) {
		return scored(0.05, "a palindrome, but of other letters than those given")
	}
	return scored(1, "a palindrome of the given letters")
}

// scorePartitions wants all the stored partitions, in any order.
func scorePartitions(e *Entry, answer string, _ bool) Result {
	v, err := parseJSON(answer)
	if err != nil {
		return scored(0, "not JSON: %v", err)
	}
	got, err := setOfTuples(&v)
	if err != nil {
		return scored(0, "no list of lists of strings: %v", err)
	}
	want, err := parseJSON(string(metaRaw(e, "solution")))
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	gold, err := setOfTuples(&want)
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	for t, i := range gold {
		if _, ok := got[t]; !ok {
			all, _ := want.items()
			return scored(0, "%d partitions, not the %d right ones: %s is missing", len(got), len(gold), quote(all[i].repr()))
		}
	}
	if len(got) != len(gold) {
		return scored(0, "%d partitions; there are %d", len(got), len(gold))
	}
	return scored(1, "all %d partitions", len(gold))
}

// setOfTuples is the set of the lists within a list, with their places.
func setOfTuples(v *value) (map[string]int, error) {
	lists, err := v.items()
	if err != nil {
		return nil, err
	}
	set := make(map[string]int, len(lists))
	var name []byte
	for i := range lists {
		items, err := lists[i].items()
		if err != nil {
			return nil, err
		}
		name = name[:0]
		for j := range items {
			item := &items[j]
			if item.kind == kList || item.kind == kDict {
				return nil, errors.New("a list within a partition")
			}
			text := item.s
			if item.kind != kStr {
				text = item.repr()
			}
			name = append(name, byte(item.kind))
			name = strconv.AppendInt(name, int64(len(text)), 10)
			name = append(append(name, ':'), text...)
		}
		if _, twice := set[string(name)]; !twice {
			set[string(name)] = i
		}
	}
	return set, nil
}
