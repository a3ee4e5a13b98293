package reward

import (
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// label is an answer that begins with an option's letter.
type label struct {
	letter letters // none if the answer begins otherwise
	rest   string  // what follows the letter
	loose  bool    // the letter begins a sentence: "B because …"
}

// leads are words before the letter that say nothing.
var leads = regexp.MustCompile(`^(?i:(?:so|the|my|correct|final|best|right|option|choice|answer|letter|is|=)\b:? ?|[:=] ?)+`)

// heads are the forms in which a letter begins an answer; what follows is the rest.
var heads = []struct {
	form  *regexp.Regexp
	loose bool
}{
	{regexp.MustCompile(`^[(\[]?([A-Za-z])[)\].:,;]*$`), false},
	{regexp.MustCompile(`^[(\[]([A-Za-z])[)\]][.:,]? ?`), false},
	{regexp.MustCompile(`^([A-Za-z])\)[.:]? ?`), false},
	{regexp.MustCompile(`^([A-Z])[.:] `), false},
	{regexp.MustCompile(`^([A-Z]) ?(?:[,;/&+|-]|\p{Pd})`), true},
	{regexp.MustCompile(`^([A-Z]) (?:is|because|since|as|or|and|but)\b`), true},
	{regexp.MustCompile(`^([A-Z])(?: [A-Z])+\.?$`), true}, // A B C D
}

// readLabel reads a text that plainChoice has prepared.
func readLabel(plain string) label {
	for _, text := range [...]string{plain, leads.ReplaceAllString(plain, "")} {
		for _, h := range heads {
			if m := h.form.FindStringSubmatchIndex(text); m != nil {
				at := m[1]
				if h.loose {
					at = m[3] // the word after the letter is part of the rest
				}
				if h.loose && denied.MatchString(text[at:]) {
					return label{}
				}
				return label{letterAt(text[m[2]]), strings.TrimSpace(text[at:]), h.loose}
			}
		}
	}
	return label{}
}

// others are further options that the rest names: listed after a letter, each
// with a label of its own, or as an alternative.
func (l label) others() (found letters) {
	if listed.MatchString(l.rest) {
		for _, m := range single.FindAllString(l.rest, -1) {
			found |= letterAt(m[0])
		}
	}
	if m := joined.FindStringSubmatch(l.rest); m != nil {
		found |= letterAt(m[1][0])
	}
	if l.loose {
		for _, m := range alternative.FindAllStringSubmatch(l.rest, -1) {
			found |= letterAt(m[1][0])
		}
	}
	return found | labels(l.rest, false)
}

var (
	// listed is a rest of nothing but letters and what joins them.
	listed = regexp.MustCompile(`^(?i:[\s,;/&+|().:\[\]-]|\b(?:or|and|option|[a-z])\b)+$`)
	single = regexp.MustCompile(`\b[A-Za-z]\b`)
	// joined is a rest that goes on with a further letter: "or C, I think".
	joined = regexp.MustCompile(`^(?i:[,;/&+|]|or\b|and\b)[\s,]*(?i:(?:or|and|option|maybe|possibly|perhaps)\s+)*[(\[]?([A-Z])(?:[\s)\].,;:/&+|]|$)`)
	// alternative is a further letter anywhere in a sentence.
	alternative = regexp.MustCompile(`\b(?i:or|and|also|maybe|possibly|perhaps)\s+(?i:option\s+)?[(\[]?([A-Z])(?:[\s)\].,;:]|$)`)

	inBrackets = regexp.MustCompile(`(?:^|[\s,;/&:])[(\[]([A-Z])[)\]]`)
	withPoint  = regexp.MustCompile(`(?:^|[\s,;/&:])([A-Z])(?:[.:]\s|\)|[.:]$)`)
)

// labels are the letters that stand in a text as labels do: (B) and, unless only
// brackets count, B. and B).
func labels(text string, onlyBrackets bool) (found letters) {
	forms := []*regexp.Regexp{inBrackets, withPoint}
	if onlyBrackets {
		forms = forms[:1]
	}
	for _, form := range forms {
		for _, m := range form.FindAllStringSubmatch(text, -1) {
			found |= letterAt(m[1][0])
		}
	}
	return found
}

// denied is what follows the letter of an option that is ruled out.
var denied = regexp.MustCompile(`^ (?i:is (?:not|wrong|incorrect|false|never|clearly not|clearly wrong|out))\b`)

// maxChoice is how much of an answer is looked at, in bytes: an option with its
// text is shorter.
const maxChoice = 4096

// markup is what an option's letter may be dressed in.
var markup = strings.NewReplacer(
	`\textbf`, "", `\text`, "", `\mathrm`, "", `\mathbf`, "", `\mathsf`, "", `\rm`, "", `\bf`, "", `\boxed`, "", `\left`, "", `\right`, "",
	`\(`, "", `\)`, "", `\[`, "", `\]`, "", `\ `, " ", `\,`, " ", "$", "", "{", "", "}", "", "*", "", "_", "", "`", "", `"`, "", "“", "", "”", "", "'", "",
)

// plainChoice takes markup off an answer, folds typographic letters (full width,
// circled) and makes white space single.
func plainChoice(s string) string {
	s = markup.Replace(norm.NFKC.String(strings.ToValidUTF8(s[:min(len(s), maxChoice)], "\ufffd")))
	return strings.Join(strings.Fields(s), " ")
}

// optionText prepares an option's text for comparison: what it says must stay
// apart, so only what surrounds the whole goes.
func optionText(s string) string {
	s = strings.Join(strings.Fields(norm.NFC.String(strings.ToValidUTF8(s[:min(len(s), maxChoice)], "\ufffd"))), " ")
	for {
		before := s
		s = strings.TrimSpace(strings.Trim(s, "$*`\"“”"))
		if inside, ok := strings.CutPrefix(s, `\text{`); ok && matching("{"+inside) == len(inside) {
			s = inside[:len(inside)-1]
		}
		s = strings.TrimSuffix(s, ".")
		if s == before {
			return s
		}
	}
}
