package reward

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// maxDigits bounds the work of one number: its digits and the sizes of its
// exponents, numerator and denominator together.
const maxDigits = 1000

// maxNesting bounds fractions within fractions and brackets within brackets.
const maxNesting = 8

var (
	// errNotNumber: the text is no number, so it is compared as text.
	errNotNumber = errors.New("not a number")
	// errTooBig and errZeroDivision: it is one, but has no value that is worth computing.
	errTooBig       = fmt.Errorf("a number of more than %d digits, its exponents counted", maxDigits)
	errZeroDivision = errors.New("a division by zero")
)

// quantity is a number as it was written: 50% has the value 50 and is a percentage.
type quantity struct {
	value   *big.Rat
	percent bool
}

var hundred = big.NewRat(100, 1)

// share is the number that a percentage stands for.
func (q quantity) share() *big.Rat {
	if !q.percent {
		return q.value
	}
	return new(big.Rat).Quo(q.value, hundred)
}

// String is the value in lowest terms, shortened if it is long.
func (q quantity) String() string {
	s := clip(q.value.RatString())
	if q.percent {
		s += "%"
	}
	return s
}

// equal compares by close. A percentage equals the number that it stands for
// and the number before its sign: 50% is 1/2, and is 50 to a question "what
// percentage".
func (q quantity) equal(r quantity, close func(a, b *big.Rat) bool) bool {
	if close(q.value, r.value) {
		return true
	}
	return q.percent != r.percent && close(q.share(), r.share())
}

// same is equality without tolerance.
func same(a, b *big.Rat) bool { return a.Cmp(b) == 0 }

// parseQuantity reads a whole text as a number: integers, decimals, exponents,
// thousands separators, fractions as a/b or \frac{a}{b} or \frac12, mixed
// numbers, powers of ten as \times10^{n}, a percent sign. s is in canonical
// form (see canonical). used counts the digits worked on.
func parseQuantity(s string) (q quantity, used int, err error) {
	p := numberParser{text: s, left: maxDigits}
	q.value, err = p.signed(0)
	if err == nil {
		q.percent = p.skip("%")
		if p.text != "" {
			err = errNotNumber
		}
	}
	return q, maxDigits - max(p.left, 0), err
}

// parseDecimal reads a decimal number with an optional exponent and nothing else.
func parseDecimal(s string) (*big.Rat, error) {
	p := numberParser{text: s, left: maxDigits}
	negative := p.skip("-")
	v, err := p.decimal()
	if err == nil && p.text != "" {
		err = errNotNumber
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", show(s), err)
	}
	if negative {
		v.Neg(v)
	}
	return v, nil
}

// numberParser reads numbers from the beginning of text.
type numberParser struct {
	text string
	left int // digits that may still be worked on
}

// skip takes a prefix if it is there.
func (p *numberParser) skip(prefix string) bool {
	rest, ok := strings.CutPrefix(p.text, prefix)
	p.text = rest
	return ok
}

// signed := {+|-} unsigned
func (p *numberParser) signed(depth int) (*big.Rat, error) {
	if depth > maxNesting {
		return nil, errNotNumber
	}
	negative := p.skip("-")
	if !negative {
		p.skip("+")
	}
	v, err := p.unsigned(depth)
	if err == nil && negative {
		v.Neg(v)
	}
	return v, err
}

// unsigned := fraction | decimal [fraction | " " digits/digits | /decimal | *10^n]
func (p *numberParser) unsigned(depth int) (*big.Rat, error) {
	if p.skip(`\frac`) {
		return p.fraction(depth)
	}
	v, err := p.decimal()
	if err != nil {
		return nil, err
	}
	switch {
	case p.skip("/"):
		d, err := p.decimal()
		if err != nil {
			return nil, err
		}
		return quotient(v, d)
	case p.skip(`\frac`):
		return p.mixed(v, func() (*big.Rat, error) { return p.fraction(depth) })
	case strings.HasPrefix(p.text, " ") && strings.Contains(p.text, "/"):
		p.skip(" ")
		return p.mixed(v, func() (*big.Rat, error) { return p.ratio() })
	case p.skip(`\times10^`), p.skip(`\cdot10^`), p.skip("*10^"):
		return p.scaled(v)
	}
	return v, nil
}

// mixed adds the fraction of a mixed number to its whole part: 2\frac{1}{2}.
func (p *numberParser) mixed(whole *big.Rat, fraction func() (*big.Rat, error)) (*big.Rat, error) {
	f, err := fraction()
	if err != nil {
		return nil, err
	}
	if !whole.IsInt() || f.Sign() <= 0 {
		return nil, errNotNumber
	}
	return whole.Add(whole, f), nil
}

// ratio := decimal / decimal
func (p *numberParser) ratio() (*big.Rat, error) {
	n, err := p.decimal()
	if err != nil {
		return nil, err
	}
	if !p.skip("/") {
		return nil, errNotNumber
	}
	d, err := p.decimal()
	if err != nil {
		return nil, err
	}
	return quotient(n, d)
}

// fraction reads the two arguments of \frac: each a digit or a number in braces.
func (p *numberParser) fraction(depth int) (*big.Rat, error) {
	n, err := p.argument(depth)
	if err != nil {
		return nil, err
	}
	d, err := p.argument(depth)
	if err != nil {
		return nil, err
	}
	return quotient(n, d)
}

func (p *numberParser) argument(depth int) (*big.Rat, error) {
	if p.skip("{") {
		v, err := p.signed(depth + 1)
		if err == nil && !p.skip("}") {
			err = errNotNumber
		}
		return v, err
	}
	p.skip(" ")
	if p.text == "" || !isDigit(p.text[0]) {
		return nil, errNotNumber
	}
	v := big.NewRat(int64(p.text[0]-'0'), 1)
	p.text = p.text[1:]
	p.left--
	return v, nil
}

// scaled reads the exponent of a power of ten: n, -n or either in braces.
func (p *numberParser) scaled(v *big.Rat) (*big.Rat, error) {
	brace := p.skip("{")
	sign := ""
	if p.skip("-") {
		sign = "-"
	}
	digits := p.digits()
	if digits == "" || brace && !p.skip("}") {
		return nil, errNotNumber
	}
	power, err := p.value("1e"+sign+digits, digits)
	if err != nil {
		return nil, err
	}
	return v.Mul(v, power), nil
}

// decimal := digits with thousands separators [. digits] [e [sign] digits] | . digits
func (p *numberParser) decimal() (*big.Rat, error) {
	n := scanDecimal(p.text)
	if n == 0 {
		return nil, errNotNumber
	}
	text := p.text[:n]
	p.text = p.text[n:]
	if p.left -= n; p.left < 0 {
		return nil, errTooBig
	}
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	return p.value(strings.ReplaceAll(text, ",", ""), strings.TrimLeft(exponent, "+-"))
}

// value computes a decimal whose exponent has the given digits, "" for none.
func (p *numberParser) value(text, exponent string) (*big.Rat, error) {
	if exponent != "" {
		e, err := strconv.Atoi(exponent)
		if err != nil || e > p.left {
			p.left = -1
			return nil, errTooBig
		}
		p.left -= e
	}
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, errNotNumber
	}
	return v, nil
}

// digits takes the digits at the beginning.
func (p *numberParser) digits() string {
	n := 0
	for n < len(p.text) && isDigit(p.text[n]) {
		n++
	}
	d := p.text[:n]
	p.text = p.text[n:]
	return d
}

func quotient(n, d *big.Rat) (*big.Rat, error) {
	if d.Sign() == 0 {
		return nil, errZeroDivision
	}
	return n.Quo(n, d), nil
}
