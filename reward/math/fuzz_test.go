package math

import "testing"

// FuzzParse reads any text: a node or trouble comes of it, within the budget.
func FuzzParse(f *testing.F) {
	for _, p := range loadPairs(f) {
		f.Add(p.Answer)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []dialect{{}, {list: true}, {decimalComma: true}, {units: true}, {repeat: true}} {
			n, trouble := parse(&meter{left: DefaultBudget}, text, d)
			if (n == nil) == (trouble == nil) {
				t.Fatalf("%v and %v", n, trouble)
			}
			if n != nil {
				_ = n.String()
			}
		}
	})
}

// FuzzCompare compares any two texts: no panic, the same again, and a text is
// itself unless it is no answer.
func FuzzCompare(f *testing.F) {
	for _, p := range loadPairs(f) {
		f.Add(p.Gold, p.Answer)
	}
	f.Fuzz(func(t *testing.T, gold, answer string) {
		r := Compare(gold, answer, Options{})
		if again := Compare(gold, answer, Options{}); again != r {
			t.Fatalf("%+v and %+v", r, again)
		}
		if r.Steps > DefaultBudget {
			t.Fatalf("%d steps", r.Steps)
		}
		if same := Compare(gold, gold, Options{}); same.Outcome != Equal && same.Outcome != BadGold {
			t.Fatalf("not itself: %+v", same)
		}
	})
}
