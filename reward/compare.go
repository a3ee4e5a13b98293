package reward

import (
	"errors"
	"strings"
)

// maxWork bounds one comparison of two mathematical answers: bytes looked at
// and digits computed with. A long honest answer needs a hundredth of it.
const maxWork = 1 << 18

var errTooMuchWork = errors.New("too much work to compare")

// comparison compares two answers in canonical form, counting its work.
type comparison struct {
	left  int    // work that may still be done
	flaw  error  // why some part of the first answer has no value; nil if none
	trace *trace // nil if nobody wants to know
}

// equal reports whether two answers are equal in any of their readings.
func (c *comparison) equal(a, b string, depth int) bool {
	for _, x := range readings(a) {
		for _, y := range readings(b) {
			if len(x) == len(y) && c.all(x, y, depth) {
				return true
			}
		}
	}
	return false
}

// all reports whether two lists are equal element by element.
func (c *comparison) all(x, y []string, depth int) bool {
	if len(x) > 1 && c.trace != nil && depth == 0 {
		c.trace.add("compare as lists of %d values, in order", len(x))
	}
	for i := range x {
		if !c.element(x[i], y[i], depth) {
			return false
		}
	}
	return true
}

// element compares one value: as a number if both are, within brackets of the
// same kind, or as text.
func (c *comparison) element(a, b string, depth int) bool {
	a, b = unbraced(strings.TrimSpace(a)), unbraced(strings.TrimSpace(b))
	if c.left -= len(a) + len(b); c.left < 0 {
		c.flaw = errTooMuchWork
		return false
	}
	p, workP, errP := parseQuantity(a)
	q, workQ, errQ := parseQuantity(b)
	c.left -= workP + workQ
	if errP != nil && errP != errNotNumber {
		c.flaw = errP
		return false
	}
	if errP == nil && errQ == nil {
		equal := p.equal(q, same)
		if c.trace != nil {
			c.trace.add("compare as numbers: %s and %s, equal: %v", p, q, equal)
		}
		return equal
	}
	if depth < maxNesting {
		x, kindX := brackets(a)
		y, kindY := brackets(b)
		if kindX != "" && kindX == kindY {
			return c.equal(x, y, depth+1)
		}
	}
	equal := strings.ReplaceAll(a, ", ", ",") == strings.ReplaceAll(b, ", ", ",")
	if c.trace != nil {
		c.trace.add("compare as text: %s and %s, equal: %v", show(a), show(b), equal)
	}
	return equal
}
