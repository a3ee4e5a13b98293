package gym

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

// pyInt is int(s) of Python at any size up to its bound on digits.
func pyInt(s string) (*big.Int, bool) {
	s, ok := withoutUnderscores(asciiDigits(pyStrip(s)))
	digits := strings.TrimLeft(s, "+-")
	if !ok || digits == "" || len(s)-len(digits) > 1 || len(digits) > maxDigits || strings.Trim(digits, "0123456789") != "" {
		return nil, false
	}
	if len(digits) < 18 {
		n, err := strconv.ParseInt(s, 10, 64)
		return big.NewInt(n), err == nil
	}
	return new(big.Int).SetString(strings.TrimPrefix(s, "+"), 10)
}

// pyIntAnyBase is int(s, 0): 0x, 0o and 0b are understood, 012 is not.
func pyIntAnyBase(s string) (*big.Int, bool) {
	s = asciiDigits(pyStrip(s))
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if len(s) > maxDigits || s == "" || s[0] == '_' || s[0] == '+' || s[0] == '-' {
		return nil, false
	}
	if s[0] == '0' && (len(s) == 1 || s[1]|0x20 != 'x' && s[1]|0x20 != 'o' && s[1]|0x20 != 'b') && strings.Trim(s, "0_") != "" {
		return nil, false
	}
	if strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return nil, false
	}
	n, ok := new(big.Int).SetString(s, 0)
	if ok && negative {
		n.Neg(n)
	}
	return n, ok
}

// decimal is a number of Python's decimal module: coefficient × 10^exponent.
type decimal struct {
	negative bool
	digits   string // without leading zeros; "" is zero
	exponent int64
	special  bool // infinite or not a number
	infinite bool
}

// maxExponent bounds the exponents that are read; Python's own bound is near it.
const maxExponent = 1e17

// parseDecimal is Decimal(s). Underscores count nowhere.
func parseDecimal(s string) (decimal, bool) {
	s = strings.ReplaceAll(asciiDigits(pyStrip(s)), "_", "")
	d := decimal{}
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	if isSpecial(s) {
		d.special, d.infinite = true, s[0]|0x20 == 'i'
		return d, true
	}
	mantissa, exponent, hasExponent := cutExponent(s)
	whole, part, _ := strings.Cut(mantissa, ".")
	if whole+part == "" || strings.Trim(whole, "0123456789") != "" || strings.Trim(part, "0123456789") != "" {
		return decimal{}, false
	}
	if hasExponent {
		n, ok := readExponent(exponent)
		if !ok {
			return decimal{}, false
		}
		d.exponent = n
	}
	d.exponent -= int64(len(part))
	d.digits = strings.TrimLeft(whole+part, "0")
	return d, true
}

func isSpecial(s string) bool {
	low := strings.ToLower(s[:min(len(s), 8)])
	if low == "inf" || s != "" && len(s) == 8 && low == "infinity" {
		return true
	}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(low, "s"), "nan")
	return ok && len(s) < 4300 && strings.Trim(rest, "0123456789") == ""
}

func cutExponent(s string) (mantissa, exponent string, found bool) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func readExponent(s string) (int64, bool) {
	digits := strings.TrimLeft(s, "+-")
	if digits == "" || len(s)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n < maxExponent && n > -maxExponent
}

// equal is Decimal's ==.
func (d decimal) equal(o decimal) bool {
	if d.special || o.special {
		return d.infinite && o.infinite && d.negative == o.negative
	}
	if d.digits == "" || o.digits == "" {
		return d.digits == o.digits
	}
	a, b := strings.TrimRight(d.digits, "0"), strings.TrimRight(o.digits, "0")
	return d.negative == o.negative && a == b &&
		d.exponent+int64(len(d.digits)-len(a)) == o.exponent+int64(len(o.digits)-len(b))
}

// adjusted is the exponent of the first digit.
func (d decimal) adjusted() int64 { return d.exponent + int64(len(d.digits)) - 1 }

// rat is the exact value of a decimal of moderate size.
func (d decimal) rat() (*big.Rat, error) {
	if d.special || d.digits != "" && (max(d.exponent, -d.exponent) > 4000 || len(d.digits) > maxDigits) {
		return nil, errBigNumber
	}
	if d.digits == "" {
		return new(big.Rat), nil
	}
	n, _ := new(big.Int).SetString(d.digits, 10)
	if d.negative {
		n.Neg(n)
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(d.exponent, -d.exponent)), nil)
	if d.exponent < 0 {
		return new(big.Rat).SetFrac(n, scale), nil
	}
	return new(big.Rat).SetInt(n.Mul(n, scale)), nil
}

// parseFraction is Fraction(s): a whole number, a decimal, or one whole number
// over another.
func parseFraction(s string) (*big.Rat, bool) {
	s = pyStrip(s)
	num, denom, over := strings.Cut(s, "/")
	if !over {
		t, ok := withoutUnderscores(asciiDigits(s))
		if !ok {
			return nil, false
		}
		d, ok := parseDecimal(t)
		if !ok {
			return nil, false
		}
		r, err := d.rat()
		return r, err == nil
	}
	if num != pyStrip(num) || denom != pyStrip(denom) || denom == "" || denom[0] == '+' || denom[0] == '-' {
		return nil, false
	}
	n, ok1 := pyInt(num)
	d, ok2 := pyInt(denom)
	if !ok1 || !ok2 || d.Sign() == 0 {
		return nil, false
	}
	return new(big.Rat).SetFrac(n, d), true
}
