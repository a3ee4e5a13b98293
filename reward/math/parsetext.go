package math

import (
	"strings"
)

// qualifier passes over words that say for which values an answer holds: for all
// x, where k is an integer. Words with a relation could say that it holds for few.
func (p *parser) qualifier() {
	if !p.qualifies() {
		return
	}
	for _, t := range p.tokens[p.at:] {
		if _, relation := relations[t.text]; t.kind == tokSign && relation && t.text != "in" {
			return
		}
	}
	if name := p.declared(); name != "" {
		p.integer = name
	}
	p.at = len(p.tokens)
}

// qualifies reports whether words follow that begin a qualifier.
func (p *parser) qualifies() bool {
	t := p.peek()
	return t.kind == tokText && (strings.HasPrefix(t.text, "for") || strings.HasPrefix(t.text, "where"))
}

// declared is the one variable of a qualifier that says no more than that it is a
// whole number, as in where k is an integer, or for k ∈ ℤ; "" if it says more.
func (p *parser) declared() string {
	name, integer := "", false
	for _, t := range p.tokens[p.at:] {
		switch {
		case t.kind == tokLetter && name == "":
			name = t.text
		case t.kind == tokText && declaring(t.text):
			integer = integer || strings.Contains(t.text, "integer")
		case t.kind == tokName && (t.text == "set Z" || t.text == "set N"):
			integer = true
		case t.kind != tokSign || t.text != "in":
			return ""
		}
	}
	if !integer {
		return ""
	}
	return name
}

// declaring reports whether words only introduce a whole number: no even one,
// and not only a positive one.
func declaring(text string) bool {
	for _, word := range strings.Fields(strings.Trim(text, " .,")) {
		switch word {
		case "for", "where", "any", "all", "every", "each", "some", "is", "an", "integer", "integers":
		default:
			return false
		}
	}
	return true
}

// conditioned says with an answer that its parameter is a whole number.
func (p *parser) conditioned(n *Node) *Node {
	if p.integer == "" || n.Kind == Builder {
		return n
	}
	in := &Node{Kind: Relation, Ops: []string{"in"}, Kids: []*Node{{Kind: Symbol, Name: p.integer}, {Kind: Domain, Name: "Z"}}}
	return node(Builder, n, in)
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
