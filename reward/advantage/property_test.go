package advantage

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"pgregory.net/rapid"
)

// rewards draws a group of 0 to 12 rewards, often with ties.
func rewards(low, high float64) *rapid.Generator[[]float64] {
	return rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]float64{0, 1, .5, .1}), rapid.Float64Range(low, high)), 0, 12)
}

// each runs a property over every estimator with drawn constants.
func each(t *testing.T, property func(t *rapid.T, e Estimator)) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				o := Options{Epsilon: rapid.SampledFrom([]float64{0, 1e-6, 1e-4}).Draw(t, "epsilon"), K: rapid.IntRange(1, 14).Draw(t, "k")}
				e, err := New(name, o)
				if err != nil {
					t.Fatal(err)
				}
				property(t, e)
			})
		})
	}
}

func TestFiniteAndOfTheSameShape(t *testing.T) {
	each(t, func(t *rapid.T, e Estimator) {
		groups := rapid.SliceOfN(rewards(-1e100, 1e100), 0, 5).Draw(t, "groups")
		before := make([][]float64, len(groups))
		for g := range groups {
			before[g] = slices.Clone(groups[g])
		}
		got := e.Estimate(groups)
		if len(got) != len(groups) {
			t.Fatalf("%d groups became %d", len(groups), len(got))
		}
		for g := range groups {
			if len(got[g]) != len(groups[g]) {
				t.Fatalf("%d samples became %d", len(groups[g]), len(got[g]))
			}
			if !slices.Equal(before[g], groups[g]) {
				t.Fatal("the rewards were changed")
			}
			for _, a := range got[g] {
				if math.IsNaN(a) || math.IsInf(a, 0) {
					t.Fatalf("advantage %v for %v", a, groups[g])
				}
			}
		}
	})
}

func TestZeroVarianceGivesZeros(t *testing.T) {
	each(t, func(t *rapid.T, e Estimator) {
		r := rapid.Float64Range(-100, 100).Draw(t, "reward")
		group := slices.Repeat([]float64{r}, rapid.IntRange(1, 20).Draw(t, "n"))
		for _, a := range e.Estimate([][]float64{group, group})[0] {
			if a != 0 {
				t.Fatalf("advantage %v for equal rewards %v", a, r)
			}
		}
	})
}

func TestSumsToZero(t *testing.T) {
	each(t, func(t *rapid.T, e Estimator) {
		groups := [][]float64{rewards(-3, 3).Draw(t, "a"), rewards(-3, 3).Draw(t, "b")}
		got := e.Estimate(groups)
		if e.Name() == "reinforce" { // of the batch
			got = [][]float64{slices.Concat(got...)}
		}
		for _, advantages := range got {
			size := floats.Norm(advantages, 1)
			if sum := floats.Sum(advantages); math.Abs(sum) > 1e-9*max(size, 1) {
				t.Fatalf("advantages %v of %v sum to %v", advantages, groups, sum)
			}
		}
	})
}

// Advantages follow their samples, a better sample never gets less, and equals
// get exactly the same.
func TestOrder(t *testing.T) {
	each(t, func(t *rapid.T, e Estimator) {
		group := rewards(-3, 3).Draw(t, "rewards")
		seed := rapid.Uint64().Draw(t, "seed")
		order := rand.New(rand.NewPCG(seed, 0)).Perm(len(group))
		shuffled := make([]float64, len(group))
		for to, from := range order {
			shuffled[to] = group[from]
		}
		straight, mixed := e.Estimate([][]float64{group})[0], e.Estimate([][]float64{shuffled})[0]
		size := floats.Norm(straight, 1)
		for to, from := range order {
			if math.Abs(mixed[to]-straight[from]) > 1e-9*max(size, 1) {
				t.Fatalf("%v: advantage %v of sample %d became %v by shuffling", group, straight[from], from, mixed[to])
			}
		}
		for i, a := range group {
			for j, b := range group {
				if a == b && straight[i] != straight[j] || a > b && straight[i] < straight[j]-1e-12*size {
					t.Fatalf("rewards %v and %v have advantages %v and %v", a, b, straight[i], straight[j])
				}
			}
		}
	})
}

// Adding the same to all rewards changes nothing; what scales them scales the
// advantages, except where they are divided by the rewards' own scale.
func TestShiftAndScale(t *testing.T) {
	each(t, func(t *rapid.T, e Estimator) {
		if e.Name() == "maxrl" {
			return // divides by the mean: a shift is meant to matter
		}
		group := rewards(0, 3).Draw(t, "rewards")
		shift := float64(rapid.IntRange(-8, 8).Draw(t, "shift"))
		moved := make([]float64, len(group))
		for i, r := range group {
			moved[i] = r + shift
		}
		if spread(group) < 1e-3 || spread(moved) < 1e-3 {
			return
		}
		a, b := e.Estimate([][]float64{group})[0], e.Estimate([][]float64{moved})[0]
		if !floats.EqualApprox(a, b, 1e-7) {
			t.Fatalf("%v: %v, shifted by %v: %v", group, a, shift, b)
		}
	})
}

func spread(group []float64) float64 {
	if len(group) == 0 {
		return 0
	}
	return slices.Max(group) - slices.Min(group)
}

// pass_at_k against the definition, over all subsets.
func TestPassAtKByEnumeration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		group := rapid.SliceOfN(rapid.Float64Range(-2, 2), 2, 9).Draw(t, "rewards")
		k := rapid.IntRange(1, len(group)-1).Draw(t, "k")
		got := PassAtK{K: k}.Estimate([][]float64{group})[0]
		for i := range group {
			var best, count [2]float64 // without i, with i
			for set := range 1 << len(group) {
				if size, top := subset(group, set); size == k {
					best[set>>i&1] += top
					count[set>>i&1]++
				}
			}
			want := float64(k) * (best[1]/count[1] - best[0]/count[0])
			if !ZeroVariance(group) && math.Abs(got[i]-want) > 1e-9 {
				t.Fatalf("k=%d rewards %v: advantage %d is %v, want %v", k, group, i, got[i], want)
			}
		}
	})
}

func subset(group []float64, set int) (size int, top float64) {
	top = math.Inf(-1)
	for i, r := range group {
		if set>>i&1 == 1 {
			size++
			top = max(top, r)
		}
	}
	return size, top
}
