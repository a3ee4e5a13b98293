package gym

import (
	"errors"
	"math"
	"math/big"
	"strings"
)

var (
	bitwiseArithmetic = Task{"bitwise_arithmetic", scoreBitwise}
	chainSum          = Task{"chain_sum", scoreDecimalOrShare}
	products          = Task{"products", scoreDecimalOrShare}
	decimalChainSum   = Task{"decimal_chain_sum", scoreDecimalExact}
	decimalArithmetic = Task{"decimal_arithmetic", scoreDecimalNear}
	gsmSymbolic       = Task{"gsm_symbolic", scoreGSM}
	numberFormat      = Task{"number_format", scoreNumberFormat}
	powerFunction     = Task{"power_function", scorePower}
	primeFactors      = Task{"prime_factorization", scorePrimes}
)

// scoreBitwise computes the problem, an expression of whole numbers, and wants
// its value, in any base that Python writes.
func scoreBitwise(e *Entry, answer string, _ bool) Result {
	text, err := metaText(e, "problem")
	if err != nil {
		return badEntry(err)
	}
	problem, err := parseExpr(text)
	if err != nil {
		return badEntryf("metadata: problem: %w", err)
	}
	want, err := problem.integer()
	if err != nil {
		return badEntryf("metadata: problem: %w", err)
	}
	got, ok := pyIntAnyBase(answer)
	switch {
	case !ok:
		return scored(0, "%s is no whole number", quote(answer))
	case got.Cmp(want) != 0:
		return scored(0, "%s is not the value of the expression", quote(answer))
	}
	return scored(1, "the value of the expression")
}

// integer computes an expression of whole numbers, as Python does: shifts keep
// the sign, // rounds down.
func (e *expr) integer() (*big.Int, error) {
	if e.op == 'n' {
		if !e.num.IsInt() || e.real {
			return nil, errors.New("not a whole number")
		}
		return e.num.Num(), nil
	}
	var args [2]*big.Int
	if e.op == 'v' || e.op == 'f' {
		return nil, errors.New(quote(e.name).String() + " is no number")
	}
	for i, a := range e.args {
		n, err := a.integer()
		if err != nil {
			return nil, err
		}
		args[i] = n
	}
	return applyInteger(e.op, args[0], args[1])
}

func applyInteger(op byte, a, b *big.Int) (*big.Int, error) {
	out := new(big.Int)
	switch op {
	case '_':
		return out.Neg(a), nil
	case '~':
		return out.Not(a), nil
	case '+':
		return out.Add(a, b), nil
	case '-':
		return out.Sub(a, b), nil
	case '&':
		return out.And(a, b), nil
	case '|':
		return out.Or(a, b), nil
	case '^':
		return out.Xor(a, b), nil
	case '*':
		if a.BitLen()+b.BitLen() > maxBits {
			return nil, errBigNumber
		}
		return out.Mul(a, b), nil
	case 'l', 'r':
		if b.Sign() < 0 || !b.IsInt64() || op == 'l' && b.Int64()+int64(a.BitLen()) > maxBits {
			return nil, errBigNumber
		}
		if op == 'l' {
			return out.Lsh(a, uint(b.Int64())), nil
		}
		return out.Rsh(a, uint(min(b.Int64(), maxBits))), nil
	}
	return nil, errors.New("an operation that is none of + - * ~ & | ^ << >>")
}

// scoreDecimalOrShare takes the stored number in any notation, commas aside;
// otherwise an answer that contains it scores its share of the characters.
func scoreDecimalOrShare(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold, answer := strings.ReplaceAll(*e.Answer, ",", ""), strings.ReplaceAll(answer, ",", "")
	a, ok := parseDecimal(answer)
	g, okGold := parseDecimal(gold)
	switch {
	case ok && okGold && a.equal(g):
		return scored(1, "the right number")
	case gold != "" && strings.Contains(answer, gold):
		return scored(float64(runeLen(gold))/float64(runeLen(answer)), "contains the right number among other text")
	}
	return scored(0, "%s is not the right number", quote(answer))
}

