package curate

import (
	"hash/fnv"
	"strings"
	"unicode"
)

// words are a text's words for comparison: runs of letters and digits, in lower
// case. Punctuation, white space and markup around them do not count; a text
// without any word is its own only word.
func words(s string) []string {
	list := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(list) == 0 && s != "" {
		return []string{s}
	}
	return list
}

// Normal is a text as exact comparison sees it: what differs between copies of a
// question, letter case and white space, is gone, and what tells questions apart,
// signs and numbers, is not.
func Normal(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

// shingles are the hashes of all runs of n words, each once, in order; a shorter
// text is one run.
func shingles(s string, n int) []uint64 {
	list := words(s)
	if len(list) < n {
		n = max(len(list), 1)
	}
	seen := map[uint64]bool{}
	var out []uint64
	for i := 0; i+n <= len(list); i++ {
		h := fnv.New64a()
		for _, w := range list[i : i+n] {
			h.Write([]byte(w))
			h.Write([]byte{' '})
		}
		if x := h.Sum64(); !seen[x] {
			seen[x] = true
			out = append(out, x)
		}
	}
	return out
}
