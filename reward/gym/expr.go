package gym

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// expr is an arithmetic expression in Python's notation. It is read by a parser
// of its own: nothing is ever evaluated as code.
type expr struct {
	op   byte     // 'n' number, 'v' name, 'f' call, '+' '-' '*' '/' 'p' power, '_' minus sign, 'd' //, '%', '^', '&', '|', 'l' <<, 'r' >>, '~'
	num  *big.Rat // 'n'
	real bool     // 'n': written with a point or an exponent
	name string   // 'v' and 'f'
	args []*expr
	two  [2]*expr // room for args
}

// Bounds of an expression.
const (
	maxExprBytes = 1 << 14
	maxExprDepth = 200
	maxExprNodes = 1 << 12
	maxBits      = 1 << 14 // of a number within a calculation
)

var (
	errExprLong  = errors.New("the expression is too long")
	errBigNumber = errors.New("a number is too large")
	errDivZero   = errors.New("division by zero")
)

// parseExpr reads an expression.
func parseExpr(text string) (*expr, error) {
	if len(text) > maxExprBytes {
		return nil, errExprLong
	}
	p := exprParser{text: text}
	e, err := p.binary(0, 0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, fmt.Errorf("unexpected %s at byte %d", quote(p.text[p.at:min(len(p.text), p.at+8)]), p.at+1)
	}
	return e, nil
}

type exprParser struct {
	text  string
	at    int
	nodes int
}

func (p *exprParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\n\r\f", p.text[p.at]) >= 0 {
		p.at++
	}
}

// operator is the operator that comes next with its level, weakest 0, and its
// length; op is 0 if there is none.
func (p *exprParser) operator() (op byte, level, length int) {
	p.space()
	if p.at == len(p.text) {
		return 0, 0, 0
	}
	c := p.text[p.at]
	twice := p.at+1 < len(p.text) && p.text[p.at+1] == c
	switch {
	case c == '|':
		return c, 0, 1
	case c == '^':
		return c, 1, 1
	case c == '&':
		return c, 2, 1
	case c == '<' && twice:
		return 'l', 3, 2
	case c == '>' && twice:
		return 'r', 3, 2
	case c == '+' || c == '-':
		return c, 4, 1
	case c == '*' && p.powerSign() == 0:
		return c, 5, 1
	case c == '/' && twice:
		return 'd', 5, 2
	case c == '/' || c == '%':
		return c, 5, 1
	}
	return 0, 0, 0
}

// binary reads operators of a level and those that bind stronger.
func (p *exprParser) binary(level, depth int) (*expr, error) {
	left, err := p.unary(depth)
	for err == nil {
		op, at, length := p.operator()
		if op == 0 || at < level {
			return left, nil
		}
		p.at += length
		var right *expr
		if right, err = p.binary(at+1, depth); err == nil {
			left, err = p.pair(op, left, right)
		}
	}
	return nil, err
}

// pair makes a node of two arguments.
func (p *exprParser) pair(op byte, left, right *expr) (*expr, error) {
	e := &expr{op: op, two: [2]*expr{left, right}}
	e.args = e.two[:]
	return p.node(e)
}

// node counts a node.
func (p *exprParser) node(e *expr) (*expr, error) {
	if p.nodes++; p.nodes > maxExprNodes {
		return nil, errExprLong
	}
	return e, nil
}

// unary reads signs, which bind weaker than a power.
func (p *exprParser) unary(depth int) (*expr, error) {
	if depth > maxExprDepth {
		return nil, errTooDeep
	}
	p.space()
	if p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case '+', '-', '~':
			p.at++
			e, err := p.unary(depth + 1)
			if err != nil || c == '+' {
				return e, err
			}
			if c == '-' {
				c = '_'
			}
			return p.node(&expr{op: c, args: []*expr{e}})
		}
	}
	base, err := p.atom(depth)
	if err != nil {
		return nil, err
	}
	if n := p.powerSign(); n > 0 {
		p.at += n
		exponent, err := p.unary(depth + 1)
		if err != nil {
			return nil, err
		}
		return p.pair('p', base, exponent)
	}
	return base, nil
}

// powerSign is the length of the ** that comes next, 0 if there is none. Spaces
// may part the two, as in sympy.
func (p *exprParser) powerSign() int {
	p.space()
	begin := p.at
	if begin == len(p.text) || p.text[begin] != '*' {
		return 0
	}
	p.at++
	p.space()
	end := p.at
	p.at = begin
	if end < len(p.text) && p.text[end] == '*' {
		return end + 1 - begin
	}
	return 0
}

func isNameByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || '0' <= c && c <= '9'
}

// atom reads a number, a name, a call or what stands in parentheses.
func (p *exprParser) atom(depth int) (*expr, error) {
	p.space()
	if p.at == len(p.text) {
		return nil, errUnfinished
	}
	c := p.text[p.at]
	switch {
	case c == '(':
		p.at++
		e, err := p.binary(0, depth+1)
		if err != nil {
			return nil, err
		}
		return e, p.close()
	case '0' <= c && c <= '9' || c == '.':
		return p.number()
	case isNameByte(c):
		return p.call(depth)
	}
	return nil, fmt.Errorf("unexpected %s at byte %d", quote(p.text[p.at:min(len(p.text), p.at+4)]), p.at+1)
}

func (p *exprParser) close() error {
	p.space()
	if p.at == len(p.text) || p.text[p.at] != ')' {
		return errors.New("a parenthesis is not closed")
	}
	p.at++
	return nil
}

