package gym

import (
	"strings"
	"unicode/utf8"
)

var (
	tsumego      = Task{"tsumego", scoreTsumego}
	emojiMystery = Task{"emoji_mystery", scoreEmoji}
)

// scoreTsumego wants the stored move: 1; among other text the share of its
// characters; another move 0.05; other text 0.01.
func scoreTsumego(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold := pyStrip(*e.Answer)
	if answer == "" {
		return scored(0, "the answer is empty")
	}
	answer = strings.ToUpper(pyStrip(answer))
	switch {
	case answer == gold:
		return scored(1, "the key move")
	case strings.Contains(answer, gold):
		return scored(float64(utf8.RuneCountInString(gold))/float64(utf8.RuneCountInString(answer)), "the key move among other text")
	case isPoint(answer):
		return scored(0.05, "%s is not the key move", quote(answer))
	}
	return scored(0.01, "%s is no point of the board", quote(answer))
}

// isPoint reports whether s is a letter and a number, as in C4.
func isPoint(s string) bool {
	if len(s) < 2 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	return !strings.ContainsFunc(s[1:], func(r rune) bool { return digitOf(r) < 0 })
}

// scoreEmoji compares a sentence of the right length character by character;
// one of another length scores 0.01.
func scoreEmoji(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold := *e.Answer
	if answer == gold {
		return scored(1, "equal to the hidden sentence")
	}
	n, m := utf8.RuneCountInString(answer), utf8.RuneCountInString(gold)
	if n != m {
		return scored(0.01, "%d characters, expected %d", n, m)
	}
	same, first := 0, 0
	for i := range n {
		a, sizeA := utf8.DecodeRuneInString(answer)
		b, sizeB := utf8.DecodeRuneInString(gold)
		if a == b {
			same++
		} else if first == 0 {
			first = i + 1
		}
		answer, gold = answer[sizeA:], gold[sizeB:]
	}
	return scored(float64(same)/float64(n), "%d of %d characters are right, the first wrong one is number %d", same, n, first)
}
