package gym

import (
	"errors"
	"math"
	"slices"
	"sort"
	"strings"
)

var (
	numberSorting          = Task{"number_sorting", scoreNumberSorting}
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
		return v.keys, nil
	case kStr:
		out := make([]value, 0, len(v.s))
		for _, r := range v.s {
			out = append(out, value{kind: kStr, s: string(r)})
		}
		return out, nil
	}
	return nil, errNotIterable
}

// numberOf is float(v) of a number or of a string that holds one.
func (v *value) numberOf() (float64, bool) {
	if v.kind == kStr {
		return pyFloat(v.s)
	}
	return v.float(), v.isNumber()
}

// scoreNumberSorting wants a JSON list in order, each number within 1 of the
// stored one. Values that are not numbers do not count as sorted; strict takes
// NaN for any number, as the package does.
func scoreNumberSorting(e *Entry, answer string, strict bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	direction, err := metaText(e, "direction")
	if err != nil {
		return badEntry(err)
	}
	want, err := numberList(parsePython, *e.Answer)
	if err != nil {
		return badEntryf("the stored answer: %w", err)
	}
	got, err := numberList(parseJSON, strings.ReplaceAll(answer, "'", `"`))
	if err != nil {
		return scored(0, "%s is no JSON list of numbers: %v", quote(answer), err)
	}
	if len(got) != len(want) {
		return scored(0, "%d numbers; expected %d", len(got), len(want))
	}
	for i := range got {
		if math.IsNaN(got[i]) && !strict {
			return scored(0, "number %d is not a number", i+1)
		}
		if i > 0 && (direction == "ascending" && got[i] < got[i-1] || direction != "ascending" && got[i] > got[i-1]) {
			return scored(0, "number %d, %v, is not in %s order", i+1, got[i], oneLine(direction))
		}
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 1 {
			return scored(0, "number %d is %v, not %v", i+1, got[i], want[i])
		}
	}
	return scored(1, "sorted")
}

func numberList(parse func(string) (value, error), text string) ([]float64, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	if v.kind != kList {
		return nil, errNotIterable
	}
	list := make([]float64, len(v.list))
	for i := range v.list {
		f, ok := v.list[i].numberOf()
		if !ok || v.list[i].big != nil && math.IsInf(f, 0) {
			return nil, errors.New("an item is no number")
		}
		list[i] = f
	}
	return list, nil
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
	if got.json() == gold.json() {
		return scored(1, "the right groups")
	}
	return scored(0.01, "JSON, but %d groups that are not the %d right ones", len(got.list), len(gold.list))
}

// sortedGroups sorts each group, then the groups by their first members.
func sortedGroups(v *value) (*value, error) {
	groups, err := v.items()
	if err != nil {
		return nil, err
	}
	out := &value{kind: kList, list: make([]value, len(groups))}
	first := make([]value, len(groups))
	for i := range groups {
		items, err := groups[i].items()
		if err != nil {
			return nil, err
		}
		items = slices.Clone(items)
		if err := sortValues(items, items); err != nil {
			return nil, err
		}
		out.list[i] = value{kind: kList, list: items}
		first[i] = value{kind: kStr}
		if len(items) > 0 {
			first[i] = items[0]
		}
	}
	return out, sortValues(out.list, first)
}

var errNoOrder = errors.New("values of different types have no order")

// sortValues sorts values by keys, which must all be strings or all numbers; the
// two may be the same slice.
func sortValues(values, keys []value) error {
	if len(keys) < 2 {
		return nil
	}
	for i := range keys {
		if keys[i].kind != kStr && !keys[i].isNumber() || (keys[i].kind == kStr) != (keys[0].kind == kStr) {
			return errNoOrder
		}
	}
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool {
		a, b := &keys[order[i]], &keys[order[j]]
		if a.kind == kStr {
			return a.s < b.s
		}
		return a.float() < b.float()
	})
	sorted := make([]value, len(values))
	for i, from := range order {
		sorted[i] = values[from]
	}
	copy(values, sorted)
	return nil
}

// scorePalindrome wants a palindrome of the given letters; other palindromes
// score 0.05, other text 0.02.
func scorePalindrome(e *Entry, answer string, _ bool) Result {
	var letters []string
	if err := metaDecode(e, "letters", &letters); err != nil {
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
	want, err := parseJSON(string(metaRaw(e, "solution")))
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	gold, err := setOfTuples(&want)
	if err != nil {
		return badEntryf("metadata: solution: %w", err)
	}
	v, err := parseJSON(answer)
	if err != nil {
		return scored(0, "not JSON: %v", err)
	}
	got, err := setOfTuples(&v)
	if err != nil {
		return scored(0, "no list of lists of strings: %v", err)
	}
	missing := 0
	for t := range gold {
		if !got[t] {
			missing++
		}
	}
	if missing > 0 || len(got) != len(gold) {
		return scored(0, "%d partitions, %d of the %d right ones missing", len(got), missing, len(gold))
	}
	return scored(1, "all %d partitions", len(gold))
}

// setOfTuples is the set of the lists within a list.
func setOfTuples(v *value) (map[string]bool, error) {
	lists, err := v.items()
	if err != nil {
		return nil, err
	}
	set := make(map[string]bool, len(lists))
	for i := range lists {
		items, err := lists[i].items()
		if err != nil {
			return nil, err
		}
		for j := range items {
			if k := items[j].kind; k == kList || k == kDict {
				return nil, errors.New("a list within a partition")
			}
		}
		tuple := value{kind: kTuple, list: items}
		set[tuple.repr()] = true
	}
	return set, nil
}
