package math

import (
	"strconv"
	"strings"
)

// maxRendered bounds the text of a node, in bytes.
const maxRendered = 200

// String renders n on one line, as it was understood: products and divisions
// explicit, containers with their kind. It is cut at 200 bytes.
func (n *Node) String() string {
	var b strings.Builder
	n.render(&b, 0)
	s := b.String()
	if len(s) > maxRendered {
		return strings.ToValidUTF8(s[:maxRendered], "") + "…"
	}
	return s
}

// Binding strengths for brackets.
const (
	looseSum = iota
	looseProduct
	looseSign
	loosePower
	tight
)

func (n *Node) strength() int {
	switch n.Kind {
	case Add, PlusMinus:
		return looseSum
	case Mul, Div:
		return looseProduct
	case Neg:
		return looseSign
	case Pow, Percent, Degree, Quantity:
		return loosePower
	case Number:
		if n.Value.Sign() < 0 || !n.Value.IsInt() && !n.Decimal {
			return looseProduct
		}
	}
	return tight
}

func (n *Node) render(b *strings.Builder, least int) {
	if b.Len() > maxRendered {
		return
	}
	if n == nil {
		return
	}
	if n.strength() < least {
		b.WriteByte('(')
		n.render(b, 0)
		b.WriteByte(')')
		return
	}
	switch n.Kind {
	case Number:
		b.WriteString(n.numberText())
	case Constant:
		b.WriteString(map[string]string{"pi": "π", "inf": "∞", "phi": "φ"}[n.Name])
		if n.Name == "e" || n.Name == "i" {
			b.WriteString(n.Name)
		}
	case Symbol:
		b.WriteString(n.Name)
	case Add:
		n.renderSum(b)
	case Mul:
		n.join(b, "·", looseProduct+1)
	case Div:
		n.join(b, "/", looseProduct+1)
	case Neg:
		b.WriteByte('-')
		n.Kids[0].render(b, looseProduct)
	case Pow:
		n.join(b, "^", tight)
	case Root:
		if n.Kids[1].isInt(2) {
			b.WriteString("√(")
		} else {
			b.WriteString("root[" + n.Kids[1].String() + "](")
		}
		n.Kids[0].render(b, 0)
		b.WriteByte(')')
	case Call:
		b.WriteString(n.Name + "(")
		n.join(b, ", ", 0)
		b.WriteByte(')')
	case PlusMinus:
		n.Kids[0].render(b, looseProduct)
		b.WriteString(map[string]string{"pm": "±", "mp": "∓"}[n.Name])
		n.Kids[1].render(b, looseProduct)
	default:
		n.renderContainer(b)
	}
}

func (n *Node) numberText() string {
	if n.Decimal && n.Decimals <= 40 {
		return n.Value.FloatString(n.Decimals)
	}
	if n.Value.Num().BitLen()+n.Value.Denom().BitLen() > 2000 {
		return "a number of " + strconv.Itoa(n.Value.Num().BitLen()*30103/100000+1) + " digits"
	}
	return n.Value.RatString()
}

func (n *Node) renderSum(b *strings.Builder) {
	for i, k := range n.Kids {
		switch {
		case i > 0 && k.Kind == Neg:
			b.WriteString(" - ")
			k = k.Kids[0]
		case i > 0 && k.Kind == Number && k.Value.Sign() < 0:
			b.WriteString(" - ")
			k = negative(k)
		case i > 0:
			b.WriteString(" + ")
		}
		k.render(b, looseProduct)
	}
}

func (n *Node) join(b *strings.Builder, with string, least int) {
	for i, k := range n.Kids {
		if i > 0 {
			b.WriteString(with)
		}
		k.render(b, least)
	}
}

func (n *Node) renderContainer(b *strings.Builder) {
	surround := func(open, with, end string) {
		b.WriteString(open)
		n.join(b, with, 0)
		b.WriteString(end)
	}
	switch n.Kind {
	case Percent:
		n.Kids[0].render(b, looseProduct)
		b.WriteByte('%')
	case Degree:
		n.Kids[0].render(b, looseProduct)
		b.WriteString("°")
	case Quantity:
		n.Kids[0].render(b, looseProduct)
		b.WriteString(" [" + n.Name + "]")
	case Relation:
		for i, k := range n.Kids {
			if i > 0 {
				b.WriteString(" " + relationSigns[n.Ops[i-1]] + " ")
			}
			k.render(b, 0)
		}
	case Tuple:
		surround(n.Name[:1], ", ", n.Name[1:])
	case Set:
		surround("{", ", ", "}")
	case List:
		surround("list ", ", ", "")
	case Union:
		surround("", " ∪ ", "")
	case Intersection:
		surround("", " ∩ ", "")
	case Without:
		surround("", " ∖ ", "")
	case Builder:
		surround("{", " | ", "}")
	case Matrix:
		b.WriteString("matrix [")
		for i, k := range n.Kids {
			if i > 0 && i%n.Cols == 0 {
				b.WriteString("; ")
			} else if i > 0 {
				b.WriteString(", ")
			}
			k.render(b, 0)
		}
		b.WriteByte(']')
	case Text:
		b.WriteString(strconv.Quote(n.Name))
	case Empty:
		b.WriteString("∅")
	case Domain:
		b.WriteString("set " + n.Name)
	case Ratio:
		surround("", " : ", "")
	case Residue:
		surround("", " mod ", "")
	case Ellipsis:
		b.WriteString("…")
	}
}

var relationSigns = map[string]string{"=": "=", "!=": "≠", "<": "<", ">": ">", "<=": "≤", ">=": "≥", "in": "∈", "~": "≈"}
