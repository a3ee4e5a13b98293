package curate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ropewalk/ropewalk/rollout/curate"
)

// parts reads parts that must be right.
func parts(t *testing.T, texts ...string) []curate.SplitPart {
	t.Helper()
	var list []curate.SplitPart
	for _, text := range texts {
		p, err := curate.ParsePart(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if err := curate.CheckParts(list); err != nil {
		t.Fatal(err)
	}
	return list
}

// By fractions a row's part follows from its key: other rows move none.
func TestSplitByHash(t *testing.T) {
	s := curate.NewSplit(parts(t, "a=0.8", "b=rest"), 1)
	in := 0
	for i := range 5000 {
		if s.Part("", fmt.Sprint("q", i)) == 0 {
			in++
		}
	}
	if in < 3900 || in > 4100 {
		t.Errorf("%d of 5000 in the part of 0.8", in)
	}
	other := curate.NewSplit(parts(t, "a=0.8", "b=rest"), 2)
	same := 0
	for i := range 1000 {
		if key := fmt.Sprint("q", i); s.Part("", key) == other.Part("", key) {
			same++
		}
	}
	if same > 750 || same < 600 { // 0.8² + 0.2²
		t.Errorf("another seed gives the same part to %d of 1000", same)
	}
}

// Counts are met to the row, in every stratum in proportion, whatever the order.
func TestSplitByCount(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(40, 300).Draw(rt, "n")
		want := rapid.IntRange(1, n-1).Draw(rt, "want")
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprint("key ", i)
		}
		assign := func(keys []string) map[string]int {
			s := curate.NewSplit(parts(t, fmt.Sprintf("a=%d", want), "b=rest"), 7)
			for _, k := range keys {
				s.See(k[:5], k)
			}
			if err := s.Settle(); err != nil {
				rt.Fatal(err)
			}
			out := map[string]int{}
			for _, k := range keys {
				out[k] = s.Part(k[:5], k)
			}
			return out
		}
		first := assign(keys)
		count := 0
		for _, part := range first {
			if part == 0 {
				count++
			}
		}
		if count != want {
			rt.Errorf("%d of %d rows, asked for %d", count, n, want)
		}
		shuffled := slices.Clone(keys)
		rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for k, part := range assign(shuffled) {
			if first[k] != part {
				rt.Errorf("%s moved with the order of the rows", k)
			}
		}
	})
}

func TestBadParts(t *testing.T) {
	for _, text := range []string{"a", "a=0", "a=1.5", "a=x", "=0.5", "a=-3"} {
		if _, err := curate.ParsePart(text); err == nil {
			t.Errorf("%q was taken for a part", text)
		}
	}
	for _, list := range [][]string{{"a=0.5"}, {"a=0.5", "b=0.6"}, {"a=rest", "b=rest"}, {"a=0.5", "a=rest"}, {"a=5", "b=6"}, {"a=0.5", "b=6", "c=rest"}} {
		var p []curate.SplitPart
		for _, text := range list {
			part, err := curate.ParsePart(text)
			if err != nil {
				t.Fatal(err)
			}
			p = append(p, part)
		}
		if curate.CheckParts(p) == nil {
			t.Errorf("%v was taken for a split", list)
		}
	}
}

// A mixture has the planned numbers of rows, and no row twice without repetition.
func TestMixture(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows := []int{rapid.IntRange(1, 60).Draw(rt, "a"), rapid.IntRange(1, 60).Draw(rt, "b")}
		list := []curate.MixPart{{Path: "a", Weight: rapid.Float64Range(0.1, 5).Draw(rt, "weight")}, {Path: "b", Weight: 1}}
		n := rapid.IntRange(0, 200).Draw(rt, "n")
		m, err := curate.NewMixture(list, rows, n, n > 0, 3)
		if err != nil {
			rt.Fatal(err)
		}
		got := make([]int, 2)
		order := m.Order()
		for i, ok := order(); ok; i, ok = order() {
			got[i]++
		}
		if !slices.Equal(got, m.Rows()) || n > 0 && got[0]+got[1] != n {
			rt.Errorf("%v rows in the order, %v planned, %d asked for", got, m.Rows(), n)
		}
		for input := range rows {
			choose, taken := m.Chooser(input), map[int]int{}
			for left := m.Rows()[input]; left > 0; {
				for row := range rows[input] {
					if choose(row) {
						taken[row]++
						left--
					}
				}
			}
			low, high := 1<<30, 0
			for row := range rows[input] {
				low, high = min(low, taken[row]), max(high, taken[row])
			}
			if high-low > 1 || n == 0 && high > 1 {
				rt.Errorf("input %d: rows taken between %d and %d times", input, low, high)
			}
		}
	})
}

func sentence(r *rand.Rand, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint("w", r.IntN(5000))
	}
	return list
}

// Copies are found, near ones from the threshold on, and nothing else is.
func TestDedup(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	equal, near := curate.NewDedup(0, 3), curate.NewDedup(0.7, 3)
	for i := range 200 {
		list := sentence(r, 60)
		text := strings.Join(list, " ")
		for _, d := range []*curate.Dedup{equal, near} {
			if of, same := d.Add(text); same {
				t.Fatalf("text %d is a copy of %d", i, of)
			}
			if of, same := d.Add("  " + strings.ToUpper(text) + "\n"); !same || of != 3*i {
				t.Errorf("copy of text %d: %v, %d", 3*i, same, of)
			}
		}
		list[30] = "other" // 57 of 59 or so runs of three words are shared by one side: (58-3)/(58+3)
		changed := strings.Join(list, " ")
		if of, same := near.Add(changed); !same || of != 3*i {
			t.Errorf("near copy of text %d: %v, %d", 3*i, same, of)
		}
		if _, same := equal.Add(changed); same {
			t.Errorf("a near copy of text %d counts as equal", 3*i)
		}
	}
}

func TestContamination(t *testing.T) {
	c := curate.NewContamination(4, 0.5)
	c.Add("How many positive integers less than 100 are divisible by both 3 and 7?")
	c.Add("What is 2+2?")
	for text, want := range map[string]int{
		"Warm-up. how many positive INTEGERS less than 100 are divisible by both 3 and 7, and why?": 0,
		"Please tell: what is 2 + 2 ?":          1,
		"How many positive integers are there?": -1,
		"what is 22":                            -1,
		"":                                      -1,
		"How many negative integers greater than 7 are divisors": -1,
	} {
		q, share, ok := c.Find(text)
		if ok != (want >= 0) || ok && (q != want || share < 0.5) {
			t.Errorf("%q: question %d, overlap %g, %v; expected %d", text, q, share, ok, want)
		}
	}
}
