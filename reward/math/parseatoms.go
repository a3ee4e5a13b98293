package math

import (
	"math/big"
	"strings"
)

// power := postfix [^ exponent]
func (p *parser) power() *Node {
	base := p.postfix(p.primary())
	for p.is("^") {
		p.at++
		base = p.postfix(p.raise(base))
	}
	return base
}

// raise reads the exponent of base.
func (p *parser) raise(base *Node) *Node {
	defer p.deeper()()
	if p.degrees() {
		if t := p.peek(); (t.kind == tokLetter || t.kind == tokUnit) && (t.text == "C" || t.text == "F") {
			p.at++
			return quantityOf(base, "deg"+t.text)
		}
		return node(Degree, base)
	}
	exponent := p.exponent()
	if p.is("^") && base.Kind != Degree { // a^b^c is a^(b^c)
		p.at++
		exponent = p.raise(exponent)
	}
	return node(Pow, base, exponent)
}

// degrees takes the ring of an angle in degrees.
func (p *parser) degrees() bool {
	if p.is("circ") || p.is("degree") {
		p.at++
		return true
	}
	if p.is("{") && (p.peekAt(1).text == "circ" || p.peekAt(1).text == "degree") && p.peekAt(2).text == "}" {
		p.at += 3
		return true
	}
	return false
}

// exponent := argument, with a sign in plain text: 2^-3.
func (p *parser) exponent() *Node {
	if p.is("-") || p.is("+") {
		minus := p.is("-")
		p.at++
		n := p.exponent()
		if minus {
			return negative(n)
		}
		return n
	}
	if p.is("{") {
		return p.braces()
	}
	n := p.primary()
	for p.accept("!") {
		n = call("factorial", n)
	}
	return n
}

// postfix := primary {! | % | ° | _ subscript | '}
func (p *parser) postfix(n *Node) *Node {
	for {
		switch {
		case p.is("!"):
			p.at++
			if p.accept("!") {
				n = call("factorial2", n)
			} else {
				n = call("factorial", n)
			}
		case p.accept("%"):
			n = node(Percent, n)
		case p.accept("degree"):
			n = node(Degree, n)
		case p.is("_"):
			n = p.subscript(n)
		case n.Kind == Number && p.peek().kind == tokText && p.peek().text == "base" && p.peekAt(1).kind == tokNumber:
			digits := p.tokens[p.at-1]
			p.at++
			n = p.numeral(digits, p.primary())
		case p.is("'") && n.Kind == Symbol:
			p.at++
			n = &Node{Kind: Symbol, Name: n.Name + "'"}
		default:
			return n
		}
	}
}

// subscript reads the base of a numeral, or the index of a variable.
func (p *parser) subscript(n *Node) *Node {
	previous := p.tokens[p.at-1]
	p.at++
	switch n.Kind {
	case Number:
		if at := p.at - 3; previous.text == ")" && at > 0 && p.tokens[at-1].text == "(" { // (1011)_2
			previous = p.tokens[at]
		}
		return p.numeral(previous, p.base())
	case Symbol, Constant:
		from := p.at
		p.argument()
		var b strings.Builder
		b.WriteString(n.Name + "_")
		for _, t := range p.tokens[from:p.at] {
			text := t.text
			if text == "" && t.node != nil {
				text = t.node.numberText()
			}
			if text != "{" && text != "}" && b.Len() < 60 {
				b.WriteString(text)
			}
		}
		if n.Name == "C" && p.is("^") { // C_n^k counts the choices of k out of n
			top := p.tokens[from:p.at]
			p.at++
			k := p.exponent()
			inner := parser{meter: p.meter, tokens: top, depth: p.depth}
			return call("binom", inner.argument(), k)
		}
		return &Node{Kind: Symbol, Name: b.String()}
	}
	refuse("a subscript where none can be")
	return nil
}

// base reads the base of a numeral: 2, {2}, \text{two}, \text{base }2.
func (p *parser) base() *Node {
	if p.peek().kind == tokText && p.peek().text == "base" {
		p.at++
	}
	if p.is("{") && p.peekAt(1).kind == tokText && p.peekAt(1).text == "base" && p.peekAt(3).text == "}" {
		p.at += 2
		n := p.primary()
		p.expect("}")
		return n
	}
	return p.argument()
}

// numeral reads the digits of a number in a base of 2 to 36.
func (p *parser) numeral(digits token, base *Node) *Node {
	if base.Kind != Number || !base.Value.IsInt() || digits.kind != tokNumber || digits.text == "" || len(digits.text) > 2000 {
		refuse("a numeral that cannot be read")
	}
	b := base.Value.Num().Int64()
	if !base.Value.Num().IsInt64() || b < 2 || b > 36 {
		refuse("a base outside 2 to 36")
	}
	p.spend(len(digits.text) * len(digits.text) / 100)
	v, ok := new(big.Int).SetString(digits.text, int(b))
	if !ok {
		refuse("a digit too large for its base")
	}
	return &Node{Kind: Number, Value: new(big.Rat).SetInt(v)}
}

