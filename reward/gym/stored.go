package gym

import (
	"errors"
	"strings"
)

var errNoStored = errors.New("the entry has no stored answer")

// substringTask is a task under the package's default rule: the stored answer
// scores 1; one that contains it scores the share of its characters.
func substringTask(name string) Task { return Task{Name: name, Score: scoreSubstring} }

func scoreSubstring(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold := *e.Answer
	switch {
	case answer == "":
		return scored(0, "the answer is empty")
	case answer == gold:
		return scored(1, "equal to the stored answer")
	case gold != "" && contains(answer, gold):
		return scored(float64(runeLen(gold))/float64(runeLen(answer)), "contains the stored answer among other text")
	}
	return scored(0, "%s is not the stored answer", quote(answer))
}

// contains is strings.Contains, but quick to see that a text not much longer than
// the part has no room for it: the middle of the part must stand near there.
func contains(text, part string) bool {
	room := len(text) - len(part)
	if room < 0 || len(part) < 256 || room > 64 {
		return strings.Contains(text, part)
	}
	for at := 0; at <= room; at++ {
		if text[at] == part[0] && text[at+len(part)/2] == part[len(part)/2] && text[at:at+len(part)] == part {
			return true
		}
	}
	return false
}

// normalTask is a task whose stored answer must be met in full after both are
// brought into a normal form; all else scores 0.
func normalTask(name string, normal func(string) string) Task {
	return Task{Name: name, Score: func(e *Entry, answer string, _ bool) Result {
		if e.Answer == nil {
			return badEntry(errNoStored)
		}
		if answer == *e.Answer || normal(answer) == normal(*e.Answer) {
			return scored(1, "equal to the stored answer")
		}
		return scored(0, "%s is not the stored answer", quote(answer))
	}}
}

var (
	familyRelationships = normalTask("family_relationships", func(s string) string { return strings.ToLower(pyStrip(s)) })
	pathStar            = normalTask("path_star", func(s string) string { return strings.Join(pyFields(s), " ") })
	selfReference       = normalTask("self_reference", func(s string) string { return s })
	zebraPuzzles        = normalTask("zebra_puzzles", func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "\n", "") })
	circuitLogic        = Task{"circuit_logic", scoreCircuit}
)

// scoreCircuit takes the stored value; white space around it costs its share.
func scoreCircuit(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	switch {
	case answer != "" && answer == *e.Answer:
		return scored(1, "equal to the stored answer")
	case answer != "" && pyStrip(answer) == *e.Answer:
		return scored(float64(len(*e.Answer))/float64(runeLen(answer)), "the stored answer, with white space around it")
	}
	return scored(0, "%s is not the stored answer", quote(answer))
}
