package curate

import (
	"crypto/sha256"
	"math"
	"slices"
)

// Dedup finds texts that were seen before: equal after [Normal], or, with a
// threshold, alike. Two texts are alike if the sets of their runs of Words words
// overlap: size of intersection over size of union at least Threshold (Jaccard).
//
// Candidates for comparison come from MinHash signatures in bands (Broder 1997;
// Leskovec, Rajaraman, Ullman, ch. 3); each is then compared in full, so that a
// found pair is always alike. A pair at the very threshold is missed with a
// probability below 1e-4, one further above it practically never.
//
// Memory: 40 bytes a text, and with a threshold about 1.5 KB besides, and 4 bytes a run.
type Dedup struct {
	threshold float64
	words     int
	bands     int
	exact     map[[16]byte]int
	banded    map[uint64][]int32 // texts by the hash of a band
	runs      map[int32][]uint32 // of kept texts, sorted
	n         int
}

// hashes is the length of a signature.
const hashes = 128

// NewDedup makes one that knows no text. A threshold of 0 finds equal texts only.
func NewDedup(threshold float64, words int) *Dedup {
	return &Dedup{threshold: threshold, words: words, bands: bandsFor(threshold), exact: map[[16]byte]int{},
		banded: map[uint64][]int32{}, runs: map[int32][]uint32{}}
}

// bandsFor is the least number of bands with which a pair at the threshold is
// missed with a probability below 1e-4: (1 - t^rows)^bands.
func bandsFor(threshold float64) int {
	for bands := 1; bands < hashes; bands *= 2 {
		if math.Pow(1-math.Pow(threshold, float64(hashes/bands)), float64(bands)) < 1e-4 {
			return bands
		}
	}
	return hashes
}

// Add looks a text up and keeps it if it is new. For a copy it gives the number,
// from 0, of the first text that it is one of, counting the texts that were added.
func (d *Dedup) Add(text string) (of int, same bool) {
	number := d.n
	d.n++
	sum := sha256.Sum256([]byte(Normal(text)))
	id := [16]byte(sum[:16])
	if first, ok := d.exact[id]; ok {
		return first, true
	}
	if d.threshold > 0 {
		if first, ok := d.alike(text, int32(number)); ok {
			return first, true
		}
	}
	d.exact[id] = number
	return 0, false
}

func (d *Dedup) alike(text string, number int32) (int, bool) {
	runs := short(shingles(text, d.words))
	keys := d.keys(runs)
	tried := map[int32]bool{}
	for _, key := range keys {
		for _, other := range d.banded[key] {
			if tried[other] {
				continue
			}
			tried[other] = true
			if jaccard(runs, d.runs[other]) >= d.threshold {
				return int(other), true
			}
		}
	}
	d.runs[number] = runs
	for _, key := range keys {
		d.banded[key] = append(d.banded[key], number)
	}
	return 0, false
}

// short keeps 32 bits of each hash: what is compared are sets of a few hundred.
func short(list []uint64) []uint32 {
	out := make([]uint32, len(list))
	for i, x := range list {
		out[i] = uint32(x >> 32)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// keys hashes each band of a text's signature.
func (d *Dedup) keys(runs []uint32) []uint64 {
	var signature [hashes]uint64
	for i := range signature {
		signature[i] = math.MaxUint64
		for _, run := range runs {
			signature[i] = min(signature[i], scramble(uint64(run)|uint64(i)<<32))
		}
	}
	rows := hashes / d.bands
	keys := make([]uint64, d.bands)
	for b := range keys {
		keys[b] = scramble(uint64(b))
		for _, x := range signature[b*rows : (b+1)*rows] {
			keys[b] = scramble(keys[b] ^ x)
		}
	}
	return keys
}

// scramble is the finaliser of MurmurHash3: a bijection of 64 bits.
func scramble(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// jaccard compares two sorted sets.
func jaccard(a, b []uint32) float64 {
	both, i, j := 0, 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			both, i, j = both+1, i+1, j+1
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return float64(both) / float64(max(len(a)+len(b)-both, 1))
}