func scoreDecimalExact(e *Entry, answer string, _ bool) Result {
	return compareDecimals(e, answer, func(a, g decimal) bool { return a.equal(g) })
}

// scoreDecimalNear allows a difference of one unit in the last place: that of
// the entry's difficulty, or the package's default of three (always, if strict).
func scoreDecimalNear(e *Entry, answer string, strict bool) Result {
	places := 3
	if !strict {
		difficulty := &Entry{Metadata: metaRaw(e, "difficulty")}
		if p, err := metaInts(difficulty, "decimal_places"); err == nil && len(p) == 2 && p[1] >= 0 && p[1] < 1000 {
			places = p[1]
		}
	}
	tolerance := decimal{digits: "1", exponent: -int64(places)}
	return compareDecimals(e, answer, func(a, g decimal) bool { return a.within(g, tolerance) })
}

func compareDecimals(e *Entry, answer string, same func(a, g decimal) bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	g, ok := parseDecimal(*e.Answer)
	if !ok || g.special {
		return badEntryf("the stored answer %s is no number", quote(*e.Answer))
	}
	a, ok := parseDecimal(answer)
	switch {
	case !ok:
		return scored(0, "%s is no number", quote(answer))
	case !a.special && same(a, g):
		return scored(1, "the right number")
	}
	return scored(0, "%s is not %s", quote(answer), *e.Answer)
}

// within reports |d-o| ≤ tolerance. The difference of numbers of very different
// size is that of the larger.
func (d decimal) within(o, tolerance decimal) bool {
	unit := min(d.exponent, o.exponent, tolerance.exponent)
	a, ok1 := d.units(unit)
	b, ok2 := o.units(unit)
	t, ok3 := tolerance.units(unit)
	if ok1 && ok2 && ok3 {
		return max(a-b, b-a) <= t
	}
	return d.withinExactly(o, tolerance)
}

// units is the number in units of 10^exponent, if that has at most 18 digits.
func (d decimal) units(exponent int64) (n int64, ok bool) {
	zeros := d.exponent - exponent
	if d.special || zeros < 0 || zeros > 18 || zeros+int64(len(d.digits)) > 18 {
		return 0, false
	}
	for i := range len(d.digits) {
		n = n*10 + int64(d.digits[i]-'0')
	}
	for range zeros {
		n *= 10
	}
	if d.negative {
		n = -n
	}
	return n, true
}

func (d decimal) withinExactly(o, tolerance decimal) bool {
	if d.digits != "" && d.adjusted() > 4000 {
		return false
	}
	if d.digits != "" && d.adjusted() < -4000 {
		d = decimal{}
	}
	if len(d.digits) > maxDigits { // digits far behind the point decide nothing
		cut := len(d.digits) - maxDigits
		d.digits, d.exponent = d.digits[:maxDigits], d.exponent+int64(cut)
	}
	x, err1 := d.rat()
	y, err2 := o.rat()
	t, err3 := tolerance.rat()
	if err1 != nil || err2 != nil || err3 != nil {
		return false
	}
	difference := new(big.Rat).Sub(x, y)
	return difference.Abs(difference).Cmp(t) <= 0
}

// scoreGSM takes the first number of the answer; 0.01 for a wrong one. The
// package passes over a minus sign that stands alone before the number; here it
// counts, unless strict.
func scoreGSM(e *Entry, answer string, strict bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	want, ok := pyFloat(*e.Answer)
	if !ok {
		return badEntryf("the stored answer %s is no number", quote(*e.Answer))
	}
	text, ok := firstNumber(answer, strict)
	if !ok {
		return scored(0, "no number in the answer")
	}
	got, _ := pyFloat(text)
	if got == want {
		return scored(1, "the right number")
	}
	return scored(0.01, "%s is not %s", quote(text), *e.Answer)
}

