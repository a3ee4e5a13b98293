package gym

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/cmplx"
)

var (
	simpleIntegration       = Task{"simple_integration", scoreIntegral}
	intermediateIntegration = Task{"intermediate_integration", scoreIntegral}
)

// samplePoints are where the derivative of an answer is compared with the
// integrand: small and large, of both signs, and off the real line, where
// branches of roots and logarithms would show.
var samplePoints = [...]complex128{0.1037, 0.3711, -0.2913, 0.8123, -0.7351, 1.6127, -1.2731, 2.4339, 0.4127 + 0.3719i, -0.6173 + 0.2291i, 0.0613 - 0.5177i, -1.1239 - 0.7283i}

// Bounds of the comparison. Rounding errors are carried along with every value;
// a point where they could hide a difference does not count.
const (
	roundoff    = 1e-12 // of the largest intermediate value
	mostBlurred = 1e-6  // of the value itself
	fewestSeen  = 4     // points that must count
)

// scoreIntegral differentiates the answer and compares with the integrand.
func scoreIntegral(e *Entry, answer string, _ bool) Result {
	name, err := metaText(e, "variable")
	if err != nil {
		return badEntry(err)
	}
	text, err := metaText(e, "integrand")
	if err != nil {
		return badEntry(err)
	}
	integrand, err := parseExpr(text)
	if err != nil {
		return badEntryf("metadata: integrand: %w", err)
	}
	f, err := parseExpr(answer)
	if err != nil {
		return scored(0, "%s: %v", quote(answer), err)
	}
	return compareDerivative(f, integrand, name)
}

func compareDerivative(f, integrand *expr, name string) Result {
	seen := 0
	for _, x := range samplePoints {
		want, err := integrand.dual(name, x, 0)
		if err != nil {
			return badEntryf("metadata: integrand: %w", err)
		}
		got, err := f.dual(name, x, 0)
		if err != nil {
			return scored(0, "the answer: %v", err)
		}
		size := max(cmplx.Abs(want.v), cmplx.Abs(got.d))
		blur := roundoff * (want.sv + got.sd)
		difference := cmplx.Abs(got.d - want.v)
		if !(blur <= mostBlurred*max(size, 1e-3)) || math.IsNaN(difference) {
			continue
		}
		if difference > blur {
			return scored(0, "the derivative at %s = %.4g is %.6g; the integrand is %.6g", name, x, got.d, want.v)
		}
		seen++
	}
	if seen < fewestSeen {
		return scored(0, "the derivative has no usable values to compare with the integrand")
	}
	return scored(1, "the derivative is the integrand")
}

// dual is a value and its derivative, each with the magnitude that its rounding
// errors are relative to.
type dual struct {
	v, d   complex128
	sv, sd float64
}

func fixed(v complex128) dual { return dual{v: v, sv: cmplx.Abs(v)} }

// dual evaluates the expression and its derivative at x. Names other than the
// variable are constants of integration: each stands for a number of its own.
func (e *expr) dual(name string, x complex128, depth int) (dual, error) {
	switch e.op {
	case 'n':
		f, _ := e.num.Float64()
		return fixed(complex(f, 0)), nil
	case 'v':
		return nameValue(e.name, name, x), nil
	}
	var args [2]dual
	if len(e.args) > len(args) {
		return dual{}, fmt.Errorf("%s takes at most two arguments", quote(e.name))
	}
	for i, a := range e.args {
		v, err := a.dual(name, x, depth+1)
		if err != nil {
			return dual{}, err
		}
		args[i] = v
	}
	a, b := args[0], args[1]
	switch e.op {
	case '_':
		return dual{-a.v, -a.d, a.sv, a.sd}, nil
	case '+':
		return dual{a.v + b.v, a.d + b.d, a.sv + b.sv, a.sd + b.sd}, nil
	case '-':
		return dual{a.v - b.v, a.d - b.d, a.sv + b.sv, a.sd + b.sd}, nil
	case '*':
		return a.times(b), nil
	case '/':
		return a.times(b.inverse()), nil
	case 'p':
		return a.power(b), nil
	case 'f':
		return callFunction(e.name, args[:len(e.args)])
	}
	return dual{}, errors.New("only + - * / ** and functions are understood (write ** for a power, not ^)")
}

