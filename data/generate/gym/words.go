package gym

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

var sentenceReordering = Task{
	Name:     "sentence_reordering",
	Settings: []Setting{{"size", 9, 5, 16, "words of the sentence"}},
	Make:     makeSentence,
}

var wordSorting = Task{
	Name:     "word_sorting",
	Settings: []Setting{{"size", 8, 2, 60, "words"}, {"length", 3, 1, 5, "syllables of a word at most"}},
	Make:     makeSorting,
}

var letterCounting = Task{
	Name:     "letter_counting",
	Settings: []Setting{{"size", 10, 1, 100, "words of the text"}},
	Make:     makeCounting,
}

// A sentence is made of parts in this order. The required ones have five words;
// the others fill it up, those with the smallest rank first. No two parts share
// a word and each word fits in one place only, so that one order is right.
var sentenceParts = []struct {
	rank  int // 0 is required
	words [][]string
}{
	{3, [][]string{{"Yesterday,"}, {"Today,"}, {"Sometimes,"}, {"Usually,"}, {"Often,"}}},
	{0, [][]string{{"my"}, {"our"}, {"his"}, {"her"}, {"their"}}},
	{2, [][]string{{"young"}, {"old"}, {"friendly"}, {"tired"}, {"clever"}, {"famous"}}},
	{0, [][]string{{"teacher"}, {"doctor"}, {"uncle"}, {"neighbour"}, {"captain"}, {"daughter"}}},
	{5, [][]string{{"secretly"}, {"quickly"}, {"carefully"}, {"gladly"}, {"slowly"}}},
	{0, [][]string{{"painted"}, {"repaired"}, {"bought"}, {"sold"}, {"cleaned"}, {"carried"}}},
	{0, [][]string{{"seven"}, {"twelve"}, {"thirty"}, {"several"}, {"many"}}},
	{1, [][]string{{"wooden"}, {"plastic"}, {"golden"}, {"broken"}, {"heavy"}}},
	{0, [][]string{{"chairs"}, {"boats"}, {"lamps"}, {"wheels"}, {"boxes"}}},
	{4, [][]string{{"behind", "the", "station"}, {"beside", "the", "river"}, {"near", "the", "harbour"}}},
	{6, [][]string{{"until", "midnight."}, {"before", "breakfast."}, {"after", "sunset."}}},
	{7, [][]string{{"without", "help."}, {"despite", "rain."}}},
}

func makeSentence(r *rand.Rand, set map[string]int) (Entry, bool) {
	chosen := make([][]string, len(sentenceParts))
	left := set["size"]
	for rank := 0; rank < 8; rank++ {
		for i, part := range sentenceParts {
			words := pick(r, part.words)
			if part.rank == rank && len(words) <= left {
				chosen[i] = words
				left -= len(words)
			}
		}
	}
	sentence := slices.Concat(chosen...)
	for i, word := range sentence { // the full stop is the last word's alone
		sentence[i] = strings.TrimSuffix(word, ".")
	}
	sentence[len(sentence)-1] += "."
	sentence[0] = strings.ToUpper(sentence[0][:1]) + sentence[0][1:]
	if left > 0 {
		return Entry{}, false
	}
	mixed := shuffled(r, sentence)
	return Entry{"Put the words back into the order of a sentence, and answer with the sentence: " + strings.Join(mixed, " "),
		strings.Join(sentence, " "), map[string]any{"word_count": len(sentence)}}, !slices.Equal(mixed, sentence)
}

// syllables of invented words.
var syllables = []string{"ba", "be", "ca", "de", "di", "fo", "ga", "hi", "jo", "ka", "la", "li", "ma", "mo", "na", "no", "pa", "pe", "ra", "ri", "sa", "so", "ta", "to", "u", "va", "wo", "ze", "an", "er", "in", "os", "ul", "st", "tr"}

func word(r *rand.Rand, most int) string {
	var b strings.Builder
	for range between(r, 1, most) {
		b.WriteString(pick(r, syllables))
	}
	return b.String()
}

func makeSorting(r *rand.Rand, set map[string]int) (Entry, bool) {
	words := make([]string, set["size"])
	longest := 0
	for i := range words {
		words[i] = word(r, set["length"])
		longest = max(longest, len(words[i]))
	}
	sorted := slices.Sorted(slices.Values(words))
	direction := "ascending"
	if r.IntN(2) == 1 {
		direction = "descending"
		slices.Reverse(sorted)
	}
	return Entry{
		fmt.Sprintf("Sort these words in %s alphabetical order: %s\nAnswer with the words, separated by a comma and a space.", direction, strings.Join(words, ", ")),
		strings.Join(sorted, ", "), map[string]any{
			"original_words": words, "transformed_words": words, "sorted_words": sorted, "direction": direction, "num_words": len(words), "word_length": longest,
		}}, true
}

func makeCounting(r *rand.Rand, set map[string]int) (Entry, bool) {
	span := make([]string, set["size"])
	for i := range span {
		span[i] = word(r, 4)
	}
	text := strings.Join(span, " ")
	letter := string(pick(r, []byte(strings.ReplaceAll(text, " ", ""))))
	return Entry{
		fmt.Sprintf("How often does the letter %q occur in this text? Answer with the number.\n%s", letter, text),
		strconv.Itoa(strings.Count(text, letter)), map[string]any{"span_length": len(span), "target_letter": letter, "span": span},
	}, true
}
