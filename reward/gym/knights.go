package gym

import (
	"strings"
)

var knightsKnaves = Task{"knights_knaves", scoreKnights}

// knightRoles are the words for who tells the truth and who lies.
var knightRoles = map[string]bool{
	"knight": true, "knave": true, "pioneer": true, "laggard": true, "saint": true, "sinner": true, "hero": true, "villain": true,
	"angel": true, "devil": true, "altruist": true, "egoist": true, "sage": true, "fool": true,
}

// role is what somebody is said to be.
type role struct{ name, is string }

// scoreKnights compares who is said to be what: all right 1; as many statements
// as needed, some right, 0.3 plus 0.7 of the right share; else 0. Naming
// somebody twice with different roles, which the package rewards in part, scores
// 0 unless strict.
func scoreKnights(e *Entry, answer string, strict bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	if answer == "" {
		return scored(0, "the answer is empty")
	}
	want, got := readRoles(*e.Answer), readRoles(answer)
	if len(want) == 0 {
		return badEntryf("the stored answer %s says nothing of anybody", quote(*e.Answer))
	}
	right := 0
	for r := range got {
		if want[r] {
			right++
		}
	}
	switch {
	case right == len(want) && right == len(got):
		return scored(1, "everybody's role is right")
	case len(got) != len(want):
		return scored(0, "%d roles are stated, expected %d", len(got), len(want))
	case right == 0:
		return scored(0, "no role is right")
	}
	if twice := saidTwice(got); twice && !strict {
		return scored(0, "somebody is given two roles")
	}
	return scored(0.3+0.7*float64(right)/float64(len(want)), "%d of %d roles are right", right, len(want))
}

var knightMarks = strings.NewReplacer(".", " ", ",", " ", ")", " ", "(", " ")

// readRoles takes each role word with the last other word before it, "is", "a"
// and "an" aside.
func readRoles(text string) map[role]bool {
	text = knightMarks.Replace(pyStrip(strings.ToLower(text)))
	roles := map[role]bool{}
	name := ""
	for _, word := range pyFields(strings.ReplaceAll(text, " and ", " ")) {
		switch {
		case word == "is" || word == "a" || word == "an":
		case !knightRoles[word]:
			name = word
		case name != "":
			roles[role{name, word}] = true
			name = ""
		}
	}
	return roles
}

func saidTwice(roles map[role]bool) bool {
	names := map[string]bool{}
	for r := range roles {
		if names[r.name] {
			return true
		}
		names[r.name] = true
	}
	return false
}
