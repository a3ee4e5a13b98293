package math

import (
	"math/big"
	"strings"
)

// Words that count or that stand for a sign.

// currencies by their commands.
var currencies = map[string]string{"dollar": "dollar", "textdollar": "dollar", "euro": "euro", "texteuro": "euro", "pounds": "pound sterling", "textsterling": "pound sterling", "yen": "yen", "textyen": "yen"}

// signWords are words that stand for a sign.
var signWords = map[string]string{"percent": "%", "pct": "%", "%": "%", `\%`: "%", "per cent": "%", "degrees": "degree", "degree": "degree", "deg": "degree", "mod": "bmod", "modulo": "bmod"}

// domainWords are words for a set of numbers.
var domainWords = map[string]string{
	"all real numbers": "R", "all reals": "R", "all real": "R", "all real x": "R", "all real number": "R", "all real values": "R", "all real values of x": "R", "real numbers": "R", "the real numbers": "R", "the set of all real numbers": "R", "the set of real numbers": "R", "any real number": "R",
	"all integers": "Z", "the integers": "Z", "integers": "Z", "all rational numbers": "Q", "all natural numbers": "N", "all complex numbers": "C",
}

// numberWords are numbers in words.
var numberWords = map[string]string{
	"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
	"one half": "1/2", "one-half": "1/2", "one third": "1/3", "one-third": "1/3", "two thirds": "2/3", "two-thirds": "2/3", "one fourth": "1/4", "one-fourth": "1/4", "one quarter": "1/4", "one-quarter": "1/4", "three quarters": "3/4", "three-quarters": "3/4", "three fourths": "3/4", "three-fourths": "3/4",
}

// multiples are words that multiply the number before them.
var multiples = map[string]int64{"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000, "trillion": 1_000_000_000_000, "dozen": 12}

// twisting words change what a number before them says: no label holds one.
var twisting = map[string]bool{
	"not": true, "no": true, "less": true, "more": true, "than": true, "fewer": true, "or": true, "and": true, "over": true, "under": true, "squared": true, "cubed": true, "half": true, "halves": true, "third": true, "thirds": true, "quarter": true, "quarters": true, "fourths": true, "fifths": true, "sixths": true, "eighths": true, "tenths": true, "hundredths": true, "thousandths": true,
	"factorial": true, "mod": true, "modulo": true, "base": true, "times": true, "plus": true, "minus": true, "if": true, "when": true, "unless": true, "wrong": true, "false": true, "incorrect": true, "approximately": true, "about": true, "to": true, "by": true, "choose": true, "divided": true, "where": true, "for": true, "greater": true, "percent": true, "but": true, "is": true, "are": true, "maybe": true, "at": true, "least": true, "most": true,
}

// sayings are answers that would else be variables side by side.
var sayings = map[string]bool{"yes": true, "no": true, "none": true, "true": true, "false": true, "even": true, "odd": true}

func twists(label string) bool {
	for _, word := range strings.Fields(label) {
		if twisting[strings.Trim(word, ".,;:!?()")] || multiples[word] != 0 {
			return true
		}
	}
	return false
}

// spelled is a number in words as digits: five, forty-two; "" if it is none.
func spelled(word string) string {
	tens, unit, hyphen := strings.Cut(word, "-")
	if v := numberWords[word]; v != "" || !hyphen {
		return v
	}
	t, u := numberWords[tens], numberWords[unit]
	if len(t) != 2 || t[0] < '2' || len(u) != 1 || u == "0" {
		return ""
	}
	return t[:1] + u
}

// numberWord emits a number that was written in words.
func (l *lexer) numberWord(value string) {
	l.emit(tokNumber, "")
	t := &l.tokens[len(l.tokens)-1]
	t.node = &Node{Kind: Number, Value: rat(value)}
	if t.node.Value.IsInt() {
		t.text = value
	}
}

// counted reads "million" and "million dollars" after a number, and "three
// hours" for 3 h.
func (l *lexer) counted(first, rest string, number bool) bool {
	switch {
	case number && multiples[first] != 0:
		l.emit(tokSign, "*")
		l.emit(tokNumber, "")
		l.tokens[len(l.tokens)-1].node = &Node{Kind: Number, Value: new(big.Rat).SetInt64(multiples[first])}
	case !number && spelled(first) != "" && rest != "" && (!twists(rest) || multiples[rest] != 0):
		l.numberWord(spelled(first))
	default:
		return false
	}
	if rest != "" {
		l.words(rest)
	}
	return true
}

// afterValue reports whether a unit can come next: after a number, or after a
// unit and a sign.
func (l *lexer) afterValue() bool {
	last := l.last()
	if last.kind == tokNumber || last.kind == tokUnit || last.kind == tokSign && last.text == "}" {
		return true
	}
	return last.kind == tokSign && (last.text == "/" || last.text == "*") && len(l.tokens) > 1 && l.tokens[len(l.tokens)-2].kind == tokUnit
}

// letterList reports whether words are single letters joined by "and" or "or".
func letterList(s string) bool {
	letters := 0
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		switch {
		case len(word) == 1 && isLetter(word[0]):
			letters++
		case word != "and" && word != "or":
			return false
		}
	}
	return letters > 1
}
