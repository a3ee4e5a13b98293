package math

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokNumber           // text: the digits as written without separators; node: the value
	tokLetter           // text: a variable
	tokName             // text: a function, constant or operator known by name
	tokSign             // text: an operator or bracket
	tokText             // text: words
	tokUnit             // text: a unit
	tokMoney            // text: a currency, before its amount
)

type token struct {
	kind  tokenKind
	text  string
	node  *Node
	space bool // white space before it
	// comma: a number with commas between groups of three digits, which could
	// also be a list.
	comma bool
}

// dialect is how an ambiguous text is read.
type dialect struct {
	// list reads 100,200 as a list and not as a number.
	list bool
	// decimalComma reads 3,14 as a number.
	decimalComma bool
	// repeat reads 0.(3) as 0.333….
	repeat bool
	// units reads a letter after a number as a unit where it can be one.
	units bool
}

// lexer cuts a text into tokens.
type lexer struct {
	*meter
	dialect
	rest   string
	space  bool
	tokens []token
	depth  int // of \text within \text
	// money: a dollar sign is money, as there is no second one to close it.
	money bool
	// listing: within brackets whose commas separate numbers.
	listing bool
}

// lex cuts the whole of s.
func (l *lexer) lex(s string) {
	l.rest = l.fold(s)
	l.money = strings.Count(l.rest, "$")%2 == 1
	for l.rest != "" {
		l.spend(20)
		l.next()
		if len(l.tokens) > maxNodes {
			panic(errTooLong)
		}
	}
}

func (l *lexer) emit(kind tokenKind, text string) {
	if kind == tokSign {
		l.bracket(text)
	}
	l.tokens = append(l.tokens, token{kind: kind, text: text, space: l.space})
	l.space = false
}

func (l *lexer) last() token {
	if len(l.tokens) == 0 {
		return token{}
	}
	return l.tokens[len(l.tokens)-1]
}

// next reads one token, or passes over what says nothing.
func (l *lexer) next() {
	s := l.rest
	c := s[0]
	switch {
	case (isDigit(c) || 'A' <= c && c <= 'Z') && l.alphanumeral():
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		l.number()
	case c == '\\':
		l.command()
	case isLetter(c):
		l.word()
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '~':
		l.space = true
		l.rest = s[1:]
	case c == '$':
		l.rest = s[1:]
		if !l.money || !l.currency("dollar") {
			l.space = true
		}
	case c < utf8.RuneSelf:
		l.sign()
	default:
		l.unicode()
	}
}

// sign reads ASCII punctuation.
func (l *lexer) sign() {
	s := l.rest
	for _, long := range [...]struct{ text, means string }{
		{"...", "ldots"}, {"<=", "<="}, {">=", ">="}, {"!=", "!="}, {"==", "="}, {"=<", "<="}, {"**", "^"}, {"+/-", "pm"}, {"+-", "pm"}, {"->", "to"},
	} {
		if long.text == "+-" && len(l.tokens) > 0 && l.last().text != "=" {
			continue // 1+-2 is 1 plus -2
		}
		if strings.HasPrefix(s, long.text) {
			l.rest = s[len(long.text):]
			l.emit(tokSign, long.means)
			return
		}
	}
	l.rest = s[1:]
	switch s[0] {
	case '+', '-', '*', '/', '^', '_', '(', ')', '[', ']', '{', '}', '|', '!', ',', ';', ':', '=', '<', '>', '%', '&', '\'':
		l.emit(tokSign, s[:1])
	case '.':
		if strings.TrimSpace(l.rest) != "" { // a full stop at the end says nothing
			l.emit(tokSign, ".")
		}
	case '@', '#', '"', '?', '`':
		l.emit(tokSign, s[:1])
	default:
		l.emit(tokSign, "?") // control characters
	}
}

