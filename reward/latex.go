package reward

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// dropped are commands that change how an answer looks and not what it says.
var dropped = map[string]bool{
	"left": true, "right": true, "big": true, "Big": true, "bigl": true, "bigr": true, "Bigl": true, "Bigr": true,
	"displaystyle": true, "textstyle": true, "boxed": true, "fbox": true,
	",": true, "!": true, "$": true, "(": true, ")": true, "[": true, "]": true,
}

// spaces are commands that say no more than white space does. \, and \! are
// not among them: they stand within numbers.
var spaces = map[string]bool{"quad": true, "qquad": true, ";": true, ":": true, ">": true, " ": true}

// renamed are commands with another name for the same thing.
var renamed = map[string]string{
	"dfrac": `\frac`, "tfrac": `\frac`, "cfrac": `\frac`, "%": "%", "lbrace": `\{`, "rbrace": `\}`,
}

// canonical rewrites an answer so that the same answer is more often the same
// text: dollar signs, spacing and sizing commands, a full stop at the end and
// braces around the whole are removed, \dfrac becomes \frac, typographic minus
// signs become ASCII, and white space stays only between letters or digits and
// after a comma before a digit, where it tells 1, 234 from 1,234.
// \text and units are left alone. Time is linear in s.
func canonical(s string) string {
	c := canonicaliser{}
	c.out.Grow(len(s))
	for s != "" {
		s = c.step(s)
	}
	text := c.out.String()
	if len(text) > 1 {
		text = strings.TrimSuffix(text, ".")
	}
	return unbraced(text)
}

type canonicaliser struct {
	out   strings.Builder
	last  byte // last byte written
	space bool // white space since then
	named bool // what was written last is a command's name
}

// step reads one command or character of s and gives what is left.
func (c *canonicaliser) step(s string) string {
	switch s[0] {
	case '\\':
		return c.command(s[1:])
	case '$', '~':
		c.space = true
		return s[1:]
	case '{':
		if rest, ok := strings.CutPrefix(s, "{,}"); ok {
			return c.comma(rest)
		}
	case ',':
		if rest, ok := strings.CutPrefix(s, `,\!`); ok {
			return c.comma(strings.TrimLeft(rest, " "))
		}
	}
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case unicode.IsSpace(r):
		c.space = true
	case s[:n] == minusSigns[1] || s[:n] == minusSigns[2]:
		c.write("-")
	default:
		c.write(s[:n])
	}
	return s[n:]
}

// comma reads a comma that is typeset without space: between digits it
// separates thousands and goes.
func (c *canonicaliser) comma(rest string) string {
	if !isDigit(c.last) || rest == "" || !isDigit(rest[0]) {
		c.write(",")
	}
	return rest
}

// command reads the command whose name begins s.
func (c *canonicaliser) command(s string) string {
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	if n == 0 && s != "" {
		_, n = utf8.DecodeRuneInString(s)
	}
	name, rest := s[:n], s[n:]
	if (name == "left" || name == "right") && strings.HasPrefix(rest, ".") {
		rest = rest[1:] // a delimiter that is not drawn
	}
	switch other, ok := renamed[name]; {
	case dropped[name]:
		return rest
	case spaces[name]:
		c.space = true
		return rest
	case ok:
		c.write(other)
	default:
		c.write(`\` + name)
	}
	c.named = isLetter(c.last)
	c.space = c.named // \pi r must not become \pir
	return rest
}

// write puts text out, with a space before it if it matters there.
func (c *canonicaliser) write(text string) {
	switch {
	case !c.space || c.named && isDigit(text[0]):
	case isWord(c.last) && isWord(text[0]), c.last == ',' && isDigit(text[0]):
		c.out.WriteByte(' ')
	}
	c.space, c.named = false, false
	c.out.WriteString(text)
	c.last = text[len(text)-1]
}

// isWord is true for what white space keeps apart; the zero byte, nothing
// written yet, is none.
func isWord(c byte) bool { return isDigit(c) || isLetter(c) || c >= utf8.RuneSelf }

// unbraced removes braces that enclose the whole text.
func unbraced(s string) string {
	for range maxNesting {
		if len(s) < 2 || s[0] != '{' || matching(s) != len(s)-1 {
			return s
		}
		s = s[1 : len(s)-1]
	}
	return s
}

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
