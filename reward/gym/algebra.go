package gym

import (
	"math"
	"math/cmplx"
	"slices"
	"strconv"
	"strings"
)

var (
	complexArithmetic   = Task{"complex_arithmetic", scoreComplex}
	polynomialEquations = Task{"polynomial_equations", scoreRoots}
)

// scoreComplex gives exp(-distance) in the complex plane.
func scoreComplex(e *Entry, answer string, strict bool) Result {
	var parts []float64
	if err := metaDecode(e, "result", &parts); err != nil {
		return badEntry(err)
	}
	if len(parts) != 2 {
		return badEntryf("metadata: result: expected two numbers, found %d", len(parts))
	}
	got, ok := parseComplex(answer)
	if !ok {
		return scored(0, "%s is no complex number of the form a+bi", quote(answer))
	}
	distance := cmplx.Abs(got - complex(parts[0], parts[1]))
	if math.IsNaN(distance) {
		if strict { // Python's min(1, nan) is 1
			return scored(1, "not a number, which the package takes for right")
		}
		return scored(0, "not a number")
	}
	if distance == 0 {
		return scored(1, "the right number")
	}
	return scored(math.Exp(-distance), "%v away from the right number", distance)
}

// parseComplex reads a+bi, i or j, spaces and outer parentheses aside.
func parseComplex(s string) (complex128, bool) {
	s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
	for len(s) > 1 && s[0] == '(' && s[len(s)-1] == ')' {
		s = s[1 : len(s)-1]
	}
	s = asciiDigits(strings.ReplaceAll(s, "i", "j"))
	if !strings.Contains(s, "j") {
		f, ok := pyFloat(s)
		return complex(f, 0), ok
	}
	if !strings.HasSuffix(s, "j") {
		return 0, false
	}
	s = pyStrip(s)
	re, rest, _ := floatPrefix(s)
	switch {
	case rest == "j" && len(s) > len(rest): // 7j
		return complex(0, re), true
	case rest == s: // j, +j, -j
		re = 0
	}
	sign := 1.0
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		if rest[0] == '-' {
			sign = -1
		}
		rest = rest[1:]
	} else if rest != "j" {
		return 0, false
	}
	if rest == "j" {
		return complex(re, sign), true
	}
	if rest == "" || rest[0] == '+' || rest[0] == '-' {
		return 0, false
	}
	im, rest, ok := floatPrefix(rest)
	return complex(re, sign*im), ok && rest == "j"
}

// floatPrefix takes the longest number at the beginning of s.
func floatPrefix(s string) (f float64, rest string, ok bool) {
	at := 0
	if at < len(s) && (s[at] == '+' || s[at] == '-') {
		at++
	}
	if strings.HasPrefix(s[at:], "nan") {
		return nan, s[at+3:], true
	}
	body, _ := scanNumber(s[at:], false)
	if body == "" { // .5 and 5. are numbers too; leading zeros as well
		body = strings.TrimRight(s[at:at+digitRun(s[at:])], ".")
	} else if n := digitRun(s[at:]); n > len(body) {
		body = s[at : at+n]
	}
	f, err := strconv.ParseFloat(body, 64)
	if err != nil && f == 0 {
		return 0, s, false
	}
	if at > 0 && s[0] == '-' {
		f = -f
	}
	return f, s[at+len(body):], true
}

// digitRun is the length of a run of digits with at most one point.
func digitRun(s string) int {
	point := false
	for i := range len(s) {
		if s[i] == '.' && !point {
			point = true
		} else if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// The constants of the package's configuration.
const (
	rootDecay   = -10
	rootPenalty = 0.5 // for each missing and each extra solution
)

// maxRoots bounds how many solutions are read; more cannot score.
const maxRoots = 1000

// scoreRoots matches each solution with the nearest stored one: the mean of
// exp(-10·distance), less 0.5 for each that is missing or too many.
func scoreRoots(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	want, got := floatList(*e.Answer), floatList(answer)
	if len(want) == 0 && len(got) == 0 {
		return scored(1, "no real solution, as stored")
	}
	if len(got) > maxRoots {
		return scored(0, "%d solutions; there are %d", len(got), len(want))
	}
	missing := len(want)
	total, matched, extra := 0.0, 0, 0
	for _, x := range got {
		best, at := inf, -1
		for i, w := range want {
			if d := math.Abs(x - w); d < best {
				best, at = d, i
			}
		}
		if at < 0 {
			extra++
			continue
		}
		want = slices.Delete(want, at, at+1)
		matched++
		total += math.Exp(best * rootDecay)
	}
	missing -= matched
	if matched > 0 {
		total /= float64(matched)
	}
	score := max(0, total-rootPenalty*float64(missing+extra))
	return scored(score, "%d solutions matched, %d missing, %d too many; closeness %.4g", matched, missing, extra, total)
}

// floatList reads the numbers between commas, passing over what is none.
func floatList(s string) []float64 {
	var list []float64
	for part := range strings.SplitSeq(s, ",") {
		if f, ok := pyFloat(part); ok {
			list = append(list, f)
		}
	}
	slices.SortStableFunc(list, func(a, b float64) int {
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	})
	return list
}
