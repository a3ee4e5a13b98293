package reward

import (
	"strings"
	"unicode/utf8"
)

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }

// digitRun is the number of digits at the beginning of s.
func digitRun(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// scanDecimal is the length of the unsigned decimal number at the beginning of
// s, 0 if there is none: 12, 1,234,567, 3.14, .5, 6e-7. A comma separates
// thousands only if exactly three digits follow it.
func scanDecimal(s string) int {
	n := digitRun(s)
	if n > 0 && n <= 3 && s[0] != '0' {
		for n < len(s) && s[n] == ',' && digitRun(s[n+1:min(len(s), n+5)]) == 3 {
			n += 4
		}
	}
	if n < len(s) && s[n] == '.' {
		if d := digitRun(s[n+1:]); d > 0 {
			n += 1 + d
		}
	}
	if n == 0 {
		return 0
	}
	return n + scanExponent(s[n:])
}

// scanExponent is the length of an exponent such as e-7, 0 if there is none.
func scanExponent(s string) int {
	if s == "" || s[0]|0x20 != 'e' {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '-' || s[n] == '+') {
		n++
	}
	d := digitRun(s[n:])
	if d == 0 || n+d < len(s) && isLetter(s[n+d]) {
		return 0
	}
	return n + d
}

// minusSigns are the characters that are read as a minus before a digit.
var minusSigns = [...]string{"-", "\u2212", "\u2013"}

// lastNumber finds the last number in s, in one pass over the word with the
// last digit.
func lastNumber(s string) (string, bool) {
	last := strings.LastIndexAny(s, "0123456789")
	if last < 0 {
		return "", false
	}
	s = s[strings.LastIndexAny(s[:last], " \t\r\n")+1:] // no number reaches over white space
	start, end, found := 0, 0, false
	for i := 0; i < len(s); {
		if !isDigit(s[i]) && (s[i] != '.' || i > 0 && (isDigit(s[i-1]) || isLetter(s[i-1]))) {
			i++
			continue
		}
		n := scanDecimal(s[i:])
		if n == 0 {
			i++
			continue
		}
		start, found = i-signBefore(s[:i]), true
		i += n
		i += scanTail(s[i:])
		end = i
	}
	return s[start:end], found
}

// signBefore is the length of the sign that ends s and belongs to a number
// after it: none if it stands between two operands, as in 3-5.
func signBefore(s string) int {
	for _, sign := range [...]string{minusSigns[0], minusSigns[1], minusSigns[2], "+"} {
		rest, ok := strings.CutSuffix(s, sign)
		if !ok {
			continue
		}
		if rest != "" {
			last := rest[len(rest)-1]
			if isDigit(last) || isLetter(last) || strings.IndexByte(")]}.%", last) >= 0 {
				return 0
			}
		}
		return len(sign)
	}
	return 0
}

// scanTail is the length of what may follow a decimal number: a denominator
// and a percent sign.
func scanTail(s string) int {
	n := 0
	if strings.HasPrefix(s, "/") {
		if d := scanDecimal(s[1:]); d > 0 {
			n = 1 + d
		}
	}
	for _, percent := range [...]string{"%", `\%`, " %", ` \%`} {
		if strings.HasPrefix(s[n:], percent) {
			return n + len(percent)
		}
	}
	return n
}

// isWord is true for what white space keeps apart; the zero byte, nothing
// written yet, is none.
func isWord(c byte) bool { return isDigit(c) || isLetter(c) || c >= utf8.RuneSelf }

// matching is the place of the bracket that closes the one s begins with, of
// any kind; -1 if there is none.
func matching(s string) int {
	depth := 0
	for i := range len(s) {
		depth += nesting(s[i])
		if depth == 0 {
			return i
		}
	}
	return -1
}

// nesting is +1 for an opening bracket and -1 for a closing one.
func nesting(c byte) int {
	switch c {
	case '(', '[', '{':
		return 1
	case ')', ']', '}':
		return -1
	}
	return 0
}
