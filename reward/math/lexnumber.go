package math

import (
	"math/big"
	"strconv"
	"strings"
)

// separators stand between groups of three digits.
var separators = [...]string{"{,}", `{,\!}`, `,\!`, `\,`, `{\,}`, `\!`, `\ `, "\u202f", "\u00a0", "\u2009", " ", ",", "'", "_"}

// number reads a number: digits with separators, decimals, repeating decimals,
// an exponent, or 0x and hexadecimal digits.
func (l *lexer) number() {
	s := l.rest
	if (strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X")) && l.hexadecimal() {
		return
	}
	n := digits(s)
	text, comma := s[:n], false
	if n >= 1 && n <= 3 && s[0] != '0' {
		text, n, comma = l.groups(n)
	}
	l.spend(n / 8)
	fraction := ""
	switch {
	case n < len(s) && s[n] == '.' && n+1 < len(s) && isDigit(s[n+1]):
		d := digits(s[n+1:])
		fraction = s[n+1 : n+1+d]
		n += 1 + d
		n += l.fractionGroups(s[n:], &fraction)
	case l.repeat && strings.HasPrefix(s[n:], ".("):
		n++
	case n < len(s) && s[n] == '.' && repeatLength(s[n+1:]) > 0, n < len(s) && s[n] == '.' && n > 0 && !strings.HasPrefix(s[n:], ".."):
		n++ // 5. and 0.\overline{3}
	case l.decimalComma && !comma && strings.HasPrefix(s[n:], ",") && n > 0:
		if d := digits(s[n+1:]); d > 0 && (text == "0" || n+d > 2) {
			fraction = s[n+1 : n+1+d]
			n += 1 + d
		}
	case l.decimalComma && !comma && strings.HasPrefix(s[n:], "{,}") && n > 0:
		if d := digits(s[n+3:]); d > 0 {
			fraction = s[n+3 : n+3+d]
			n += 3 + d
		}
	}
	decimal := n > 0 && (fraction != "" || s[n-1] == '.')
	value := &Node{Kind: Number, Decimal: fraction != "", Decimals: len(fraction), Value: l.decimalValue(text, fraction)}
	if l.repeat && n > 0 && s[n-1] == '.' || l.repeat && fraction != "" {
		n += l.bracketed(s[n:], value, text, fraction)
	} else if decimal {
		n += l.repeating(s[n:], value, text, fraction)
	}
	if e := exponentLength(s[n:]); e > 0 {
		power, err := strconv.Atoi(s[n+1 : n+e])
		if err != nil || power > maxBits/4 || power < -maxBits/4 {
			panic(errTooLarge)
		}
		l.spend(power * power / 2000)
		value.Value.Mul(value.Value, tenTo(power))
		value.Decimals = max(0, value.Decimals-power)
		value.Decimal = value.Decimal || power < 0
		text = "" // cannot be cut into digits
		n += e
	}
	if fraction != "" || decimal {
		text = ""
	}
	l.emit(tokNumber, text)
	t := &l.tokens[len(l.tokens)-1]
	t.node, t.comma = value, comma
	l.rest = s[n:]
}

// groups reads digits in groups of three; n is the length of the first.
func (l *lexer) groups(n int) (text string, length int, comma bool) {
	s := l.rest
	text, length = s[:n], n
	separator := ""
	for {
		found := ""
		for _, sep := range separators {
			if strings.HasPrefix(s[length:], sep) && (separator == "" || loose(sep) == loose(separator)) {
				rest := s[length+len(sep):]
				pad := 0
				if sep == `,\!` || sep == `{,}` {
					pad = len(rest) - len(strings.TrimLeft(rest, " "))
				}
				if digits(rest[pad:]) == 3 && !(sep == "," && (l.list || l.listing)) && !strings.HasPrefix(rest[pad+3:], `\frac`) && !(sep == " " && strings.HasPrefix(rest[pad+3:], "/")) {
					found = s[length : length+len(sep)+pad]
					break
				}
			}
		}
		if found == "" {
			return text, length, comma
		}
		separator = strings.TrimRight(found, " ")
		if separator == "" {
			separator = " "
		}
		comma = comma || found == ","
		length += len(found)
		text += s[length : length+3]
		length += 3
		l.spend(20 + len(text)/8)
	}
}

