package math

import (
	"fmt"
	"math/big"
	"strings"
)

// Stages of deciding whether two expressions are equal, as verdicts name them.
const (
	stageIdentical = "identical text"
	stageExact     = "exact rational numbers"
	stageNormal    = "exact normal forms"
	stageModular   = "randomised identity testing"
	stageNumeric   = "interval arithmetic"
	stageWhole     = "values at whole numbers"
	stageStructure = "structure"
	stageRounding  = "rounding of the gold"
	stageTolerance = "tolerance"
	stageText      = "text"
)

// comparison compares one answer with one gold.
type comparison struct {
	*meter
	opt       Options
	seed      uint64
	stage     string   // that decided last
	why       string   // what it found
	listed    bool     // spellings of one value are compared
	depth     int      // of containers around what is compared
	integers  []string // parameters said to be whole numbers
	undecided string   // why some part could not be decided, "" if all could
	forms     map[*Node]formed
}

type formed struct {
	form normal
	t    *trouble
}

func (c *comparison) decide(equal bool, stage, format string, args ...any) bool {
	c.stage = stage
	c.why = fmt.Sprintf(format, args...)
	return equal
}

func (c *comparison) form(n *Node) (normal, *trouble) {
	if f, ok := c.forms[n]; ok {
		return f.form, f.t
	}
	f, t := normalForm(c.meter, n)
	if t == errBudget {
		panic(t)
	}
	if c.forms == nil {
		c.forms = map[*Node]formed{}
	}
	c.forms[n] = formed{f, t}
	return f, t
}

// expressions decides whether two expressions are equal: exactly where it can,
// by identity testing where they are rational functions too large for that, and
// by interval arithmetic otherwise.
func (c *comparison) expressions(a, b *Node) bool {
	if x, ok := infinite(a); ok {
		y, also := infinite(b)
		return c.decide(also && x == y, stageStructure, "infinity on one side")
	}
	if _, ok := infinite(b); ok {
		return c.decide(false, stageStructure, "infinity on one side")
	}
	if a.Kind == Number && b.Kind == Number {
		return c.decide(a.Value.Cmp(b.Value) == 0, stageExact, "%s and %s", a.numberText(), b.numberText())
	}
	if equal, decided := c.byForms(a, b); decided {
		return equal || c.commonLogarithms(a, b)
	}
	if len(a.symbols())+len(b.symbols()) > 0 && (a.integral() || b.integral()) {
		return c.wholeSamples(a, b)
	}
	equal, decided, t := identical(c.meter, a, b, c.seed)
	if t == errBudget {
		panic(t)
	}
	if decided {
		return c.decide(equal, stageModular, "equal modulo random primes at random points: %v", equal)
	}
	if len(a.symbols())+len(b.symbols()) > 0 {
		return c.sampled(a, b) || c.commonLogarithms(a, b)
	}
	return c.balls(a, b) || c.commonLogarithms(a, b)
}

// commonLogarithms compares once more with log read to base 10 where no base is
// written; first it was read as the natural one.
func (c *comparison) commonLogarithms(a, b *Node) bool {
	open := func(n *Node) bool { return n.Kind == Call && n.Name == "log" && len(n.Kids) == 1 }
	if !a.has(open) && !b.has(open) {
		return false
	}
	toTen := func(n *Node) *Node {
		if open(n) {
			return call("log10", n.Kids[0])
		}
		return nil
	}
	stage, why, undecided := c.stage, c.why, c.undecided
	c.undecided = ""
	if c.expressions(a.replaceAll(toTen), b.replaceAll(toTen)) {
		return true
	}
	c.stage, c.why, c.undecided = stage, why, undecided
	return false
}

func infinite(n *Node) (sign int, ok bool) {
	switch {
	case n.Kind == Constant && n.Name == "inf":
		return 1, true
	case n.Kind == Neg:
		sign, ok = infinite(n.Kids[0])
		return -sign, ok
	}
	return 0, false
}

// byForms decides by exact normal forms.
func (c *comparison) byForms(a, b *Node) (equal, decided bool) {
	f, t := c.form(a)
	g, u := c.form(b)
	if t == nil && u == nil {
		z := normaliser{&exact{meter: c.meter}}
		var difference sum
		t = guard(func() {
			difference = z.addSums(z.mulSums(f.num, g.den), z.scale(z.mulSums(g.num, f.den), big.NewRat(-1, 1)))
		})
		if t == errBudget {
			panic(t)
		}
		if t == nil {
			equal = len(difference) == 0
			if !equal && (!f.decides() || !g.decides() || !(normal{f.num, g.num}).decides()) {
				return false, false
			}
			return c.decide(equal, stageNormal, "%s and %s", f, g), true
		}
	}
	for _, x := range [...]*trouble{t, u} {
		if x == errZero || x == errUndefined {
			return c.decide(false, stageNormal, "%v", x), true
		}
	}
	return false, false
}

// agree is how far below the smallest number met two values must agree, in bits,
// to be taken as equal by interval arithmetic.
const agree = 200

