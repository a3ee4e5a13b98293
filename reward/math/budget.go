package math

import "math/big"

// Bounds of one comparison. They are counted, never timed, so that a verdict is
// the same on every machine. On the machine of docs/graders.md the whole budget
// is spent within the 50 ms and 16 MB that one answer may take.
const (
	// MaxText is the longest answer, in bytes, that is parsed.
	MaxText = 1 << 18
	// DefaultBudget is how many steps one comparison may take. A step is about
	// one multiplication of two machine words.
	DefaultBudget = 6_000_000

	maxDepth  = 100     // nesting of an expression
	maxNodes  = 20_000  // nodes of an expression
	maxBits   = 1 << 19 // of an exact integer
	maxTerms  = 400     // of a normal form
	maxFactor = 1 << 12 // trial division of what stands under a root
)

// trouble is why an expression has no value here. It travels as a panic within
// this package and ends in guard.
type trouble struct {
	reason string
	// budget: too expensive, not wrong.
	budget bool
}

func (t *trouble) Error() string { return t.reason }

var (
	errBudget      = &trouble{reason: "more work than one answer may take", budget: true}
	errTooLarge    = &trouble{reason: "a number too large to compute with", budget: true}
	errTooDeep     = &trouble{reason: "nested too deeply", budget: true}
	errTooLong     = &trouble{reason: "too long", budget: true}
	errZero        = &trouble{reason: "a division by zero"}
	errUndefined   = &trouble{reason: "no defined value"}
	errUnfit       = &trouble{reason: "not of this stage"} // another stage must decide
	errAmbiguous   = &trouble{reason: "a value too close to a jump to be decided"}
	errNotRational = &trouble{reason: "not rational"}
)

// meter counts the work of one comparison.
type meter struct {
	left  int
	nodes int
}

// spend takes n steps.
func (m *meter) spend(n int) {
	if m.left -= n; m.left < 0 {
		m.left = 0
		panic(errBudget)
	}
}

// words is the size of an integer in machine words.
func words(x *big.Int) int { return (x.BitLen() + 63) / 64 }

// guard runs f and gives the trouble that ended it, nil if none did. Any other
// panic is a bug and goes on.
func guard(f func()) (t *trouble) {
	defer func() {
		if r := recover(); r != nil {
			known, ok := r.(*trouble)
			if !ok {
				panic(r)
			}
			t = known
		}
	}()
	f()
	return nil
}