// bracket notes whether the brackets that sign opens hold numbers between commas,
// so that {99,100,101} has three members and (1,234) is a point. Brackets after a
// factor or a function are not asked, nor are those that write some commas with
// a space and others without: {1,000, 2,000}.
func (l *lexer) bracket(sign string) {
	switch sign {
	case ")", "]", "}}":
		l.listing = false
	case "(", "[", "{{":
		before := l.last()
		begins := before.kind == tokEnd || before.kind == tokSign && (before.text == "=" || before.text == "," || before.text == "in" || before.text == "cup")
		content := l.rest[:len(l.rest)-len(strings.TrimLeft(l.rest, "0123456789,.- "))]
		l.spend(len(content) / 8)
		closing := l.rest[len(content):]
		closes := strings.HasPrefix(closing, ")") || strings.HasPrefix(closing, "]") || strings.HasPrefix(closing, `\}`) || strings.HasPrefix(closing, `\right`)
		l.listing = closes && (begins || sign == "{{") && !strings.Contains(content, ", ")
	}
}

// loose tells separators that may be mixed within one number: all that are
// typeset as commas, and all that are typeset as spaces.
func loose(sep string) bool { return strings.Contains(sep, ",") && sep != `\,` && sep != `{\,}` }

// fractionGroups reads thin spaces between groups of decimals.
func (l *lexer) fractionGroups(s string, fraction *string) int {
	n := 0
	for len(*fraction)%3 == 0 && strings.HasPrefix(s[n:], `\,`) {
		d := digits(s[n+2:])
		if d == 0 || d > 3 {
			break
		}
		*fraction += s[n+2 : n+2+d]
		n += 2 + d
	}
	return n
}

func exponentLength(s string) int {
	if s == "" || s[0]|0x20 != 'e' {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '-' || s[n] == '+') {
		n++
	}
	d := digits(s[n:])
	if d == 0 || n+d < len(s) && isLetter(s[n+d]) {
		return 0
	}
	return n + d
}

// decimalValue makes a number of digits.
func (l *lexer) decimalValue(whole, fraction string) *big.Rat {
	n := len(whole) + len(fraction)
	if n*10/3 > maxBits {
		panic(errTooLarge)
	}
	l.spend(30 + n*n/600)
	if n <= 18 {
		v, _ := strconv.ParseInt(whole+fraction, 10, 64)
		if fraction == "" {
			return new(big.Rat).SetInt64(v)
		}
		d := int64(1)
		for range fraction {
			d *= 10
		}
		return big.NewRat(v, d)
	}
	v, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		panic(errUndefined)
	}
	r := new(big.Rat).SetInt(v)
	if fraction != "" {
		l.spend(len(fraction) * len(fraction) / 300)
		r.Mul(r, tenTo(-len(fraction)))
	}
	return r
}

func tenTo(power int) *big.Rat {
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
	if power < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), p)
	}
	return new(big.Rat).SetInt(p)
}

// repeatLength is the length of a mark over repeating decimals at the beginning
// of s, 0 if there is none: \overline{3}, \bar{3}, \dot{3}, \overline 3.
func repeatLength(s string) int {
	for _, name := range [...]string{`\overline`, `\bar`, `\dot`, `\widebar`} {
		rest, ok := strings.CutPrefix(s, name)
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if rest != "" && isDigit(rest[0]) {
			return len(s) - len(rest) + 1
		}
		if strings.HasPrefix(rest, "{") {
			if d := digits(rest[1:]); d > 0 && strings.HasPrefix(rest[1+d:], "}") {
				return len(s) - len(rest) + d + 2
			}
		}
	}
	return 0
}