// runes are characters outside ASCII with what they mean, as LaTeX or ASCII.
var runes = map[rune]string{
	'−': "-", '–': "-", '—': "-", '‐': "-", '‑': "-", '‒': "-", '﹣': "-", '－': "-", '×': "*", '·': "*", '⋅': "*", '∙': "*", '∗': "*", '÷': "/", '∕': "/", '⁄': "/", '＋': "+", '／': "/", '＝': "=", '（': "(", '）': ")", '［': "[", '］': "]", '｛': "{", '｝': "}", '，': ",", '．': ".", '：': ":", '；': ";", '％': "%", '、': ",", '。': " ",
	'√': `\sqrt `, '∛': `\sqrt[3] `, '∜': `\sqrt[4] `, 'π': `\pi `, '∞': `\infty `, 'φ': `\phi `, 'ϕ': `\phi `, 'θ': `\theta `, 'α': `\alpha `, 'β': `\beta `, 'γ': `\gamma `, 'δ': `\delta `, 'ε': `\epsilon `, 'λ': `\lambda `, 'μ': `\mu `, 'σ': `\sigma `, 'ω': `\omega `, 'ρ': `\rho `, 'τ': `\tau `, 'Δ': `\Delta `, 'Ω': `\Omega `, 'ℓ': `\ell `,
	'≤': "<=", '⩽': "<=", '≦': "<=", '≥': ">=", '⩾': ">=", '≧': ">=", '≠': "!=", '≈': `\approx `, '≡': `\equiv `, '∈': `\in `, '∪': `\cup `, '∩': `\cap `, '∖': `\setminus `, '±': `\pm `, '∓': `\mp `, '∅': `\emptyset `, 'Ø': `\emptyset `, 'ø': `\emptyset `,
	'ℝ': `\mathbb{R}`, 'ℤ': `\mathbb{Z}`, 'ℕ': `\mathbb{N}`, 'ℚ': `\mathbb{Q}`, 'ℂ': `\mathbb{C}`, '∑': `\sum `, '∏': `\prod `, '°': `^\circ `, 'º': `^\circ `, '…': `\ldots `, '⋯': `\ldots `, '→': `\to `, '⟨': `\langle `, '⟩': `\rangle `, '⌊': `\lfloor `, '⌋': `\rfloor `, '⌈': `\lceil `, '⌉': `\rceil `, '′': "'", 'ⅈ': "i", 'ⅇ': "e",
	'½': `\frac{1}{2}`, '⅓': `\frac{1}{3}`, '⅔': `\frac{2}{3}`, '¼': `\frac{1}{4}`, '¾': `\frac{3}{4}`, '⅕': `\frac{1}{5}`, '⅖': `\frac{2}{5}`, '⅗': `\frac{3}{5}`, '⅘': `\frac{4}{5}`, '⅙': `\frac{1}{6}`, '⅚': `\frac{5}{6}`, '⅛': `\frac{1}{8}`, '⅜': `\frac{3}{8}`, '⅝': `\frac{5}{8}`, '⅞': `\frac{7}{8}`,
	'€': `\euro `, '£': `\pounds `, '¥': `\yen `, '¢': `\text{cents}`, '∧': `\land `, '∨': `\lor `, '¬': `\neg `, '∣': "|", '｜': "|", '‖': "|", '∠': `\angle `, '△': `\triangle `, '∂': `\partial `, '∫': `\int `, '∘': `\circ `,
}

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ"
const subscripts = "₀₁₂₃₄₅₆₇₈₉"

// unicode reads a word of another script, or a character without a meaning here.
func (l *lexer) unicode() {
	r, n := utf8.DecodeRuneInString(l.rest)
	l.rest = l.rest[n:]
	if unicode.IsLetter(r) {
		l.foreignWord(r)
		return
	}
	l.emit(tokSign, "?")
}

// fold writes characters outside ASCII as the LaTeX or ASCII that means the
// same, in one pass. Letters of other scripts stay.
func (l *lexer) fold(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return s
	}
	l.spend(len(s))
	var b strings.Builder
	for s != "" {
		if s[0] < utf8.RuneSelf {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if text, run := script(s, superscripts, "0123456789+-()ni"); run > 0 {
			b.WriteString("^{" + text + "}")
			s = s[run:]
			continue
		}
		if text, run := script(s, subscripts, "0123456789"); run > 0 {
			b.WriteString("_{" + text + "}")
			s = s[run:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		switch means, known := runes[r]; {
		case known:
			b.WriteString(means)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.Is(unicode.Cf, r): // zero-width characters, byte order mark
		case r >= 'Ａ' && r <= 'Ｚ', r >= 'ａ' && r <= 'ｚ':
			b.WriteRune(r - 'Ａ' + 'A')
		case unicode.Is(unicode.Nd, r):
			b.WriteByte('0' + byte(decimalDigit(r)))
		case r == utf8.RuneError && n == 1:
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// decimalDigit is the value of a decimal digit of any script: they come in runs
// of ten from a character whose code is known by counting back.
func decimalDigit(r rune) int {
	v := 0
	for v < 9 && unicode.Is(unicode.Nd, r-rune(v)-1) {
		v++
	}
	if r >= 0x1D7CE && r <= 0x1D7FF { // mathematical digits: runs of ten side by side
		return int(r-0x1D7CE) % 10
	}
	return v
}

// script reads a run of super- or subscripts.
func script(s, from, to string) (text string, run int) {
	var b strings.Builder
	for run < len(s) {
		r, n := utf8.DecodeRuneInString(s[run:])
		at := strings.IndexRune(from, r)
		if at < 0 || r == utf8.RuneError {
			break
		}
		b.WriteByte(to[utf8.RuneCountInString(from[:at])])
		run += n
	}
	return b.String(), run
}

// foreignWord reads a word of another script as text.
func (l *lexer) foreignWord(first rune) {
	n := 0
	for n < len(l.rest) {
		r, size := utf8.DecodeRuneInString(l.rest[n:])
		if !unicode.IsLetter(r) && !unicode.IsMark(r) {
			break
		}
		n += size
	}
	l.emit(tokText, string(first)+l.rest[:n])
	l.rest = l.rest[n:]
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func letters(s string) int {
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	return n
}
