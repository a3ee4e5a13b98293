package reward

import "strings"

// lastBox reads the box that was opened last, of \boxed{…} and \fbox{…}, braces
// nested; of a box in a box, the inner one. Without braces a box holds what
// follows it if that is a number, a command or a capital letter: \boxed 204$.
//
// A box that is never closed holds nothing. Where one is opened after a complete
// one, the response was cut short while it answered again: if the two agree as
// far as the open one goes, the complete one stands, and if not, the response
// was changing its answer and has none.
func lastBox(s string) (string, bool) {
	s = s[firstBox(s):] // braces before it do not matter, and are most of the text
	var b boxes
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i += b.command(s, i)
		case '{':
			b.depth++
		case '}':
			b.close(i)
		}
	}
	return b.last(s)
}

// boxes is the state of one pass over a text.
type boxes struct {
	depth int      // of braces
	open  []opened // boxes not closed yet
	best  opened   // the complete box that was opened last
	end   int      // of best
	found bool
}

type opened struct{ depth, start int }

// command looks at the backslash at s[i] and says how many more bytes to pass.
func (b *boxes) command(s string, i int) int {
	n, braced := boxLength(s[i:])
	switch {
	case n > 0 && braced:
		b.depth++
		b.open = append(b.open, opened{b.depth, i + n})
		return n - 1 // at the brace
	case n > 0:
		if length := bareLength(s[i+n:]); length > 0 {
			b.take(opened{0, i + n}, i+n+length)
		}
		return n - 1
	}
	if n, _ := boxLength(s[i+1:]); n == 0 {
		return 1 // an escaped brace is none; nor is what follows a line break escaped
	}
	return 0
}

func (b *boxes) close(i int) {
	if top := len(b.open) - 1; top >= 0 && b.open[top].depth == b.depth {
		b.take(b.open[top], i)
		b.open = b.open[:top]
	}
	b.depth--
}

func (b *boxes) take(o opened, end int) {
	if !b.found || o.start > b.best.start {
		b.best, b.end, b.found = o, end, true
	}
}

func (b *boxes) last(s string) (string, bool) {
	if !b.found {
		return "", false
	}
	answer := s[b.best.start:b.end]
	if top := len(b.open) - 1; top >= 0 && b.open[top].start > b.best.start && !agrees(answer, s[b.open[top].start:]) {
		return "", true
	}
	return answer, true
}

// agrees reports whether a box cut short may have been about to say answer: one
// is the beginning of the other, and no word or number goes on after answer.
func agrees(answer, rest string) bool {
	answer, rest = strings.TrimSpace(answer), strings.TrimSpace(rest)
	if strings.HasPrefix(answer, rest) {
		return true
	}
	after, ok := strings.CutPrefix(rest, answer)
	return ok && !isWord(after[0]) && !(len(after) > 1 && after[0] == '.' && isDigit(after[1]))
}

// firstBox is the place of the first command that may open a box, the end of s
// if there is none.
func firstBox(s string) int {
	at := len(s)
	for _, name := range boxNames {
		if i := strings.Index(s[:at], name); i >= 0 {
			at = i
		}
	}
	return at
}

var boxNames = [...]string{`\boxed`, `\fbox`}

// boxLength is the length of the \boxed or \fbox that begins s, with the spaces
// after it and the brace if there is one; 0 if s begins otherwise.
func boxLength(s string) (length int, braced bool) {
	for _, name := range boxNames {
		rest, ok := strings.CutPrefix(s, name)
		if !ok || rest != "" && isLetter(rest[0]) {
			continue
		}
		inside := strings.TrimLeft(rest, " ")
		if strings.HasPrefix(inside, "{") {
			return len(s) - len(inside) + 1, true
		}
		return len(s) - len(inside), false
	}
	return 0, false
}

// maxBare bounds what a box without braces holds, in bytes, and with it the work
// of many such boxes in a row.
const maxBare = 256

// bareLength is the length of what a box without braces holds: up to white
// space outside braces, a dollar sign or the end of the formula. 0 if that is
// neither a number, nor a command, nor one capital letter: prose.
func bareLength(s string) int {
	s = s[:min(len(s), maxBare)]
	depth, n := 0, 0
	for n < len(s) {
		c := s[n]
		if c == '\n' || c == '$' || c == '}' && depth == 0 || c == ' ' && depth == 0 {
			break
		}
		if c == '\\' && n+1 < len(s) {
			if strings.IndexByte("])", s[n+1]) >= 0 {
				break
			}
			n++
		}
		depth += nesting(c)
		n++
	}
	text := strings.TrimRight(s[:n], ".,;")
	switch {
	case text == "":
		return 0
	case text[0] == '\\' && len(text) > 1 && isLetter(text[1]), digitRun(strings.TrimLeft(text, "+-.")) > 0:
		return len(text)
	case len(text) == 1 && 'A' <= text[0] && text[0] <= 'Z' && !strings.HasPrefix(s[n:], " "):
		return 1
	}
	return 0
}
