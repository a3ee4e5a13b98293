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
		n = p.answer()
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

// qualifier passes over words that say for which values an answer holds: for all
// x, where k is an integer. Words with a relation could say that it holds for few.
func (p *parser) qualifier() {
	t := p.peek()
	if t.kind != tokText || !strings.HasPrefix(t.text, "for") && !strings.HasPrefix(t.text, "where") {
		return
	}
	for _, t := range p.tokens[p.at:] {
		if _, relation := relations[t.text]; t.kind == tokSign && relation && t.text != "in" {
			return
		}
	}
	p.at = len(p.tokens)
}

// preamble passes over words that announce an answer.
func (p *parser) preamble() {
	for p.is("then") { // ∴ 5, ⇒ 5
		p.at++
	}
	t := p.peek()
	if t.kind != tokText || p.at+1 == len(p.tokens) || p.peekAt(1).kind == tokText || !announces(t.text) {
		return
	}
	p.at++
	for p.is(":") || p.is("=") || p.is(",") {
		p.at++
	}
}

// announcing words say nothing of an answer's value.
var announcing = map[string]bool{
	"the": true, "answer": true, "final": true, "ans": true, "value": true, "values": true, "point": true, "points": true, "therefore": true, "thus": true, "so": true, "hence": true, "then": true, "we": true, "get": true, "have": true, "solution": true, "solutions": true, "exactly": true, "total": true, "a": true, "an": true, "of": true, "area": true, "volume": true, "probability": true, "pair": true, "pairs": true, "ordered": true, "triple": true, "set": true, "interval": true, "vector": true, "matrix": true, "equation": true, "function": true, "line": true, "only": true, "result": true, "length": true, "is": true, "are": true,
}

