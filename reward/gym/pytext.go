package gym

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The package's scorers lean on Python's idea of text. These functions have the
// same one.

// isPySpace is str.isspace for one character.
func isPySpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

func pyStrip(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || !isSeparator(s[0]) && !isSeparator(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, isPySpace)
}
func pyRstrip(s string) string { return strings.TrimRightFunc(s, isPySpace) }

func pyFields(s string) []string {
	for i := range len(s) {
		if isSeparator(s[i]) {
			return strings.FieldsFunc(s, isPySpace)
		}
	}
	return strings.Fields(s)
}

// isSeparator is white space to Python but not to Go.
func isSeparator(c byte) bool { return 0x1c <= c && c <= 0x1f }

// pyLines is str.splitlines.
func pyLines(s string) []string {
	lines := strings.FieldsFunc(strings.ReplaceAll(s, "\r\n", "\n"), func(r rune) bool {
		switch r {
		case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			return true
		}
		return false
	})
	return lines // blank lines are of no interest to any caller
}

// rstripLines takes trailing white space from each line.
func rstripLines(s string) string {
	if !strings.Contains(s, "\n") {
		return pyRstrip(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for line := range strings.SplitSeq(s, "\n") {
		b.WriteString(pyRstrip(line))
		b.WriteByte('\n')
	}
	return b.String()[:b.Len()-1]
}

// digitOf is the value of a decimal digit of any script, -1 for other characters.
func digitOf(r rune) int {
	if '0' <= r && r <= '9' {
		return int(r - '0')
	}
	if r < utf8.RuneSelf || !unicode.Is(unicode.Nd, r) {
		return -1
	}
	// Unicode assigns digits in runs of ten.
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return int(r-rune(t.Lo)) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return int(r-rune(t.Lo)) % 10
		}
	}
	return -1
}

// asciiDigits rewrites digits of all scripts, "" if s holds any other character
// outside ASCII.
func asciiDigits(s string) string {
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			continue
		}
		return strings.Map(func(r rune) rune {
			if d := digitOf(r); d >= 0 {
				return rune('0' + d)
			}
			if r >= utf8.RuneSelf {
				return 'x' // in no number
			}
			return r
		}, s)
	}
	return s
}

// withoutUnderscores drops the underscores that Python allows between digits.
func withoutUnderscores(s string) (string, bool) {
	if strings.IndexByte(s, '_') < 0 {
		return s, true
	}
	isDigit := func(i int) bool { return i >= 0 && i < len(s) && '0' <= s[i] && s[i] <= '9' }
	for i := range len(s) {
		if s[i] == '_' && (!isDigit(i-1) || !isDigit(i+1)) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

// maxDigits is Python's bound on the digits of an int.
const maxDigits = 4300

// wholeNumber is int(s) of Python; a number outside 64 bits saturates.
func wholeNumber(s string) (int, bool) {
	if n := smallNumber(s); n >= 0 {
		return n, true
	}
	s, ok := withoutUnderscores(asciiDigits(pyStrip(s)))
	digits := strings.TrimLeft(s, "+-")
	if !ok || digits == "" || len(s)-len(digits) > 1 || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil && n == 0 {
		return 0, false
	}
	return n, true
}

// pyFloat is float(s) of Python; what is beyond its range is infinite.
func pyFloat(s string) (float64, bool) {
	s, ok := withoutUnderscores(asciiDigits(pyStrip(s)))
	if !ok || strings.ContainsAny(s, "xXpP") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && f == 0 {
		return 0, false
	}
	return f, true
}

// quoted shows a piece of untrusted text within a reason.
type quoted string

func quote(s string) quoted { return quoted(s) }

func (q quoted) String() string {
	const most = 40
	s := string(q)
	if len(s) > most {
		end := most
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "…"
	}
	return strconv.Quote(s)
}

// scored is a result with its reason, whose arguments must not change later.
func scored(score float64, format string, args ...any) Result {
	return Result{Score: score, format: format, args: args}
}

// badEntry is the result on an entry that cannot be graded.
func badEntry(err error) Result { return Result{Bad: err} }

// badEntryf is badEntry with an error of its own.
func badEntryf(format string, args ...any) Result { return Result{Bad: fmt.Errorf(format, args...)} }
