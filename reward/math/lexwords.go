package math

import "strings"

// command reads what begins with a backslash.
func (l *lexer) command() {
	s := l.rest[1:]
	n := letters(s)
	if n == 0 {
		l.escaped(s)
		return
	}
	name := s[:n]
	l.rest = s[n:]
	name = l.unglued(name)
	switch {
	case name == "left", name == "right":
		l.rest = strings.TrimPrefix(strings.TrimLeft(l.rest, " "), ".")
	case name == "boxed", name == "fbox", silent[name]:
	case name == "color", name == "textcolor", name == "hspace", name == "vspace", name == "phantom":
		l.group() // the colour, the width
	case name == "over":
		l.emit(tokSign, "over")
	case name == "cr":
		l.emit(tokSign, "newline")
	case figures[name]:
		l.figure(name)
	case name == "forall":
		l.emit(tokText, "for all")
	case blank[name]:
		l.space = true
	case name == "text" && strings.HasPrefix(l.rest, "{}"):
		l.rest = l.rest[2:]
	case textual[name]:
		l.textCommand()
	case name == "mathbb", name == "Bbb":
		l.blackboard()
	case name == "begin", name == "end":
		l.environment(name)
	case strings.HasSuffix(name, "frac") && l.unitFraction():
	case name == "frac", name == "dfrac", name == "tfrac", name == "cfrac", name == "sfrac", name == "nicefrac", name == "flatfrac":
		l.emit(tokName, "frac")
	case name == "binom", name == "dbinom", name == "tbinom":
		l.emit(tokName, "binom")
	case name == "sqrt", name == "sum", name == "prod", name == "int", name == "lim", name == "choose":
		l.emit(tokName, name)
	case currencies[name] != "":
		if !l.currency(currencies[name]) {
			l.space = true
		}
	case name == "cent", name == "textcent":
		l.emit(tokUnit, "cent")
	case name == "textdegree":
		l.emit(tokSign, "degree")
	default:
		l.named(name)
	}
}

// unglued is the name of a command without the letters glued to it: \pir is no
// command, \pi is.
func (l *lexer) unglued(name string) string {
	if l.knows(name) {
		return name
	}
	for _, short := range [...]string{"pi", "cdot", "times", "pm", "sqrt"} {
		if glued, ok := strings.CutPrefix(name, short); ok {
			l.rest = glued + l.rest
			return short
		}
	}
	return name
}

func (l *lexer) knows(name string) bool {
	switch name {
	case "frac", "dfrac", "tfrac", "cfrac", "sfrac", "nicefrac", "binom", "dbinom", "tbinom", "sqrt", "sum", "prod", "int", "lim", "choose", "begin", "end", "mathbb":
		return true
	}
	if name == "color" || name == "textcolor" || name == "hspace" || name == "vspace" || name == "over" || name == "cr" || name == "forall" || figures[name] {
		return true
	}
	_, f := functions[name]
	_, c := constants[name]
	_, o := operators[name]
	return f || c || o || symbolNames[name] || silent[name] || blank[name] || textual[name] || decorated[name]
}

