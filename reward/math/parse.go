package math

import (
	"math/big"
	"slices"
	"strings"
)

// parser reads an answer from its tokens, by recursive descent. Trouble travels
// as a panic and ends in guard.
type parser struct {
	*meter
	tokens []token
	at     int
	depth  int
	bars   int // |...| that are open
	sets   int // {...} that are open
	// integer is the parameter that the answer says is a whole number, in brackets
	// or in words; "" for none.
	integer string
}

// parse reads a whole answer.
func parse(m *meter, text string, d dialect) (n *Node, t *trouble) {
	t = guard(func() {
		if len(text) > MaxText {
			panic(errTooLong)
		}
		l := lexer{meter: m, dialect: d}
		l.lex(text)
		p := parser{meter: m, tokens: l.tokens}
		n = p.conditioned(p.answer())
	})
	return n, t
}

func refuse(reason string) { panic(&trouble{reason: reason}) }

// peek is the next token.
func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

func (p *parser) peekAt(n int) token {
	if p.at+n < len(p.tokens) {
		return p.tokens[p.at+n]
	}
	return token{}
}

// is reports whether the next token is this sign.
func (p *parser) is(sign string) bool {
	t := p.peek()
	return t.kind == tokSign && t.text == sign
}

// accept takes the next token if it is this sign.
func (p *parser) accept(sign string) bool {
	if p.is(sign) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(sign string) {
	if !p.accept(sign) {
		refuse("expected " + sign + ", found " + p.found())
	}
}

// found names the next token for messages.
func (p *parser) found() string {
	t := p.peek()
	if t.kind == tokEnd {
		return "the end"
	}
	if t.text == "" && t.node != nil {
		return t.node.numberText()
	}
	if len(t.text) > 30 {
		return "words"
	}
	return t.text
}

// deeper counts the nesting; its result goes back up.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxDepth {
		panic(errTooDeep)
	}
	p.spend(30)
	if p.nodes++; p.nodes > maxNodes {
		panic(errTooLong)
	}
	return func() { p.depth-- }
}

// answer := list end
func (p *parser) answer() *Node {
	p.preamble()
	n := p.list(func() bool { return p.peek().kind == tokEnd })
	p.qualifier()
	if p.peek().kind != tokEnd {
		refuse("cannot read on at " + p.found())
	}
	return n
}

// separators between the values of a list.
func isSeparator(t token) bool {
	return t.kind == tokSign && (t.text == "," || t.text == ";" || t.text == "and" || t.text == "or")
}

// list := statement {separator statement}, until end. One statement is itself.
func (p *parser) list(end func() bool) *Node {
	defer p.deeper()()
	var items []*Node
	joint := ""
	for {
		items = append(items, p.statement())
		if p.accept("then") { // of x^2=4 ⇒ x=2 the end counts
			items = items[:len(items)-1]
			continue
		}
		if p.accept("newline") && !end() {
			continue
		}
		if !isSeparator(p.peek()) {
			break
		}
		for isSeparator(p.peek()) {
			if t := p.peek().text; t == "and" || t == "or" {
				joint = t
			}
			p.at++
		}
		if end() || p.depth == 1 && p.qualifies() && p.declared() != "" {
			break
		}
	}
	if len(items) == 1 {
		return items[0]
	}
	return &Node{Kind: List, Name: joint, Kids: items}
}

