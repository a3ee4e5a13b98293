package gym

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var numberSorting = Task{"number_sorting", scoreNumberSorting}

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
	got, err := numberList(parseJSON, strings.ReplaceAll(answer, "'", `"`))
	if err != nil {
		return scored(0, "%s is no JSON list of numbers: %v", quote(answer), err)
	}
	want, err := numberList(parsePython, *e.Answer)
	if err != nil {
		return badEntryf("the stored answer: %w", err)
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
	if list, ok := plainNumbers(text); ok {
		return list, nil
	}
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

// plainNumbers reads the usual form of a list, decimals each in quotes or none of
// them, without the detour through values; ok is false for all else.
func plainNumbers(text string) (list []float64, ok bool) {
	body, opened := strings.CutPrefix(text, "[")
	body, closed := strings.CutSuffix(body, "]")
	if !opened || !closed || body == "" {
		return nil, false
	}
	list = make([]float64, 0, len(body)/4)
	for more := true; more; {
		var item string
		item, body, more = strings.Cut(body, ",")
		if n := len(item); n > 0 && item[0] == ' ' {
			item = item[1:]
		}
		if n := len(item); n > 2 && (item[0] == '\'' || item[0] == '"') && item[n-1] == item[0] {
			item = item[1 : n-1]
		}
		f, ok := plainDecimal(item)
		if !ok {
			return nil, false
		}
		list = append(list, f)
	}
	return list, true
}

// plainDecimal reads a number such as -12.5, without leading zeros, of at most 15
// digits: they and the power of ten that divides them are exact, so the quotient
// is the nearest double.
func plainDecimal(s string) (float64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if digits == "" || len(digits) > 16 || digits[0] == '0' && len(digits) > 1 && digits[1] != '.' {
		return 0, false
	}
	n, point := int64(0), -1
	for i := range len(digits) {
		c := digits[i]
		switch {
		case '0' <= c && c <= '9':
			n = n*10 + int64(c-'0')
		case c == '.' && point < 0 && i > 0 && i < len(digits)-1:
			point = i
		default:
			return 0, false
		}
	}
	if point < 0 && len(digits) > 15 {
		return 0, false
	}
	f := float64(n)
	if point >= 0 {
		f /= powersOfTen[len(digits)-1-point]
	}
	if negative {
		f = -f
	}
	return f, true
}

var powersOfTen = func() (p [17]float64) {
	for i := range p {
		p[i], _ = strconv.ParseFloat("1e"+strconv.Itoa(i), 64)
	}
	return p
}()