// argument := a group in braces, one digit, or one factor, as after \frac.
func (p *parser) argument() *Node {
	t := p.peek()
	switch {
	case p.is("{"):
		return p.braces()
	case p.is("-"), p.is("+"):
		p.at++
		n := p.argument()
		if t.text == "-" {
			return negative(n)
		}
		return n
	}
	return p.primary()
}

// digitArgument is argument, but takes one digit of a number: \frac12.
func (p *parser) digitArgument() *Node {
	t := p.peek()
	if t.kind == tokNumber && len(t.text) > 1 {
		p.tokens[p.at] = token{kind: tokNumber, text: t.text[1:], node: p.number(t.text[1:])}
		return p.number(t.text[:1])
	}
	return p.argument()
}

func (p *parser) number(text string) *Node {
	l := lexer{meter: p.meter}
	return &Node{Kind: Number, Value: l.decimalValue(text, "")}
}

// braces := { list }
func (p *parser) braces() *Node {
	p.expect("{")
	if p.accept("}") {
		refuse("empty braces")
	}
	bars, sets := p.bars, p.sets
	p.bars, p.sets = 0, 0
	n := p.list(func() bool { return p.is("}") })
	p.bars, p.sets = bars, sets
	p.expect("}")
	if n.Kind == List {
		n = &Node{Kind: Set, Kids: n.Kids}
	}
	return n
}

// primary reads what binds most tightly.
func (p *parser) primary() *Node {
	defer p.deeper()()
	t := p.peek()
	switch t.kind {
	case tokNumber:
		p.at++
		return t.node
	case tokLetter:
		p.at++
		return p.variable(t.text)
	case tokName:
		p.at++
		return p.named(t.text)
	case tokSign:
		return p.bracketed(t.text)
	case tokMoney:
		p.at++
		return quantityOf(p.factored(), t.text)
	case tokText:
		refuse("words within mathematics: " + p.found())
	}
	refuse("expected a value, found " + p.found())
	return nil
}

// variable is a letter: e and i are the constants; f(x) is one variable.
func (p *parser) variable(name string) *Node {
	switch name {
	case "e", "i":
		return &Node{Kind: Constant, Name: name}
	}
	if strings.Contains("fgh", name) && p.is("^") && p.peekAt(1).text == "{" && p.peekAt(2).text == "-" && p.peekAt(3).text == "1" && p.peekAt(5).text == "(" && p.peekAt(7).text == ")" {
		inner := p.peekAt(6).text
		p.at += 8
		return &Node{Kind: Symbol, Name: name + "^-1(" + inner + ")"}
	}
	for strings.Contains("fgh", name[:1]) && p.is("'") {
		p.at++
		name += "'"
	}
	if p.is("(") && p.peekAt(2).text == ")" && len(strings.TrimRight(name, "'")) == 1 && strings.Contains("fghFGHPQTSNEVpqu", name[:1]) {
		inner, after := p.peekAt(1), p.peekAt(3)
		call := strings.Contains("fgh", name[:1]) || after.kind == tokSign && after.text == "="
		if call && (inner.kind == tokLetter || inner.kind == tokNumber && inner.text != "") {
			p.at += 3
			return &Node{Kind: Symbol, Name: name + "(" + inner.text + ")"}
		}
	}
	return &Node{Kind: Symbol, Name: name}
}

// named reads what a known name begins.
func (p *parser) named(name string) *Node {
	switch name {
	case "pi", "inf":
		return &Node{Kind: Constant, Name: name}
	case "e":
		return &Node{Kind: Constant, Name: "e"}
	case "frac":
		n := p.digitArgument()
		return node(Div, n, p.digitArgument())
	case "binom":
		if p.is("(") {
			return p.function(name)
		}
		n := p.digitArgument()
		return call("binom", n, p.digitArgument())
	case "sqrt", "cbrt":
		return p.root(name)
	case "sum", "prod":
		return p.series(name)
	case "int", "lim", "choose":
		refuse("an expression that is not worked out: " + name)
	}
	if set, ok := strings.CutPrefix(name, "set "); ok {
		return p.domain(set)
	}
	if matrix, ok := strings.CutPrefix(name, "begin "); ok {
		return p.matrix(matrix)
	}
	if strings.HasPrefix(name, "end ") {
		refuse("an environment that ends without a beginning")
	}
	return p.function(name)
}

