package curate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// SplitPart is one file of a split, as the user asked for it.
type SplitPart struct {
	Path     string
	Fraction float64 // of the rows; 0 if Count or Rest say how many
	Count    int
	Rest     bool
}

// ParsePart reads FILE=0.9, FILE=500 or FILE=rest.
func ParsePart(s string) (SplitPart, error) {
	at := strings.LastIndex(s, "=")
	if at <= 0 {
		return SplitPart{}, fmt.Errorf("%s: expected FILE=0.9, FILE=500 or FILE=rest", s)
	}
	p := SplitPart{Path: s[:at]}
	size := s[at+1:]
	if size == "rest" {
		p.Rest = true
		return p, nil
	}
	if n, err := strconv.Atoi(size); err == nil && n > 0 {
		p.Count = n
		return p, nil
	}
	f, err := strconv.ParseFloat(size, 64)
	if err != nil || !(f > 0 && f < 1) {
		return p, fmt.Errorf("%s: expected a fraction between 0 and 1, a count of at least 1, or rest; found %q", s, size)
	}
	p.Fraction = f
	return p, nil
}

// CheckParts reports parts that do not make a split.
func CheckParts(parts []SplitPart) error {
	sum, rests, fractions := 0.0, 0, 0
	seen := map[string]bool{}
	for _, p := range parts {
		sum += p.Fraction
		if p.Fraction > 0 {
			fractions++
		}
		if p.Rest {
			rests++
		}
		if seen[p.Path] {
			return fmt.Errorf("%s is named twice", p.Path)
		}
		seen[p.Path] = true
	}
	switch {
	case len(parts) < 2:
		return errors.New("a split needs at least two parts")
	case rests > 1:
		return errors.New("only one part can be the rest")
	case sum > 1+1e-9:
		return fmt.Errorf("the fractions add up to %g, more than 1", sum)
	case fractions > 0 && fractions+rests < len(parts):
		return errors.New("fractions and counts cannot be mixed; say rest for what remains")
	case rests == 0 && fractions == len(parts) && sum < 1-1e-9:
		return fmt.Errorf("the fractions add up to %g; say rest for what remains", sum)
	case rests == 0 && fractions == 0:
		return errors.New("counts alone leave rows over; say rest for them")
	}
	return nil
}

// ByHash reports whether each row's part follows from its key alone, so that rows
// added later move none. Counts need to see all rows first.
func ByHash(parts []SplitPart) bool {
	return !slices.ContainsFunc(parts, func(p SplitPart) bool { return p.Count > 0 })
}

// Split assigns rows to parts by their keys: equal keys fall into one part,
// whatever the order of the rows.
type Split struct {
	parts []SplitPart
	seed  int64
	// bounds are, by stratum, the upper ends of the parts in [0,1].
	bounds map[string][]float64
	seen   map[string][]float64
}

// NewSplit makes one. With counts, or stratified, [Split.See] must be told of all
// rows before [Split.Part] is asked.
func NewSplit(parts []SplitPart, seed int64) *Split {
	return &Split{parts: parts, seed: seed, bounds: map[string][]float64{}, seen: map[string][]float64{}}
}

func (s *Split) at(key string) float64 { return unit(s.seed, "split", key) }

// See notes a row; it takes 8 bytes.
func (s *Split) See(stratum, key string) { s.seen[stratum] = append(s.seen[stratum], s.at(key)) }

// Settle fixes the parts' bounds by the rows that were seen.
func (s *Split) Settle() error {
	total := 0
	for _, rows := range s.seen {
		total += len(rows)
	}
	wanted := 0
	for _, p := range s.parts {
		wanted += p.Count
	}
	if wanted > total {
		return fmt.Errorf("%d rows asked for, but there are %d", wanted, total)
	}
	sizes := s.shares(total)
	for stratum, rows := range s.seen {
		slices.Sort(rows)
		s.bounds[stratum] = ends(rows, sizes[stratum])
	}
	s.seen = nil
	return nil
}

// shares is how many rows of each stratum each part gets: in proportion, by the
// largest remainders.
func (s *Split) shares(total int) map[string][]int {
	names := make([]string, 0, len(s.seen))
	for name := range s.seen {
		names = append(names, name)
	}
	slices.Sort(names)
	out := map[string][]int{}
	left := map[string]int{}
	for _, name := range names {
		out[name] = make([]int, len(s.parts))
		left[name] = len(s.seen[name])
	}
	for i, p := range s.parts {
		if p.Rest {
			continue
		}
		want := p.Count
		if p.Fraction > 0 {
			want = int(p.Fraction*float64(total) + 0.5)
		}
		ideal := make([]float64, len(names))
		for j, name := range names {
			ideal[j] = float64(want) * float64(len(s.seen[name])) / float64(total)
		}
		for j, n := range Apportion(ideal) {
			n = min(n, left[names[j]])
			out[names[j]][i] = n
			left[names[j]] -= n
		}
	}
	for i, p := range s.parts {
		if p.Rest || i == len(s.parts)-1 && ByHash(s.parts) {
			for _, name := range names {
				out[name][i] += left[name]
				left[name] = 0
			}
			break
		}
	}
	return out
}

// ends turns sizes into bounds: of sorted places, and between neighbours that
// differ, so that equal keys stay together.
func ends(rows []float64, sizes []int) []float64 {
	bounds := make([]float64, len(sizes))
	n := 0
	for i, size := range sizes {
		n += size
		switch {
		case n >= len(rows):
			bounds[i] = 1
		case n > 0:
			bounds[i] = rows[n-1]
		default:
			bounds[i] = -1
		}
	}
	return bounds
}

// Part is the number of a row's part.
func (s *Split) Part(stratum, key string) int {
	x := s.at(key)
	if bounds, ok := s.bounds[stratum]; ok {
		for i, end := range bounds {
			if x <= end {
				return i
			}
		}
		return len(bounds) - 1
	}
	sum := 0.0
	rest := len(s.parts) - 1
	for i, p := range s.parts {
		if p.Rest {
			rest = i
			continue
		}
		if sum += p.Fraction; x < sum {
			return i
		}
	}
	return rest
}

// Apportion rounds shares to whole numbers of the same sum, by the largest
// remainders; of equal ones the first.
func Apportion(shares []float64) []int {
	out := make([]int, len(shares))
	order := make([]int, len(shares))
	sum, given := 0.0, 0
	for i, x := range shares {
		out[i] = int(x)
		order[i] = i
		sum += x
		given += out[i]
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(shares[b]-float64(out[b]), shares[a]-float64(out[a]))
	})
	for _, i := range order {
		if given >= int(sum+0.5) {
			break
		}
		out[i]++
		given++
	}
	return out
}
