package math

import (
	"regexp"
	"strings"
)

// Answers that are said, not computed: the letter of a choice, a time of day,
// words.

const (
	stageChoice = "letter of a choice"
	stageTime   = "time of day"
)

// maxSaid is the longest gold, in bytes, that can be one of them.
const maxSaid = 200

// said decides them; decided is false where mathematics must.
func said(gold, answer string) (r Result, decided bool) {
	if len(gold) > maxSaid || len(answer) > 4*maxSaid {
		return r, false
	}
	g := saying(gold)
	if g == "" || strings.IndexByte(g, '\\') >= 0 {
		return r, false
	}
	a := saying(answer)
	verdict := func(equal bool, stage string) (Result, bool) {
		r := Result{Outcome: Different, Stage: stage, Why: quote(a) + " and " + quote(g), Gold: g, Answer: clipped(a)}
		if equal {
			r.Outcome = Equal
		}
		return r, true
	}
	if letter, ok := goldChoice(g); ok {
		if other, ok := choice(a); ok {
			return verdict(letter == other, stageChoice)
		}
		return r, false
	}
	if t, ok := clock(g); ok && (t.half != "" || !t.reduced()) {
		other, ok := clock(a)
		half := t.half == other.half || t.half == "" || other.half == ""
		return verdict(ok && t.hour == other.hour && t.minute == other.minute && half, stageTime)
	}
	if wordy(g) && strings.EqualFold(g, a) {
		return verdict(true, stageText)
	}
	return r, false
}

// plainer takes the commands off that only lay words out.
var plainer = strings.NewReplacer(`\textbf`, "", `\textit`, "", `\textrm`, "", `\textsf`, "", `\text`, "", `\mathrm`, "", `\mathbf`, "", `\mathit`, "", `\operatorname`, "", `\mbox`, "", `\boxed`, "", `\left`, "", `\right`, "", `\quad`, " ", `\,`, " ", `\ `, " ", `\!`, "", `\;`, " ", "{:}", ":", "{", "", "}", "", "$", "", "~", " ", "**", "", `"`, "")

// saying is a text without the commands that only lay out; "" for a number.
func saying(s string) string {
	if c := s[0]; isDigit(c) && strings.IndexByte(s, ':') < 0 || c == '-' {
		return ""
	}
	return strings.Trim(strings.Join(strings.Fields(plainer.Replace(s)), " "), " .")
}

// goldChoice is the letter of a gold that is one: C, (C), C).
func goldChoice(s string) (letter byte, ok bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "("), ")")
	if len(s) != 1 || s[0] < 'A' || s[0] > 'J' {
		return 0, false
	}
	return s[0], true
}

var (
	announced = regexp.MustCompile(`(?i)^(?:the )?(?:correct |final )?(?:answer|option|choice)(?: is)?:? ?(?:option |choice )?`)
	lettered  = regexp.MustCompile(`^(?:\(([A-Ja-j])\)|([A-Ja-j])[.):])(?: (.*)|)$`)
	another   = regexp.MustCompile(`(?i)\b(?:and|or)\b|\([A-J]\)|\b[A-J]\)`)
)

// choice finds the one letter that an answer chooses, with or without the text of
// the option: C, (c), C. twelve, Option C.
func choice(s string) (letter byte, ok bool) {
	s = s[len(announced.FindString(s)):]
	if len(s) == 1 && isLetter(s[0]) {
		return s[0] &^ 0x20, true
	}
	m := lettered.FindStringSubmatch(s)
	if m == nil || another.MatchString(m[3]) {
		return 0, false
	}
	return (m[1] + m[2])[0] &^ 0x20, true
}

// moment is a time of day; half is "a", "p" or "" if it is not said.
type moment struct {
	hour, minute string
	half         string
}

var clockFace = regexp.MustCompile(`(?i)^(\d{1,2}) ?: ?(\d\d)(?: ?([ap])\.? ?m\.?)?$`)

func clock(s string) (t moment, ok bool) {
	m := clockFace.FindStringSubmatch(s)
	if m == nil || m[1] > "24" && len(m[1]) == 2 || m[2] > "59" {
		return t, false
	}
	return moment{strings.TrimPrefix(m[1], "0"), m[2], strings.ToLower(m[3])}, true
}

// reduced reports whether hour and minute have no common factor, as the parts of
// a ratio in lowest terms.
func (t moment) reduced() bool {
	value := func(s string) (v int64) {
		for _, c := range s {
			v = 10*v + int64(c-'0')
		}
		return v
	}
	return gcd64(value(t.hour), value(t.minute)) == 1 && t.minute[0] != '0'
}

// wordy reports whether a text is words rather than variables: its words have
// three letters or more and name no function.
func wordy(s string) bool {
	if sayings[strings.ToLower(s)] {
		return true
	}
	words := 0
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,.'-0123456789", r) }) {
		if n := letters(word); n < len(word) || n > 1 && functions[word] != "" {
			return false
		}
		if len(word) > 2 {
			words++
		}
	}
	return words > 0
}