// announces reports whether words lead up to a value: all of them usual ones, or
// a sentence that ends in "is" and does not turn round what follows.
func announces(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" ,:=.", r) })
	usual, last := true, ""
	for _, word := range words {
		usual = usual && announcing[word]
		if twisting[word] && !announcing[word] && word != "by" {
			return false
		}
		last = word
	}
	return len(words) > 0 && (usual || last == "is" || last == "are" || last == "equals")
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
		if end() {
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

// words := text that fills the statement
func (p *parser) words() *Node {
	var all []string
	for p.peek().kind == tokText || p.peek().kind == tokLetter && len(all) > 0 {
		all = append(all, p.peek().text)
		p.at++
	}
	if t := p.peek(); t.kind == tokSign && (t.text == ":" || t.text == "=") && strings.IndexByte(all[0], '\\') < 0 {
		p.at++ // Area = 5
		return &Node{Kind: Relation, Ops: []string{"="}, Kids: []*Node{{Kind: Symbol, Name: strings.Join(all, " ")}, p.setExpression()}}
	}
	if p.peek().kind != tokEnd && !isSeparator(p.peek()) && !p.is("}") && !p.is("}}") && !p.is(")") {
		refuse("words within mathematics: " + all[0])
	}
	if what := nothings[strings.ToLower(strings.Trim(strings.Join(all, " "), " ."))]; what == "∅" {
		return node(Empty)
	}
	return &Node{Kind: Text, Name: strings.Join(all, " ")}
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

// product := power {(*|/|nothing) power} [quantity]
func (p *parser) product() *Node {
	n := p.factored()
	if p.peek().kind == tokUnit {
		return p.quantity(n)
	}
	return n
}

// factored is a product without its unit.
func (p *parser) factored() *Node {
	left := p.power()
	factors := []*Node{left}
	flush := func() *Node {
		if len(factors) == 1 {
			return factors[0]
		}
		return node(Mul, factors...)
	}
	for {
		t := p.peek()
		switch {
		case t.kind == tokSign && t.text == "*":
			p.at++
			factors = append(factors, p.factor())
		case t.kind == tokSign && t.text == "/":
			p.at++
			factors = []*Node{node(Div, flush(), p.factor())}
		case t.kind == tokSign && t.text == "bmod":
			p.at++
			factors = []*Node{call("mod", flush(), p.factor())}
		case t.kind == tokName && t.text == "choose":
			p.at++
			factors = []*Node{call("binom", flush(), p.factor())}
		case p.mixed(factors):
			factors[0] = p.mixedNumber(factors[0])
		case p.starts():
			if t.kind == tokNumber && p.tokens[p.at-1].kind == tokNumber && factors[len(factors)-1].Kind == Number {
				refuse("two numbers side by side")
			}
			if before := p.tokens[p.at-1]; t.kind == tokNumber && !t.space && before.kind == tokLetter && before.text != "i" && p.peekAt(1).text != "^" {
				refuse("a number right after a variable") // A1 is a name, not A times 1
			}
			factors = append(factors, p.power())
			factors = p.aside(factors)
		default:
			return flush()
		}
	}
}

// aside drops a condition in brackets, as in kπ (k ∈ ℤ), and takes P(1,2) for
// the point.
func (p *parser) aside(factors []*Node) []*Node {
	last := len(factors) - 1
	switch n := factors[last]; {
	case n.Kind == Relation && n.Ops[0] == "in":
		return factors[:last]
	case n.Kind == Tuple && last == 1 && factors[0].Kind == Symbol && len(factors[0].Name) == 1 && factors[0].Name < "a":
		if factors[0].Name != "C" || !whole(n.Kids) {
			return factors[1:]
		}
		return []*Node{call("binom", n.Kids...)} // C(10,3)
	case n.Kind == Relation:
		refuse("a relation within a product")
	}
	return factors
}

// whole reports whether all are whole numbers as written, two of them in order.
func whole(list []*Node) bool {
	for _, n := range list {
		if n.Kind != Number || !n.Value.IsInt() {
			return false
		}
	}
	return len(list) == 2 && list[0].Value.Cmp(list[1].Value) >= 0
}

// factor is a factor with its own sign, as in 2*-3.
func (p *parser) factor() *Node {
	if p.is("-") || p.is("+") {
		minus := p.is("-")
		p.at++
		n := p.power()
		if minus {
			return negative(n)
		}
		return n
	}
	return p.power()
}

// quantity := value unit {(/|*|nothing) unit} with powers
func (p *parser) quantity(value *Node) *Node {
	text := ""
	for joint := ""; ; {
		t := p.peek()
		if t.kind != tokUnit {
			break
		}
		p.at++
		text += joint + t.text
		if p.is("^") {
			p.at++
			power := p.argument()
			if power.Kind != Number || !power.Value.IsInt() {
				refuse("a unit with an odd power")
			}
			text += "^" + power.Value.RatString()
		}
		joint = "*"
		if (p.is("/") || p.is("*")) && p.peekAt(1).kind == tokUnit {
			joint = p.peek().text
			p.at++
		}
	}
	return p.compound(quantityOf(value, text))
}

// quantityOf is a value with a unit, which joins one that it has already.
func quantityOf(value *Node, unit string) *Node {
	if value.Kind == Quantity {
		value, unit = value.Kids[0], value.Name+"*"+unit
	}
	return &Node{Kind: Quantity, Name: unit, Kids: []*Node{value}}
}

// compound adds a quantity in a smaller unit of the same dimension that follows:
// 1 hour 30 minutes, 5 feet and 6 inches.
func (p *parser) compound(n *Node) *Node {
	at := p.at
	if p.is("and") {
		at++
	}
	if at+1 >= len(p.tokens) || p.tokens[at].kind != tokNumber || p.tokens[at+1].kind != tokUnit {
		return n
	}
	large, small := units[n.Name], units[p.tokens[at+1].text]
	if large.size == nil || small.size == nil || large.dimension != small.dimension || small.size.Cmp(large.size) >= 0 {
		return n
	}
	p.at = at + 1
	more := p.quantity(p.tokens[at].node)
	scale := new(big.Rat).Quo(small.size, large.size)
	return quantityOf(node(Add, n.Kids[0], node(Mul, more.Kids[0], &Node{Kind: Number, Value: scale})), n.Name)
}

// mixed reports whether a whole number is followed by the fraction of a mixed
// number: 2\frac{1}{2}, 2 1/2. The fraction must be a proper one.
func (p *parser) mixed(factors []*Node) bool {
	if len(factors) != 1 || p.at == 0 || factors[0].Kind != Number || !factors[0].Value.IsInt() || factors[0].Decimal || p.tokens[p.at-1].kind != tokNumber {
		return false
	}
	proper := func(n, d token) bool {
		return n.kind == tokNumber && d.kind == tokNumber && n.node.Value.IsInt() && d.node.Value.IsInt() && n.node.Value.Sign() > 0 && n.node.Value.Cmp(d.node.Value) < 0
	}
	t := p.peek()
	if t.kind == tokNumber && t.space && p.peekAt(1).text == "/" && p.peekAt(1).kind == tokSign {
		return proper(t, p.peekAt(2))
	}
	if t.kind != tokName || t.text != "frac" {
		return false
	}
	if p.peekAt(1).kind == tokNumber { // \frac12, \frac1{2}
		if text := p.peekAt(1).text; len(text) == 2 {
			return text[0] < text[1] && text[0] > '0'
		}
		return proper(p.peekAt(1), p.peekAt(2)) || proper(p.peekAt(1), p.peekAt(3))
	}
	return p.peekAt(1).text == "{" && p.peekAt(3).text == "}" && (proper(p.peekAt(2), p.peekAt(4)) || p.peekAt(4).text == "{" && p.peekAt(6).text == "}" && proper(p.peekAt(2), p.peekAt(5)))
}

func (p *parser) mixedNumber(whole *Node) (n *Node) {
	if p.peek().kind == tokNumber {
		n = node(Add, whole, node(Div, p.peek().node, p.peekAt(2).node))
		p.at += 3
	} else {
		n = node(Add, whole, p.primary())
	}
	if p.is("^") && (p.peekAt(1).text == "circ" || p.peekAt(1).text == "{" && p.peekAt(2).text == "circ") {
		p.at++
		p.degrees()
		return node(Degree, n)
	}
	if p.accept("%") {
		return node(Percent, n)
	}
	return n
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