// repeating reads what makes decimals repeat for ever: a bar over the next
// digits, or dots after digits that repeat at least twice (three times for one
// digit), as in 0.333... or 0.142857142857....
func (l *lexer) repeating(s string, value *Node, whole, fraction string) int {
	n := repeatLength(s)
	block := ""
	switch {
	case n > 0:
		block = strings.TrimFunc(s[:n], func(r rune) bool { return r < '0' || r > '9' })
		// \dot{1}\dot{2}: each dotted digit is of the block.
		for m := repeatLength(s[n:]); m > 0 && strings.HasPrefix(s, `\dot`); m = repeatLength(s[n:]) {
			block += strings.TrimFunc(s[n:n+m], func(r rune) bool { return r < '0' || r > '9' })
			n += m
		}
	default:
		for _, dots := range [...]string{"...", `\ldots`, `\dots`, `\cdots`, "…"} {
			if strings.HasPrefix(s, dots) {
				n = len(dots)
			}
		}
		if n == 0 {
			return 0
		}
		if block = period(fraction); block == "" {
			panic(&trouble{reason: "decimals that go on without a pattern"})
		}
		fraction = strings.TrimSuffix(fraction, block)
	}
	l.repeatFor(value, whole, fraction, block)
	return n
}

// bracketed reads the decimals in brackets that repeat for ever.
func (l *lexer) bracketed(s string, value *Node, whole, fraction string) int {
	if !strings.HasPrefix(s, "(") {
		return 0
	}
	d := digits(s[1:])
	if d == 0 || !strings.HasPrefix(s[1+d:], ")") {
		return 0
	}
	l.repeatFor(value, whole, fraction, s[1:1+d])
	return d + 2
}

// repeatFor gives value the digits of block for ever after whole.fraction.
func (l *lexer) repeatFor(value *Node, whole, fraction, block string) {
	if len(block) > 1000 {
		panic(errTooLarge)
	}
	tail := l.decimalValue("0", block)
	// 0.[block] for ever is block / (10^len - 1), here from digit len(fraction) on.
	nines := new(big.Rat).Sub(tenTo(len(block)), big.NewRat(1, 1))
	tail.Mul(tail, tenTo(len(block)))
	tail.Quo(tail, nines)
	tail.Mul(tail, tenTo(-len(fraction)))
	value.Value = tail.Add(tail, l.decimalValue(whole, fraction))
	value.Decimal, value.Decimals = false, 0
}

// period is the block that repeats at the end of the decimals, "" if none does.
func period(fraction string) string {
	for size := 1; size <= len(fraction)/2 && size <= 50; size++ {
		block := fraction[len(fraction)-size:]
		times := 2
		if size == 1 {
			times = 3
		}
		if strings.HasSuffix(fraction, strings.Repeat(block, times)) {
			return block
		}
	}
	return ""
}

const alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// alphanumeral reads digits of which some are letters, before a base above ten:
// 4C_{16}. One letter alone is a variable with an index.
func (l *lexer) alphanumeral() bool {
	s := l.rest
	n := len(s) - len(strings.TrimLeft(s, alphanumerics))
	if n < 2 || n > 1000 || digits(s) == n || !strings.HasPrefix(s[n:], "_") {
		return false
	}
	script := strings.TrimLeft(s[n+1:], "{ ")
	base, err := strconv.Atoi(script[:digits(script)])
	if err != nil || base < 11 || base > 36 {
		return false
	}
	if _, ok := new(big.Int).SetString(s[:n], base); !ok {
		return false
	}
	l.emit(tokNumber, s[:n])
	l.tokens[len(l.tokens)-1].node = &Node{Kind: Number, Value: new(big.Rat)}
	l.rest = s[n:]
	return true
}

func (l *lexer) hexadecimal() bool {
	s := l.rest[2:]
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'f') {
		n++
	}
	if n == 0 || n > 1000 || n < len(s) && isLetter(s[n]) {
		return false
	}
	v, ok := new(big.Int).SetString(s[:n], 16)
	if !ok {
		return false
	}
	l.emit(tokNumber, "")
	l.tokens[len(l.tokens)-1].node = &Node{Kind: Number, Value: new(big.Rat).SetInt(v)}
	l.rest = s[n:]
	return true
}