// domain := \mathbb{R} and its like, with ^+ or ^n refused: they are rare.
func (p *parser) domain(set string) *Node {
	if !strings.Contains("RZNQC", set) || len(set) != 1 {
		refuse("an unknown set")
	}
	for _, script := range [...][]string{{"^", "+"}, {"^", "{", "+", "}"}, {"_", "+"}, {"_", "{", "+", "}"}, {"_", "{", ">", "0", "}"}, {"^", "-"}, {"^", "{", "-", "}"}, {"_", "-"}, {"_", "{", "<", "0", "}"}} {
		if p.ahead(script) {
			p.at += len(script)
			sign := script[min(len(script)-1, max(1, len(script)/2))]
			return &Node{Kind: Domain, Name: set + map[string]string{"+": "+", ">": "+", "-": "-", "<": "-"}[sign]}
		}
	}
	if p.is("^") || p.is("_") {
		refuse("an unknown set")
	}
	return &Node{Kind: Domain, Name: set}
}

// ahead reports whether these tokens come next.
func (p *parser) ahead(texts []string) bool {
	for i, text := range texts {
		if p.peekAt(i).text != text {
			return false
		}
	}
	return true
}

// root := \sqrt[n]{x}
func (p *parser) root(name string) *Node {
	index := number(2)
	if name == "cbrt" {
		index = number(3)
	}
	if name == "sqrt" && p.accept("[") {
		index = p.sum()
		p.expect("]")
	}
	if p.is("(") {
		return node(Root, p.primary(), index)
	}
	return node(Root, p.argument(), index)
}

// replace gives n with each node for which with gives another in its place.
func (n *Node) replace(with func(*Node) *Node) *Node {
	if n == nil {
		return nil
	}
	if other := with(n); other != nil {
		return other
	}
	if len(n.Kids) == 0 {
		return n
	}
	c := *n
	c.Kids = make([]*Node, len(n.Kids))
	for i, k := range n.Kids {
		c.Kids[i] = k.replace(with)
	}
	return &c
}

// replaceAll is replace, within what was put in, too.
func (n *Node) replaceAll(with func(*Node) *Node) *Node {
	if len(n.Kids) > 0 {
		c := *n
		c.Kids = make([]*Node, len(n.Kids))
		for i, k := range n.Kids {
			c.Kids[i] = k.replaceAll(with)
		}
		n = &c
	}
	if other := with(n); other != nil {
		return other
	}
	return n
}

// bracketed reads what an opening sign begins.
func (p *parser) bracketed(open string) *Node {
	switch open {
	case "(", "[", "]":
		return p.tuple(open)
	case "{":
		return p.braces()
	case "{{":
		return p.set()
	case "|":
		p.at++
		p.bars++
		n := p.sum()
		p.bars--
		p.expect("|")
		return call("abs", n)
	case "lfloor":
		p.at++
		n := p.sum()
		p.expect("rfloor")
		return call("floor", n)
	case "lceil":
		p.at++
		n := p.sum()
		p.expect("rceil")
		return call("ceil", n)
	case "emptyset":
		p.at++
		return node(Empty)
	case "ldots":
		p.at++
		return node(Ellipsis)
	}
	refuse("expected a value, found " + p.found())
	return nil
}

// tuple := ( list ) with any of the brackets of intervals; one value between
// brackets of the same kind is that value.
func (p *parser) tuple(open string) *Node {
	p.at++
	bars, sets := p.bars, p.sets
	p.bars, p.sets = 0, 0
	n := p.list(func() bool { return p.is(")") || p.is("]") })
	p.bars, p.sets = bars, sets
	end := p.peek()
	if end.kind != tokSign || end.text != ")" && end.text != "]" && end.text != "[" {
		refuse("expected a closing bracket, found " + p.found())
	}
	p.at++
	if open == "]" {
		open = "("
	}
	if end.text == "[" {
		end.text = ")"
	}
	if n.Kind != List {
		if open+end.text != "()" && open+end.text != "[]" {
			refuse("an interval with one end")
		}
		return n
	}
	return &Node{Kind: Tuple, Name: open + end.text, Kids: n.Kids}
}

// set := \{ list [ | condition ] \}
func (p *parser) set() *Node {
	p.at++
	if p.accept("}}") {
		return node(Empty)
	}
	bars, sets := p.bars, p.sets
	p.bars, p.sets = 0, 1
	n := p.list(func() bool { return p.is("}}") || p.is("}") })
	if p.accept("|") || p.accept(":") {
		condition := p.list(func() bool { return p.is("}}") })
		n = node(Builder, n, condition)
	} else if n.Kind == List {
		n = &Node{Kind: Set, Kids: n.Kids}
	} else {
		n = node(Set, n)
	}
	p.bars, p.sets = bars, sets
	if !p.accept("}}") {
		p.expect("}")
	}
	return n
}