func nameValue(name, variable string, x complex128) dual {
	switch name {
	case variable:
		return dual{x, 1, cmplx.Abs(x), 1}
	case "E":
		return fixed(math.E)
	case "pi":
		return fixed(math.Pi)
	case "I":
		return fixed(1i)
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return fixed(complex(1.5+float64(h.Sum32()%9973)/9973, 0))
}

// times carries rounding errors to first order: each factor's scales with the
// value of the other, so that powers of a sine keep their digits.
func (a dual) times(b dual) dual {
	av, bv := cmplx.Abs(a.v), cmplx.Abs(b.v)
	return dual{
		a.v * b.v, a.d*b.v + a.v*b.d,
		a.sv*bv + av*b.sv, a.sd*bv + cmplx.Abs(a.d)*b.sv + a.sv*cmplx.Abs(b.d) + av*b.sd,
	}
}

// chain applies a function with its first two derivatives at a.v.
func (a dual) chain(f, f1, f2 complex128) dual {
	m1, m2 := cmplx.Abs(f1), cmplx.Abs(f2)
	return dual{f, f1 * a.d, cmplx.Abs(f) + m1*a.sv, m1*a.sd + m2*a.sv*cmplx.Abs(a.d)}
}

func (a dual) inverse() dual {
	i := 1 / a.v
	return a.chain(i, -i*i, 2*i*i*i)
}

// power is a^b: exactly differentiated for constant exponents, by exp(b·log a)
// otherwise.
func (a dual) power(b dual) dual {
	if b.d == 0 {
		n := real(b.v)
		if imag(b.v) == 0 && n == math.Trunc(n) && math.Abs(n) <= 512 {
			return a.whole(int(n))
		}
		p2 := cmplx.Pow(a.v, b.v-2)
		return a.chain(p2*a.v*a.v, b.v*p2*a.v, b.v*(b.v-1)*p2)
	}
	l := cmplx.Log(a.v)
	i := 1 / a.v
	return a.chain(l, i, -i*i).times(b).exp()
}

// whole is a whole power, by squaring.
func (a dual) whole(n int) dual {
	if n < 0 {
		return a.inverse().whole(-n)
	}
	out := fixed(1)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			out = out.times(a)
		}
		if n > 1 {
			a = a.times(a)
		}
	}
	return out
}

func (a dual) exp() dual {
	f := cmplx.Exp(a.v)
	return a.chain(f, f, f)
}

func (a dual) log() dual {
	i := 1 / a.v
	return a.chain(cmplx.Log(a.v), i, -i*i)
}

// functions are those of one argument; each gives its value and its first two
// derivatives.
var functions = map[string]func(z complex128) (f, f1, f2 complex128){
	"sin":  func(z complex128) (f, f1, f2 complex128) { s, c := cmplx.Sin(z), cmplx.Cos(z); return s, c, -s },
	"cos":  func(z complex128) (f, f1, f2 complex128) { s, c := cmplx.Sin(z), cmplx.Cos(z); return c, -s, -c },
	"sinh": func(z complex128) (f, f1, f2 complex128) { s, c := cmplx.Sinh(z), cmplx.Cosh(z); return s, c, s },
	"cosh": func(z complex128) (f, f1, f2 complex128) { s, c := cmplx.Sinh(z), cmplx.Cosh(z); return c, s, c },
	"tan": func(z complex128) (f, f1, f2 complex128) {
		t := cmplx.Tan(z)
		return t, 1 + t*t, 2 * t * (1 + t*t)
	},
	"cot": func(z complex128) (f, f1, f2 complex128) {
		t := cmplx.Cot(z)
		return t, -1 - t*t, 2 * t * (1 + t*t)
	},
	"sec": func(z complex128) (f, f1, f2 complex128) {
		s, t := 1/cmplx.Cos(z), cmplx.Tan(z)
		return s, s * t, s*t*t + s*s*s
	},
	"csc": func(z complex128) (f, f1, f2 complex128) {
		s, t := 1/cmplx.Sin(z), cmplx.Cot(z)
		return s, -s * t, s*t*t + s*s*s
	},
	"tanh": func(z complex128) (f, f1, f2 complex128) {
		t := cmplx.Tanh(z)
		return t, 1 - t*t, -2 * t * (1 - t*t)
	},
	"asin": func(z complex128) (f, f1, f2 complex128) {
		r := 1 / cmplx.Sqrt(1-z*z)
		return cmplx.Asin(z), r, z * r * r * r
	},
	"acos": func(z complex128) (f, f1, f2 complex128) {
		r := 1 / cmplx.Sqrt(1-z*z)
		return cmplx.Acos(z), -r, -z * r * r * r
	},
	"atan": func(z complex128) (f, f1, f2 complex128) {
		r := 1 / (1 + z*z)
		return cmplx.Atan(z), r, -2 * z * r * r
	},
	"sqrt": func(z complex128) (f, f1, f2 complex128) {
		r := cmplx.Sqrt(z)
		return r, 0.5 / r, -0.25 / (r * z)
	},
}

func callFunction(name string, args []dual) (dual, error) {
	switch {
	case (name == "log" || name == "ln") && len(args) == 2:
		return args[0].log().times(args[1].log().inverse()), nil
	case len(args) != 1:
	case name == "exp":
		return args[0].exp(), nil
	case name == "log" || name == "ln":
		return args[0].log(), nil
	default:
		if f, ok := functions[name]; ok {
			return args[0].chain(f(args[0].v)), nil
		}
	}
	return dual{}, fmt.Errorf("the function %s of %d arguments is not known", quote(name), len(args))
}