// named emits a command that is in one of the tables.
func (l *lexer) named(name string) {
	if op, ok := operators[name]; ok {
		l.operator(op)
		return
	}
	if c, ok := constants[name]; ok {
		l.emit(tokName, c)
		return
	}
	if f, ok := functions[name]; ok && f != "" {
		l.emit(tokName, f)
		return
	}
	switch {
	case symbolNames[name]:
		if name == "varphi" {
			name = "phi"
		}
		l.emit(tokLetter, name)
	case decorated[name]:
		l.decorated(name)
	default:
		l.emit(tokText, `\`+name) // an unknown command: nothing that can be computed
	}
}

func (l *lexer) operator(op string) {
	l.emit(tokSign, op)
}

// escaped reads a backslash before what is no letter.
func (l *lexer) escaped(s string) {
	if s == "" {
		l.rest = ""
		return
	}
	l.rest = s[1:]
	switch s[0] {
	case '{':
		l.emit(tokSign, "{{")
	case '}':
		l.emit(tokSign, "}}")
	case '|':
		l.emit(tokSign, "|")
	case '%':
		l.emit(tokSign, "%")
	case '\\':
		l.emit(tokSign, "newline")
		l.rowSpace()
	case ',', ';', ':', '>', '!', ' ', '/':
		l.space = true
	case '$':
		if !l.currency("dollar") {
			l.space = true
		}
	case '(', ')', '[', ']', '\n':
		l.space = true // the marks around mathematics
	case '#', '&', '_':
		l.emit(tokSign, "?")
	default:
		// a backslash too many
	}
}

// group takes the content of the braces at the beginning of the rest.
func (l *lexer) group() (string, bool) {
	s := strings.TrimLeft(l.rest, " ")
	if !strings.HasPrefix(s, "{") {
		return "", false
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				l.rest = s[i+1:]
				l.spend(i / 8)
				return s[1:i], true
			}
		}
	}
	l.spend(len(s))
	return "", false
}

// unitFraction reads \frac{\text{km}}{\text{h}} after a number.
func (l *lexer) unitFraction() bool {
	if !strings.HasPrefix(l.rest, `{\text{`) && !strings.HasPrefix(l.rest, `{\mathrm{`) {
		return false
	}
	rest := l.rest
	above, _ := l.group()
	below, ok := l.group()
	_, above, _ = strings.Cut(strings.TrimSuffix(above, "}"), "{")
	_, below, found := strings.Cut(strings.TrimSuffix(below, "}"), "{")
	name, known := unitProduct(above + "/" + below)
	if !ok || !found || !known {
		l.rest = rest
		return false
	}
	l.emit(tokUnit, name)
	return true
}

// rowSpace passes over the extra space after a row: \\[2pt].
func (l *lexer) rowSpace() {
	if rest, ok := strings.CutPrefix(l.rest, "["); ok {
		if end := strings.IndexByte(rest, ']'); end > 2 && end < 12 && isLetter(rest[end-1]) {
			l.rest = rest[end+1:]
		}
	}
}

// currency emits a currency before or after a number; false if there is none.
func (l *lexer) currency(name string) bool {
	amount := strings.TrimLeft(l.rest, " -")
	switch {
	case amount != "" && (isDigit(amount[0]) || amount[0] == '.' || strings.HasPrefix(amount, `\frac`) || strings.HasPrefix(amount, `\dfrac`)):
		l.emit(tokMoney, name)
	case l.last().kind == tokNumber:
		l.emit(tokUnit, name)
	default:
		return false
	}
	return true
}

// figure reads \triangle ABC and \angle ABC as one name.
func (l *lexer) figure(command string) {
	name, ok := l.group()
	if !ok {
		l.rest = strings.TrimLeft(l.rest, " ")
		n := letters(l.rest)
		name, l.rest = l.rest[:n], l.rest[n:]
	}
	if name = strings.TrimSpace(name); len(name) > 20 {
		panic(errUnfit)
	}
	l.emit(tokLetter, command+" "+name)
}

func (l *lexer) blackboard() {
	l.rest = strings.TrimLeft(l.rest, " ")
	text, ok := l.group()
	if !ok && l.rest != "" {
		text, l.rest = l.rest[:1], l.rest[1:]
	}
	l.emit(tokName, "set "+strings.TrimSpace(text))
}

func (l *lexer) environment(which string) {
	name, _ := l.group()
	name = strings.TrimSuffix(name, "*")
	if name == "array" && which == "begin" {
		l.group() // the columns
	}
	if !environments[name] {
		return // align, equation and the like only lay out
	}
	l.emit(tokName, which+" "+name)
}

// decorated reads \vec{v} and the like as one variable.
func (l *lexer) decorated(name string) {
	text, ok := l.group()
	if !ok && strings.TrimLeft(l.rest, " ") != "" {
		rest := strings.TrimLeft(l.rest, " ")
		text, l.rest = rest[:1], rest[1:]
	}
	text = strings.TrimSpace(text)
	if len(text) > 20 {
		panic(errUnfit)
	}
	l.emit(tokLetter, name+" "+text)
}

// textCommand reads \text{...} and its like.
func (l *lexer) textCommand() {
	text, ok := l.group()
	if !ok {
		return
	}
	if strings.HasPrefix(l.rest, "_") && strings.Trim(text, alphanumerics) == "" {
		l.rest = text + l.rest // \text{4C}_{16}
		return
	}
	l.words(text)
}

// words reads words that stand in mathematics: separators, units, names of
// functions, single letters, mathematics after all, or just words.
func (l *lexer) words(text string) {
	trimmed := strings.TrimSpace(strings.ReplaceAll(text, "~", " "))
	lower := strings.ToLower(trimmed)
	switch {
	case trimmed == "":
		l.space = true
		return
	case lower == "and", lower == ", and", lower == ",":
		l.emit(tokSign, "and")
		return
	case lower == "or", lower == ", or", lower == "and/or":
		l.emit(tokSign, "or")
		return
	case signWords[lower] != "":
		l.emit(tokSign, signWords[lower])
		return
	case lower == "choose":
		l.emit(tokName, "choose")
		return
	case lower == "to" && l.last().kind == tokNumber: // 3 to 4
		l.emit(tokSign, ":")
		return
	case lower == "all real" && strings.HasPrefix(strings.TrimLeft(l.rest, " }$"), "x"):
		l.rest = ""
		l.emit(tokName, "set R")
		return
	case domainWords[lower] != "":
		l.emit(tokName, "set "+domainWords[lower])
		return
	case spelled(lower) != "":
		l.numberWord(spelled(lower))
		return
	case nothings[lower] != "":
		l.emit(tokText, lower)
		return
	}
	before := l.last()
	if before.kind == tokSign && (before.text == "/" || before.text == "*") && len(l.tokens) > 1 {
		if joined := l.tokens[len(l.tokens)-2]; joined.kind == tokUnit {
			before = joined
		}
	}
	number := before.kind == tokNumber || before.kind == tokUnit || before.kind == tokSign && (before.text == ")" || before.text == "]" || before.text == "}" || before.text == "}}" || before.text == "!" || before.text == "rfloor" || before.text == "rceil") || before.kind == tokLetter || before.kind == tokName
	if name, isUnit := unitProduct(trimmed); isUnit && number {
		l.emit(tokUnit, name)
		return
	}
	if name, isUnit := unitProduct(strings.TrimSuffix(trimmed, " and")); isUnit && number {
		l.emit(tokUnit, name)
		l.emit(tokSign, "and")
		return
	}
	if f, ok := functions[trimmed]; ok && f != "" {
		l.emit(tokName, f)
		return
	}
	if c, ok := constants[trimmed]; ok {
		l.emit(tokName, c)
		return
	}
	if first, rest, _ := strings.Cut(lower, " "); l.counted(first, rest, before.kind == tokNumber) {
		return
	}
	if l.depth < 4 && (len(trimmed) == 1 || letterList(lower) || strings.ContainsAny(trimmed, `0123456789\$(){}=,`)) {
		l.depth++
		rest := l.rest
		l.rest = trimmed
		for l.rest != "" {
			l.spend(20)
			l.next()
		}
		l.rest, l.space = rest, true
		l.depth--
		return
	}
	if number && !twists(lower) {
		l.emit(tokUnit, "?"+strings.Trim(lower, ". ")) // a label such as apples
		return
	}
	l.emit(tokText, trimmed)
}

// word reads letters outside a command: a known word, a word of a sentence, or
// variables side by side.
func (l *lexer) word() {
	n := letters(l.rest)
	run := l.rest[:n]
	if n == 1 {
		l.letter(run)
		return
	}
	if l.known(run) {
		l.rest = l.rest[n:]
		return
	}
	if sentence := l.sentence(n); sentence > 0 {
		text := l.rest[:sentence]
		l.rest = l.rest[sentence:]
		l.words(text)
		return
	}
	// A known name first: sinx, pir, sqrtx.
	for k := min(n-1, 9); k >= 2; k-- {
		if name := run[:k]; (name == "pi" || len(name) >= 3 && functions[name] != "") && l.known(name) {
			l.rest = l.rest[k:]
			return
		}
	}
	l.letter(run[:1])
}

// known emits a word of the tables.
func (l *lexer) known(run string) bool {
	lower := strings.ToLower(run)
	switch {
	case sayings[lower]:
		l.emit(tokText, lower)
		return true
	case numberWords[lower] != "":
		l.numberWord(numberWords[lower])
		return true
	case run == "choose":
		l.emit(tokName, "choose")
		return true
	case run == "to" && l.last().kind == tokNumber:
		l.emit(tokSign, ":")
		return true
	case l.last().kind == tokNumber && l.counted(lower, "", true):
		return true
	}
	f, isFunction := functions[run]
	c, isConstant := constants[run]
	before := l.last()
	switch {
	case isFunction && f != "" && len(run) > 1:
		l.emit(tokName, f)
	case isConstant:
		l.emit(tokName, c)
	case run == "and", run == "or":
		l.emit(tokSign, run)
	case run == "union" || run == "U" && before.kind != tokEnd:
		l.emit(tokSign, "cup")
	case signWords[run] != "" && run != "and" && run != "or":
		l.emit(tokSign, signWords[run])
	case run == "phi":
		l.emit(tokLetter, "phi")
	case symbolNames[run] && len(run) > 3 && run != "iota":
		l.emit(tokLetter, run)
	case run == "emptyset":
		l.emit(tokSign, "emptyset")
	case run == "in" && before.kind == tokLetter:
		l.emit(tokSign, "in")
	default:
		if name, ok := unitName(run); ok && (before.kind == tokNumber || before.kind == tokSign && before.text == ")") && len(run) > 1 {
			l.emit(tokUnit, name)
			return true
		}
		return false
	}
	return true
}

// sentence is the length of words that are no variables side by side, 0 if there
// are none: a word of four letters or more, or of three that are not all usual
// names of variables, with the words after it.
func (l *lexer) sentence(n int) int {
	word := l.rest[:n]
	usual := strings.Trim(word, "abcxyzmnkpqrstuvwABCXYZMNKPQRST") == ""
	followed := strings.HasPrefix(l.rest[n:], " ") && letters(l.rest[n+1:]) > 1
	if !(n >= 4 || n == 3 && !usual || n == 2 && followed && !usual) {
		return 0
	}
	end := n
	for end < len(l.rest) && strings.IndexByte(" -'", l.rest[end]) >= 0 {
		next := letters(l.rest[end+1:])
		if next == 0 {
			break
		}
		w := l.rest[end+1 : end+1+next]
		if w == "and" || w == "or" || next == 1 && l.rest[end] != '\'' && w != "a" {
			break
		}
		end += 1 + next
	}
	return end
}

// letter emits one variable or constant.
func (l *lexer) letter(s string) {
	l.rest = l.rest[1:]
	before := l.last()
	switch {
	case s == "x" && before.kind == tokNumber && l.rest != "" && (isDigit(l.rest[0]) || l.rest[0] == ' ' && len(l.rest) > 1 && isDigit(l.rest[1])):
		l.emit(tokSign, "*") // 10 x 10
		return
	case s == "U" && (before.text == ")" || before.text == "]" || before.text == "}}"):
		l.emit(tokSign, "cup")
		return
	case l.units && l.afterValue():
		if name, ok := unitName(s); ok {
			l.emit(tokUnit, name)
			return
		}
	}
	l.emit(tokLetter, s)
}
