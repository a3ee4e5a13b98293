package rsa

import "fmt"

// Filter says which answers become candidates of a pool. Bounds are inclusive;
// [NoFilter] lets all through. A problem without a graded answer passes only if
// neither its pass rate nor its agreement is bounded.
type Filter struct {
	MinPass      float64 `json:"min_pass"` // share of a problem's graded answers with score 1
	MaxPass      float64 `json:"max_pass"`
	MinAgreement float64 `json:"min_agreement"` // share of the most frequent answer among the graded answers
	MaxAgreement float64 `json:"max_agreement"`
	MinLength    int     `json:"min_length,omitempty"` // tokens of a completion
	MaxLength    int     `json:"max_length,omitempty"` // 0: no bound
}

// NoFilter lets every completed answer through.
func NoFilter() Filter { return Filter{MaxPass: 1, MaxAgreement: 1} }

// takes decides about a problem.
func (f Filter) takes(y *Population) bool {
	whole := f.MinPass == 0 && f.MaxPass == 1 && f.MinAgreement == 0 && f.MaxAgreement == 1
	if y.Counted == 0 {
		return whole
	}
	pass, agreement := float64(y.Right)/float64(y.Counted), float64(y.Votes)/float64(y.Counted)
	return pass >= f.MinPass && pass <= f.MaxPass && agreement >= f.MinAgreement && agreement <= f.MaxAgreement
}

// fits decides about a completion's length.
func (f Filter) fits(tokens int) bool {
	return tokens >= f.MinLength && (f.MaxLength == 0 || tokens <= f.MaxLength)
}

// Check reports the first impossible bound.
func (f Filter) Check() error {
	for _, b := range []struct {
		name   string
		lo, hi float64
	}{{"pass", f.MinPass, f.MaxPass}, {"agreement", f.MinAgreement, f.MaxAgreement}} {
		if !(b.lo >= 0 && b.lo <= 1 && b.hi >= 0 && b.hi <= 1 && b.lo <= b.hi) {
			return fmt.Errorf("min-%s %v and max-%s %v: they are shares, the first not above the second", b.name, b.lo, b.name, b.hi)
		}
	}
	if f.MinLength < 0 || f.MaxLength < 0 || (f.MaxLength > 0 && f.MinLength > f.MaxLength) {
		return fmt.Errorf("min-length %d and max-length %d: they are tokens, the first not above the second", f.MinLength, f.MaxLength)
	}
	return nil
}