// firstNumber finds the first whole or decimal number that stands as a word of
// its own.
func firstNumber(s string, strict bool) (string, bool) {
	r := []rune(s)
	digits := func(at int) int {
		for at < len(r) && digitOf(r[at]) >= 0 {
			at++
		}
		return at
	}
	word := func(i int) bool { return i >= 0 && i < len(r) && isWord(r[i]) }
	for i := 0; i < len(r); i++ {
		if digitOf(r[i]) < 0 || word(i-1) {
			continue
		}
		end := digits(i)
		if end < len(r) && r[end] == '.' {
			if part := digits(end + 1); part > end+1 && !word(part) {
				end = part
			}
		}
		if word(end) {
			i = end
			continue
		}
		sign := ""
		// Before a minus the package's pattern wants a word; a sign has none.
		if i > 0 && r[i-1] == '-' && word(i-2) == strict {
			sign = "-"
		}
		return sign + string(r[i:end]), true
	}
	return "", false
}

func scoreNumberFormat(e *Entry, answer string, _ bool) Result {
	want, err := metaFloat(e, "solution")
	if err != nil {
		return badEntry(err)
	}
	got, ok := pyFloat(strings.ReplaceAll(pyStrip(answer), ",", ""))
	switch {
	case !ok:
		return scored(0, "%s is no number", quote(answer))
	case math.Abs(got-want) < 1e-2:
		return scored(1, "the right number")
	}
	return scored(0, "%v is not %v", got, want)
}

// scorePower compares three significant digits; anything else scores 0.01.
func scorePower(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	g, ok := parseDecimal(*e.Answer)
	if !ok || g.special {
		return badEntryf("the stored answer %s is no number", quote(*e.Answer))
	}
	a, ok := parseDecimal(answer)
	switch {
	case !ok || a.special:
		return scored(0.01, "%s is no number", quote(answer))
	case a.significant(3).equal(g.significant(3)):
		return scored(1, "equal in three significant digits")
	}
	return scored(0.01, "%s differs from %s within three significant digits", quote(answer), *e.Answer)
}

// significant rounds to n significant digits, halves to even.
func (d decimal) significant(n int) decimal {
	cut := len(d.digits) - n
	if cut <= 0 {
		return d
	}
	head, tail := d.digits[:n], strings.TrimRight(d.digits[n:], "0")
	up := tail != "" && (tail[0] > '5' || tail[0] == '5' && (len(tail) > 1 || (head[n-1]-'0')%2 == 1))
	d.exponent += int64(cut)
	if up {
		k, _ := new(big.Int).SetString(head, 10)
		head = k.Add(k, big.NewInt(1)).String()
	}
	d.digits = head
	return d
}

// maxFactors bounds the factors that are multiplied.
const maxFactors = 1000

// scorePrimes wants the factors, in any order; 0.5 for other factors of the same
// product, 0.01 for the rest.
func scorePrimes(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	want, ok := factors(*e.Answer)
	if !ok {
		return badEntryf("the stored answer %s is no product", quote(*e.Answer))
	}
	got, ok := factors(answer)
	if !ok {
		return scored(0, "%s is no product of whole numbers, written with ×", quote(answer))
	}
	if len(got) > maxFactors || len(answer) > maxBits {
		return scored(0.01, "too many factors")
	}
	left := map[string]int{}
	for _, f := range want {
		left[f.String()]++
	}
	for _, f := range got {
		left[f.String()]--
	}
	for _, n := range left {
		if n != 0 {
			if multiply(want).Cmp(multiply(got)) == 0 {
				return scored(0.5, "the product is right, but not every factor is prime")
			}
			return scored(0.01, "the product is not the number")
		}
	}
	return scored(1, "the prime factors")
}

func factors(s string) ([]*big.Int, bool) {
	var list []*big.Int
	for part := range strings.SplitSeq(s, "×") {
		if pyStrip(part) == "" {
			continue
		}
		n, ok := pyInt(part)
		if !ok {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

func multiply(list []*big.Int) *big.Int {
	out := big.NewInt(1)
	for _, n := range list {
		out.Mul(out, n)
	}
	return out
}