// relations are the signs that stand between two sides.
var relations = map[string]string{"=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "~": "~", "in": "in", "equiv": "="}

// statement := side {relation side} | words
func (p *parser) statement() *Node {
	if p.peek().kind == tokText {
		return p.words()
	}
	var sides []*Node
	var ops []string
	if op, ok := p.relation(); ok {
		p.at++
		if op == "=" || op == "~" {
			return p.statement() // "= 5" says 5, and so does "≈ 5"
		}
		sides, ops = append(sides, &Node{Kind: Symbol, Name: "?"}), append(ops, op)
	}
	sides = append(sides, p.side())
	for {
		op, ok := p.relation()
		if !ok {
			break
		}
		p.at++
		ops = append(ops, op)
		sides = append(sides, p.side())
	}
	last := len(sides) - 1
	if p.is("pmod") || p.is("(") && p.peekAt(1).text == "bmod" {
		sides[last] = p.residue(sides[last])
	}
	if len(ops) == 0 {
		return sides[0]
	}
	return &Node{Kind: Relation, Ops: ops, Kids: sides}
}

func (p *parser) relation() (string, bool) {
	t := p.peek()
	if t.kind != tokSign {
		return "", false
	}
	op, ok := relations[t.text]
	return op, ok
}

// residue := value (mod m)
func (p *parser) residue(value *Node) *Node {
	bracket := p.accept("(")
	p.at++ // mod
	modulus := p.argument()
	if bracket {
		p.expect(")")
	}
	return node(Residue, value, modulus)
}

// side := set expression {: sum}; "x: 5" announces 5. Directly within \{ \} the
// colon stands before a condition.
func (p *parser) side() *Node {
	first := p.setExpression()
	if !p.is(":") || p.sets > 0 {
		return first
	}
	parts := []*Node{first}
	for p.accept(":") {
		parts = append(parts, p.sum())
	}
	return node(Ratio, parts...)
}

// setExpression := sum {(∪|∩|∖) sum}
func (p *parser) setExpression() *Node {
	left := p.sum()
	for {
		kind := Union
		switch {
		case p.is("cup"):
		case p.is("cap"):
			kind = Intersection
		case p.is("setminus"):
			kind = Without
		default:
			return left
		}
		p.at++
		right := p.sum()
		if left.Kind == kind && kind != Without {
			left.Kids = append(left.Kids, right)
		} else {
			left = node(kind, left, right)
		}
	}
}

// sum := [sign] product {(+|-|±|∓) product}
func (p *parser) sum() *Node {
	defer p.deeper()()
	terms := []*Node{p.signed()}
	for {
		t := p.peek()
		if t.kind != tokSign {
			break
		}
		switch t.text {
		case "+":
			p.at++
			terms = append(terms, p.signed())
		case "-":
			p.at++
			right := p.signed()
			if len(terms) == 1 && setLike(terms[0]) && right.Kind == Set {
				terms[0] = node(Without, terms[0], right)
				continue
			}
			terms = append(terms, negative(right))
		case "pm", "mp":
			p.at++
			left := total(terms)
			terms = []*Node{{Kind: PlusMinus, Name: t.text, Kids: []*Node{left, p.signed()}}}
		case "over":
			p.at++
			return node(Div, total(terms), p.sum())
		default:
			return total(terms)
		}
	}
	return total(terms)
}

// setLike reports whether a minus after n takes elements away.
func setLike(n *Node) bool {
	switch n.Kind {
	case Domain, Set, Tuple, Union, Without:
		return true
	}
	return false
}

// total adds terms. A unit after the last of them is the unit of the sum.
func total(terms []*Node) *Node {
	if len(terms) == 1 {
		return terms[0]
	}
	last := len(terms) - 1
	if q := terms[last]; q.Kind == Quantity && !slices.ContainsFunc(terms[:last], func(n *Node) bool { return n.Kind == Quantity }) {
		terms[last] = q.Kids[0]
		return quantityOf(node(Add, terms...), q.Name)
	}
	return node(Add, terms...)
}

// signed := {+|-|±} product
func (p *parser) signed() *Node {
	switch {
	case p.is("+"), p.is("-"):
		defer p.deeper()()
		minus := p.is("-")
		p.at++
		n := p.signed()
		if minus {
			return negative(n)
		}
		return n
	case p.is("pm"), p.is("mp"):
		name := p.peek().text
		p.at++
		return &Node{Kind: PlusMinus, Name: name, Kids: []*Node{number(0), p.signed()}}
	}
	return p.product()
}

// negative is -n. A quantity, a percentage or a literal keeps its kind.
func negative(n *Node) *Node {
	switch n.Kind {
	case Number:
		c := *n
		c.Value = new(big.Rat).Neg(n.Value)
		return &c
	case Quantity, Percent, Degree:
		c := *n
		c.Kids = []*Node{negative(n.Kids[0])}
		return &c
	case PlusMinus:
		if n.Kids[0].isInt(0) {
			return n
		}
	}
	return node(Neg, n)
}

// starts reports whether the next token begins a factor.
func (p *parser) starts() bool {
	t := p.peek()
	switch t.kind {
	case tokNumber, tokLetter:
		return true
	case tokName:
		return !strings.HasPrefix(t.text, "end ")
	case tokSign:
		switch t.text {
		case "(":
			return p.peekAt(1).text != "bmod"
		case "{", "lfloor", "lceil":
			return true
		case "|":
			return p.bars == 0 && p.sets == 0
		}
	}
	return false
}
