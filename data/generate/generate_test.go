package generate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ropewalk/ropewalk/data"
)

func generate(t *testing.T, task Task, o Options) []data.Problem {
	t.Helper()
	problems, err := Generate(task, o)
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

func TestAddition(t *testing.T) {
	for _, digits := range []int{1, 4, 9} {
		n := 50
		for _, p := range generate(t, addition, Options{N: n, Seed: 7, Split: All, Set: map[string]string{"digits": strconv.Itoa(digits)}}) {
			var a, b, sum uint64
			if _, err := fmt.Sscanf(p.Question, "%d+%d=", &a, &b); err != nil {
				t.Fatalf("question %q: %v", p.Question, err)
			}
			sum, err := strconv.ParseUint(p.Gold, 10, 64)
			if err != nil || sum != a+b || len(p.Gold) != digits+1 || len(p.Question) != 2*digits+2 {
				t.Errorf("%s %s with %d digits: %v", p.Question, p.Gold, digits, err)
			}
		}
	}
	p := generate(t, multiplication, Options{N: 1, Seed: 1, Split: All, Set: map[string]string{"digits": "2"}})[0]
	var a, b, product int
	if _, err := fmt.Sscanf(p.Question+p.Gold, "%d*%d=%d", &a, &b, &product); err != nil || a*b != product || len(p.Gold) != 4 {
		t.Errorf("%s%s: %v", p.Question, p.Gold, err)
	}
}

// Same arguments, same problems; more problems only add; other seeds differ.
func TestPure(t *testing.T) {
	for _, digits := range []string{"2", "5"} {
		o := Options{N: 200, Seed: 3, Split: Train, Set: map[string]string{"digits": digits}}
		first := generate(t, addition, o)
		if diff := cmp.Diff(first, generate(t, addition, o)); diff != "" {
			t.Error(diff)
		}
		more := o
		more.N = 300
		if diff := cmp.Diff(first, generate(t, addition, more)[:200]); diff != "" {
			t.Errorf("a larger N changed the first ones: %s", diff)
		}
		other := o
		other.Seed = 4
		if cmp.Equal(first, generate(t, addition, other)) {
			t.Error("another seed gave the same problems")
		}
	}
}

// No problem is ever in both splits, in either order of its operands, whatever
// the seeds.
func TestSplitsDisjoint(t *testing.T) {
	key := func(p data.Problem) string {
		parts := strings.FieldsFunc(p.Question, func(r rune) bool { return r == '+' || r == '=' })
		slices.Sort(parts)
		return strings.Join(parts, "+")
	}
	rapid.Check(t, func(rt *rapid.T) {
		digits := map[string]string{"digits": rapid.SampledFrom([]string{"2", "4"}).Draw(rt, "digits")}
		seen := map[string]bool{}
		for _, p := range generate(t, addition, Options{N: 500, Seed: rapid.Int64().Draw(rt, "seed"), Split: Train, Set: digits}) {
			seen[key(p)] = true
		}
		for _, p := range generate(t, addition, Options{N: 500, Seed: rapid.Int64().Draw(rt, "other"), Split: HeldOut, Set: digits}) {
			if seen[key(p)] {
				rt.Fatalf("%s is in both splits", p.Question)
			}
		}
	})
}

func TestWholeSplit(t *testing.T) {
	set := map[string]string{"digits": "1"}
	var held, train int
	s, _ := addition.Space(set)
	for i := range s.Size() {
		if in, err := inSplit(s, i, HeldOut); err != nil {
			t.Fatal(err)
		} else if in {
			held++
		} else {
			train++
		}
	}
	for split, n := range map[string]int{Train: train, HeldOut: held, All: 100} {
		ids := map[data.ProblemID]bool{}
		for _, p := range generate(t, addition, Options{N: n, Seed: 1, Split: split, Set: set}) {
			ids[p.ID] = true
		}
		if len(ids) != n {
			t.Errorf("%s: %d distinct problems of %d", split, len(ids), n)
		}
		if _, err := Generate(addition, Options{N: n + 1, Split: split, Set: set}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("has %d", n)) {
			t.Errorf("%s: one more than there are: %v", split, err)
		}
	}
	if held < 3 || held > 30 {
		t.Errorf("%d of 100 held out, expected about %d", held, 100/heldOutOf)
	}
}

func TestRefuses(t *testing.T) {
	for want, o := range map[string]Options{
		"at least 1":             {N: 0, Split: Train},
		"unknown split":          {N: 1, Split: "test"},
		"digits: expected":       {N: 1, Split: Train, Set: map[string]string{"digits": "0"}},
		`unknown setting "digi"`: {N: 1, Split: Train, Set: map[string]string{"digi": "3"}},
		"expected at most":       {N: 1 << 30, Split: Train},
	} {
		if _, err := Generate(addition, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	if _, err := Find("subtraction"); err == nil || !strings.Contains(err.Error(), "addition") {
		t.Errorf("an unknown task: %v", err)
	}
}
