package math

import (
	"math/big"
)

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
		if n.Kids[0].Kind == Symbol && n.Kids[1].wholeNumbers() {
			p.integer = n.Kids[0].Name
		}
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
