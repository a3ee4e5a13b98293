package curate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ropewalk/ropewalk/rollout"
)

// MixPart is one input of a mixture.
type MixPart struct {
	Path   string
	Weight float64
}

// ParseMixPart reads FILE or FILE=WEIGHT.
func ParseMixPart(s string) (MixPart, error) {
	at := strings.LastIndex(s, "=")
	if at <= 0 {
		return MixPart{s, 1}, nil
	}
	w, err := strconv.ParseFloat(s[at+1:], 64)
	if err != nil || !(w > 0 && w < 1e9) {
		return MixPart{}, fmt.Errorf("%s: expected FILE=WEIGHT with a weight above 0, found %q", s, s[at+1:])
	}
	return MixPart{s[:at], w}, nil
}

// Mixture says which rows of its inputs stand where.
type Mixture struct {
	parts []MixPart
	seed  int64
	take  []int // rows of each input
	rows  []int // that it has
}

// NewMixture plans a mixture of n rows, 0 for as many as the weights allow without
// a row twice. rows are the inputs' numbers of rows. Without repeat an input that
// has too few is an error.
func NewMixture(parts []MixPart, rows []int, n int, repeat bool, seed int64) (*Mixture, error) {
	total := 0.0
	for i, p := range parts {
		total += p.Weight
		if rows[i] == 0 {
			return nil, fmt.Errorf("%s: no rows", p.Path)
		}
	}
	if n == 0 {
		n = rowsOf(parts, rows, total)
	}
	shares := make([]float64, len(parts))
	for i, p := range parts {
		shares[i] = float64(n) * p.Weight / total
	}
	m := &Mixture{parts: parts, seed: seed, take: Apportion(shares), rows: rows}
	for i, k := range m.take {
		if k > rows[i] && !repeat {
			return nil, fmt.Errorf("%s: has %d rows, its share of %d is %d; allow rows to occur more than once, or ask for fewer", parts[i].Path, rows[i], n, k)
		}
	}
	return m, nil
}

// rowsOf is the largest mixture without repetition.
func rowsOf(parts []MixPart, rows []int, total float64) int {
	n := -1
	for i, p := range parts {
		if most := int(float64(rows[i]) * total / p.Weight); n < 0 || most < n {
			n = most
		}
	}
	return max(n, 1)
}

// Rows is how many rows are taken of each input.
func (m *Mixture) Rows() []int { return m.take }

// Order gives the inputs, row by row, in random order with the planned numbers:
// each next one drawn in proportion to what is left of it.
func (m *Mixture) Order() func() (input int, ok bool) {
	left, sum := slices.Clone(m.take), 0
	for _, n := range left {
		sum += n
	}
	r := rollout.Rand(m.seed, "mix order")
	return func() (int, bool) {
		if sum == 0 {
			return 0, false
		}
		x := r.IntN(sum)
		sum--
		for i, n := range left {
			if x < n {
				left[i]--
				return i, true
			}
			x -= n
		}
		return 0, false
	}
}

// Chooser says, pass by pass over an input, which of its rows are taken: all of
// them in full passes, and in the last pass as many as are left, each equally
// likely, in the input's order (selection sampling; Knuth, algorithm S).
func (m *Mixture) Chooser(input int) func(row int) bool {
	r := rollout.Rand(m.seed, "mix choice", int64(input))
	need := m.take[input]
	pass := need
	return func(row int) bool {
		if row == 0 { // a new pass
			pass = min(need, m.rows[input])
		}
		if r.IntN(m.rows[input]-row) >= pass {
			return false
		}
		pass--
		need--
		return true
	}
}
