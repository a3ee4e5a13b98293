package rollout

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
)

// Seed derives 64 bits from the run's seed, a purpose and ids. Everything random
// in a run goes through it, so that no generator state is ever saved and any
// draw can be replayed alone.
func Seed(run int64, purpose string, ids ...int64) uint64 {
	h := fnv.New64a()
	var word [8]byte
	write := func(v uint64) {
		binary.LittleEndian.PutUint64(word[:], v)
		h.Write(word[:])
	}
	write(uint64(run))
	h.Write([]byte(purpose))
	for _, id := range ids {
		write(uint64(id))
	}
	return mix(h.Sum64())
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014): FNV alone leaves
// neighbouring ids with neighbouring values.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// Rand is a generator seeded by [Seed].
func Rand(run int64, purpose string, ids ...int64) *rand.Rand {
	s := Seed(run, purpose, ids...)
	return rand.New(rand.NewPCG(s, mix(s)))
}

// textID turns a string id into one usable with Seed.
func textID(s string) int64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return int64(h.Sum64())
}

// Choose draws k of n indices without replacement, in random order. k > n gives
// all n.
func Choose(r *rand.Rand, n, k int) []int {
	return r.Perm(n)[:min(k, n)]
}
