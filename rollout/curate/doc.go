// Package curate makes datasets of other datasets and of answers: it splits, mixes
// and cleans rows, and draws examples for supervised training from populations,
// archives and pools. Everything random is a function of a seed and of what is
// chosen from, so that the same command gives the same file.
package curate

import (
	"hash/fnv"

	"github.com/ropewalk/ropewalk/rollout"
)

// key turns a text into an id for rollout.Seed.
func key(s string) int64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return int64(h.Sum64())
}

// unit is a number in [0,1), uniform over texts, by seed and purpose.
func unit(seed int64, purpose, s string) float64 {
	return float64(rollout.Seed(seed, purpose, key(s))>>11) / (1 << 53)
}