func (p *exprParser) call(depth int) (*expr, error) {
	begin := p.at
	for p.at < len(p.text) && isNameByte(p.text[p.at]) {
		p.at++
	}
	e := &expr{op: 'v', name: p.text[begin:p.at]}
	p.space()
	if p.at == len(p.text) || p.text[p.at] != '(' {
		return p.node(e)
	}
	e.op = 'f'
	for more := true; more; {
		p.at++
		arg, err := p.binary(0, depth+1)
		if err != nil {
			return nil, err
		}
		if e.args = append(e.args, arg); len(e.args) > 8 {
			return nil, errExprLong
		}
		p.space()
		more = p.at < len(p.text) && p.text[p.at] == ','
	}
	if err := p.close(); err != nil {
		return nil, err
	}
	return p.node(e)
}

func (p *exprParser) number() (*expr, error) {
	body, real := scanNumber(p.text[p.at:], true)
	if body == "" {
		return nil, fmt.Errorf("unreadable number at byte %d", p.at+1)
	}
	p.at += len(body)
	if p.at < len(p.text) && isNameByte(p.text[p.at]) {
		return nil, fmt.Errorf("a name touches a number at byte %d", p.at+1)
	}
	num, err := exactNumber(strings.ReplaceAll(body, "_", ""), real)
	if err != nil {
		return nil, err
	}
	return p.node(&expr{op: 'n', num: num, real: real})
}

// exactNumber reads an unsigned number exactly.
func exactNumber(body string, real bool) (*big.Rat, error) {
	if n := smallNumber(body); n >= 0 {
		return smallRats[n], nil
	}
	if real {
		d, ok := parseDecimal(body)
		if !ok {
			return nil, errBigNumber
		}
		return d.rat()
	}
	v, err := makeNumber(body, false, false)
	if err != nil {
		return nil, err
	}
	if v.big != nil {
		return new(big.Rat).SetInt(v.big), nil
	}
	return new(big.Rat).SetInt64(v.i), nil
}

// smallRats are the numbers that most expressions are made of. No calculation
// changes its operands.
var smallRats = func() (list [100]*big.Rat) {
	for i := range list {
		list[i] = big.NewRat(int64(i), 1)
	}
	return list
}()

// smallNumber is a number of one or two digits, -1 for all others.
func smallNumber(s string) int {
	switch {
	case len(s) == 1 && '0' <= s[0] && s[0] <= '9':
		return int(s[0] - '0')
	case len(s) == 2 && '1' <= s[0] && s[0] <= '9' && '0' <= s[1] && s[1] <= '9':
		return int(s[0]-'0')*10 + int(s[1]-'0')
	}
	return -1
}

// numbers lists the numbers of the expression as they were written, in order.
func (e *expr) numbers() []*big.Rat {
	var list []*big.Rat
	e.walk(func(x *expr) {
		if x.op == 'n' {
			list = append(list, x.num)
		}
	})
	return list
}

// walk visits every node, arguments first.
func (e *expr) walk(visit func(*expr)) {
	for _, a := range e.args {
		a.walk(visit)
	}
	visit(e)
}

// rational computes an expression of numbers with + - * / and ** by whole
// exponents, exactly.
func (e *expr) rational() (*big.Rat, error) {
	switch e.op {
	case 'n':
		return e.num, nil
	case 'v', 'f':
		return nil, fmt.Errorf("%s is no number", quote(e.name))
	case '~', '^', '&', '|', 'l', 'r', 'd', '%':
		return nil, errors.New("only + - * / and ** are understood")
	}
	var args [2]*big.Rat
	for i, a := range e.args {
		v, err := a.rational()
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return apply(e.op, args[0], args[1])
}

// apply computes one operation, within the bound on the size of numbers.
func apply(op byte, a, b *big.Rat) (*big.Rat, error) {
	out := new(big.Rat)
	switch op {
	case '_':
		return out.Neg(a), nil
	case '+':
		out.Add(a, b)
	case '-':
		out.Sub(a, b)
	case '*':
		out.Mul(a, b)
	case '/':
		if b.Sign() == 0 {
			return nil, errDivZero
		}
		out.Quo(a, b)
	case 'p':
		return power(a, b)
	}
	if out.Num().BitLen()+out.Denom().BitLen() > maxBits {
		return nil, errBigNumber
	}
	return out, nil
}

// power is a to a whole power.
func power(a, b *big.Rat) (*big.Rat, error) {
	if !b.IsInt() {
		return nil, errors.New("an exponent is no whole number")
	}
	if a.IsInt() && a.Num().IsInt64() && (a.Num().Int64() == 1 || a.Sign() == 0 && b.Sign() > 0) {
		return a, nil
	}
	if !b.Num().IsInt64() {
		return nil, errBigNumber
	}
	n := b.Num().Int64()
	if n < 0 && a.Sign() == 0 {
		return nil, errDivZero
	}
	size := int64(max(a.Num().BitLen(), a.Denom().BitLen()))
	m := max(n, -n)
	if m < 0 || m > maxBits || m*size > maxBits {
		return nil, errBigNumber
	}
	exponent := big.NewInt(m)
	out := new(big.Rat).SetFrac(new(big.Int).Exp(a.Num(), exponent, nil), new(big.Int).Exp(a.Denom(), exponent, nil))
	if n < 0 {
		out.Inv(out)
	}
	return out, nil
}
