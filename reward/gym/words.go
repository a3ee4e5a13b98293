package gym

import (
	_ "embed"
	"math/bits"
	"slices"
	"strings"
	"sync"
)

// The vocabulary of word_ladder: words of 3 to 5 letters, one a line, from the
// data of reasoning-gym 0.1.25 (Apache-2.0).
//
//go:embed words.txt
var wordList string

var vocabulary = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for word := range strings.Lines(wordList) {
		known[strings.TrimSpace(word)] = true
	}
	return known
})

var (
	wordLadder         = Task{"word_ladder", scoreLadder}
	wordSorting        = Task{"word_sorting", scoreWordSorting}
	letterJumble       = Task{"letter_jumble", scoreJumble}
	sentenceReordering = Task{"sentence_reordering", scoreSentence}
	spellBackward      = Task{"spell_backward", scoreSpell}
	dice               = normalTask("dice", func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "\n", "") })
	needleHaystack     = normalTask("needle_haystack", func(s string) string { return strings.ToLower(pyStrip(strings.ReplaceAll(s, " ", ""))) })
	abTask             = normalTask("ab", func(s string) string { return s })
)

// scoreLadder takes any chain of words from start to end that changes one letter
// at a time; each word outside the vocabulary halves the score.
func scoreLadder(e *Entry, answer string, _ bool) Result {
	start, err := metaText(e, "start_word")
	if err != nil {
		return badEntry(err)
	}
	end, err := metaText(e, "end_word")
	if err != nil {
		return badEntry(err)
	}
	words := strings.Split(strings.ToUpper(answer), ",")
	for i := range words {
		words[i] = pyStrip(words[i])
	}
	switch {
	case len(words) < 2:
		return scored(0, "%d word; a ladder has at least 2", len(words))
	case words[0] != start:
		return scored(0, "word 1 is %s, not the start %s", quote(words[0]), start)
	case words[len(words)-1] != end:
		return scored(0, "the last word is %s, not the end %s", quote(words[len(words)-1]), end)
	}
	score, unknown := 1.0, ""
	for i, w := range words {
		if i > 0 {
			if n := differing(words[i-1], w); n != 1 {
				return scored(0, "step %d, %s to %s: not a change of exactly one letter", i, quote(words[i-1]), quote(w))
			}
		}
		if !vocabulary()[w] {
			score, unknown = score/2, w
		}
	}
	if unknown != "" {
		return scored(score, "a valid ladder, but with words outside the vocabulary (%s)", quote(unknown))
	}
	return scored(1, "a valid ladder of %d words", len(words))
}

// differing counts the places in which two words of one length differ, -1 if the
// lengths are not equal.
func differing(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) != len(y) {
		return -1
	}
	n := 0
	for i := range x {
		if x[i] != y[i] {
			n++
		}
	}
	return n
}

// scoreWordSorting gives the share of places that are right, at least 0.2 for all
// the words in another order.
func scoreWordSorting(e *Entry, answer string, _ bool) Result {
	want, err := metaStrings(e, "sorted_words")
	if err != nil {
		return badEntry(err)
	}
	if len(want) == 0 {
		return badEntryf("metadata: sorted_words is empty")
	}
	if answer == "" {
		return scored(0, "the answer is empty")
	}
	got := strings.Split(answer, ",")
	for i := range got {
		got[i] = pyStrip(got[i])
	}
	if slices.Equal(got, want) {
		return scored(1, "sorted")
	}
	right, wrong := 0, -1
	for i := range min(len(got), len(want)) {
		if got[i] == want[i] {
			right++
		} else if wrong < 0 {
			wrong = i
		}
	}
	score := float64(right) / float64(len(want))
	if len(got) == len(want) {
		slices.Sort(got)
		sorted := slices.Clone(want)
		slices.Sort(sorted)
		if slices.Equal(got, sorted) {
			return scored(max(score, 0.2), "the right words, %d of %d in place; the first that is not is number %d", right, len(want), wrong+1)
		}
	}
	return scored(score, "%d of %d words in place", right, len(want))
}

// scoreJumble gives the share of words that are right at their place.
func scoreJumble(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold, answer := strings.ToLower(pyStrip(*e.Answer)), strings.ToLower(pyStrip(answer))
	if gold == answer {
		return scored(1, "equal to the stored answer")
	}
	want, got := pyFields(gold), pyFields(answer)
	right := equalPrefixes(want, got)
	if len(want) == 0 {
		return scored(0, "the stored answer is empty")
	}
	return scored(float64(right)/float64(len(want)), "%d of %d words are right; the answer has %d", right, len(want), len(got))
}

// equalPrefixes counts the places at which two lists agree.
func equalPrefixes(a, b []string) int {
	n := 0
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			n++
		}
	}
	return n
}

// scoreSentence gives the share of words that are right at their place, case
// aside, and 0.05 for another number of words.
func scoreSentence(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	if answer == *e.Answer {
		return scored(1, "equal to the stored answer")
	}
	want, got := pyFields(strings.ToLower(*e.Answer)), pyFields(strings.ToLower(answer))
	if len(want) != len(got) {
		return scored(0.05, "%d words; the sentence has %d", len(got), len(want))
	}
	if len(want) == 0 {
		return scored(0, "no words")
	}
	right := equalPrefixes(want, got)
	return scored(float64(right)/float64(len(want)), "%d of %d words in place", right, len(want))
}

// scoreSpell gives the share of letters that are right at their place; 0.8 if
// more follow.
func scoreSpell(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold, answer := strings.ToLower(*e.Answer), strings.ToLower(answer)
	if gold == answer {
		return scored(1, "spelled backward")
	}
	want, got := []rune(gold), []rune(answer)
	share := 1 / float64(len(want))
	score, right := 0.0, 0
	for i := range min(len(want), len(got)) {
		if want[i] == got[i] {
			score += share // summed as the package does: only a sum of exactly 1 is cut
			right++
		}
	}
	if score == 1 {
		score -= 0.2
	}
	return scored(min(score, 1), "%d of %d letters are right; the answer has %d", right, len(want), len(got))
}

// runeLen is len of a Python string: every byte counts that does not continue a
// character, eight at a time.
func runeLen(s string) int {
	const low = 0x0101010101010101
	n, i := 0, 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 | uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		n += 8 - bits.OnesCount64(w>>7&^(w>>6)&low)
	}
	for ; i < len(s); i++ {
		if s[i]&0xc0 != 0x80 {
			n++
		}
	}
	if n == 0 && s != "" {
		return 1 // none of its bytes begins a character
	}
	return n
}
