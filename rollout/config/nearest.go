package config

import (
	"reflect"
	"strings"
)

// nearestKey suggests a key for the unknown one written in the section of type t:
// a near one of the same section, else the same word in another section, in full.
func nearestKey(t reflect.Type, key string) string {
	if near := nearest(key, fieldKeys(t)); near != "" {
		return near
	}
	for at := range settings(new(Config)) {
		if last := at.key[strings.LastIndexByte(at.key, '.')+1:]; plainWord(last) == plainWord(key) {
			return at.key
		}
	}
	return ""
}

// nearest gives the known word closest to what was written, "" if none is close:
// at most a third of its letters may differ.
func nearest(written string, known []string) string {
	const farthest = 64 // longer input is no slip of the finger
	if len(written) > farthest {
		return ""
	}
	best, bestDistance := "", max(1, (len(written)+1)/3)+1
	for _, word := range known {
		if d := editDistance(plainWord(written), plainWord(word)); d < bestDistance {
			best, bestDistance = word, d
		}
	}
	return best
}

// plainWord leaves out what people vary: case, underscores, hyphens.
func plainWord(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
}

// editDistance is the number of insertions, deletions, replacements and swaps of
// neighbours between a and b (optimal string alignment).
func editDistance(a, b string) int {
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			replace := prev[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