const maxPrecision = 4096

// balls compares two constants by interval arithmetic at growing precision.
// Balls that do not meet prove the values different. Values are taken as equal
// when they agree to 2^-200 of the smallest number met on the way.
func (c *comparison) balls(a, b *Node) bool {
	for prec := uint(128); ; {
		z := newNumeric(c.meter, prec)
		var x, y point
		t := guard(func() { x, y = z.eval(a), z.eval(b) })
		next := 2 * prec
		if t == nil {
			apart, gap := z.apart(x, y)
			if apart {
				return c.decide(false, stageNumeric, "%s and %s", shown(x), shown(y))
			}
			if gap <= z.low-agree {
				return c.decide(true, stageNumeric, "both %s, to %d bits", shown(x), z.high-gap)
			}
			next = max(320, 2*prec, uint(max(0, z.high-z.low))+agree+80)
		} else if t != errAmbiguous {
			return c.failed(t)
		}
		if next > maxPrecision {
			return c.failed(&trouble{reason: "the values agree as far as can be computed, which proves nothing", budget: true})
		}
		prec = next
	}
}

// failed notes that nothing could be decided.
func (c *comparison) failed(t *trouble) bool {
	if t == errBudget {
		panic(t)
	}
	c.undecided = t.reason
	return c.decide(false, stageNumeric, "not decided: %s", t.reason)
}

// apart reports whether two points differ for certain, and else the binary
// exponent of the largest difference they may have.
func (z *numeric) apart(x, y point) (apart bool, gap int) {
	gap = -1 << 40
	for _, d := range [...]ball{z.quietSub(x.re, y.re), z.quietSub(z.imag(x), z.imag(y))} {
		if lower(d) != nil {
			return true, 0
		}
		if u := upper(d); u.Sign() != 0 {
			gap = max(gap, u.MantExp(nil))
		}
	}
	return false, gap
}

// quietSub is sub, without the difference counting among the numbers met.
func (z *numeric) quietSub(a, b ball) ball {
	low, high := z.low, z.high
	d := z.sub(a, b)
	z.low, z.high = low, high
	return d
}

// shown prints a point with the digits that matter to a reader.
func shown(p point) string {
	re := p.re.mid.Text('g', 15)
	if p.real {
		return re
	}
	return re + " + " + p.im.mid.Text('g', 15) + "i"
}

const (
	samplesWanted = 5
	samplesLeast  = 3
	samplesTried  = 14
)

// sampled compares expressions with variables at random real points where both
// are defined.
func (c *comparison) sampled(a, b *Node) bool {
	names := union(a.symbols(), b.symbols())
	state := c.seed
	met := 0
	for i := 0; i < samplesTried && met < samplesWanted; i++ {
		at := map[string]*big.Rat{}
		for j, name := range names {
			at[name] = sample(&state, i, j)
		}
		equal, met1, x, y := c.sampleAt(a, b, at)
		if !met1 {
			continue
		}
		if !equal {
			return c.decide(false, stageNumeric, "at %s: %s and %s", where(names, at), shown(x), shown(y))
		}
		met++
	}
	if met < samplesLeast {
		return c.failed(&trouble{reason: "no point found where both are defined"})
	}
	return c.decide(true, stageNumeric, "equal at %d random points, to 2^-100", met)
}

// sample is a random point: most within (0,1), some beyond, some negative.
func sample(state *uint64, i, j int) *big.Rat {
	v := new(big.Rat).SetFrac(new(big.Int).SetUint64(mix(state)>>24|1), new(big.Int).SetUint64(1<<40))
	switch i % 4 {
	case 1:
		v.Add(v, big.NewRat(int64(1+j), 1))
	case 2:
		v.Mul(v, big.NewRat(7, 1))
		if (i/4+j)%2 == 0 {
			v.Neg(v)
		}
	case 3:
		v.Neg(v)
	}
	return v
}

// sampleAt evaluates both sides at a point; met is false where one has no value
// there.
func (c *comparison) sampleAt(a, b *Node, at map[string]*big.Rat) (equal, met bool, x, y point) {
	for prec := uint(192); prec <= maxPrecision; {
		z := newNumeric(c.meter, prec)
		t := guard(func() {
			for name, v := range at {
				z.at[name] = z.exactly(v)
			}
			x, y = z.eval(a), z.eval(b)
		})
		if t == errBudget {
			panic(t)
		}
		if t != nil && t != errAmbiguous {
			return false, false, x, y
		}
		if t == nil {
			apart, gap := z.apart(x, y)
			if apart {
				return false, true, x, y
			}
			if gap <= z.low-agree/2 {
				return true, true, x, y
			}
		}
		prec = max(2*prec, uint(max(0, min(z.high-z.low, maxPrecision)))+agree)
	}
	return false, false, x, y
}

func where(names []string, at map[string]*big.Rat) string {
	var parts []string
	for _, name := range names {
		parts = append(parts, name+" = "+at[name].FloatString(6))
	}
	return strings.Join(parts, ", ")
}
