package gym

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

var arc1D = Task{
	Name: "arc_1d",
	Settings: []Setting{
		{"size", 14, 5, 60, "cells of a row"},
		{"examples", 3, 1, 6, "examples shown"},
	},
	Make: makeARC1D,
}

// rule is a rule from an input row to an output row. make throws a pair for it;
// k is a number fixed for all pairs of an entry (a distance, a colour).
type rule struct {
	name string
	make func(r *rand.Rand, row []int, k int) (in, out []int, ok bool)
}

var arcRules = []rule{
	{"move_right", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 2, 6, k)
		return in, paint(len(row), at+k, n, c), at >= 0
	}},
	{"move_left", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 2, 6, k)
		slices.Reverse(in)
		out = paint(len(row), at+k, n, c)
		slices.Reverse(out)
		return in, out, at >= 0
	}},
	{"move_to_edge", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 2, 6, 1)
		return in, paint(len(row), len(row)-n, n, c), at >= 0
	}},
	{"mirror", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in = noise(r, len(row), 3)
		out = slices.Clone(in)
		slices.Reverse(out)
		return in, out, !slices.Equal(in, out)
	}},
	{"fill_between", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 3, len(row)-2, 0)
		if at < 0 {
			return nil, nil, false
		}
		out = slices.Clone(in)
		for i := at + 1; i < at+n-1; i++ {
			in[i] = 0
		}
		return in, out, c > 0
	}},
	{"hollow", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, _ := block(r, row, 3, len(row)-2, 0)
		if at < 0 {
			return nil, nil, false
		}
		out = slices.Clone(in)
		for i := at + 1; i < at+n-1; i++ {
			out[i] = 0
		}
		return in, out, true
	}},
	{"recolour", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 2, len(row)-2, 0)
		return in, paint(len(row), at, n, k), at >= 0 && c != k
	}},
	{"keep_longest", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 4, 7, 0)
		if at < 0 {
			return nil, nil, false
		}
		out = slices.Clone(in)
		for i := range in { // single cells apart from the block
			if (i < at-1 || i > at+n) && r.IntN(3) == 0 && (i == 0 || in[i-1] == 0) {
				in[i] = c
			}
		}
		return in, out, !slices.Equal(in, out)
	}},
	{"grow_both_ways", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 1, 4, 1)
		if at < 1 {
			return nil, nil, false
		}
		return in, paint(len(row), at-1, n+2, c), true
	}},
	{"sort_colours", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in = noise(r, len(row), 2)
		out = slices.Sorted(slices.Values(in))
		return in, out, !slices.Equal(in, out)
	}},
	{"mark_even_positions", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 4, len(row)-1, 0)
		if at < 0 || c == k {
			return nil, nil, false
		}
		out = slices.Clone(in)
		for i := 1; i < n; i += 2 {
			out[at+i] = k
		}
		return in, out, true
	}},
	{"copy_behind", func(r *rand.Rand, row []int, k int) (in, out []int, ok bool) {
		in, at, n, c := block(r, row, 2, 4, 0)
		if at < 0 || at+2*n+1 > len(row) {
			return nil, nil, false
		}
		out = slices.Clone(in)
		copy(out[at+n+1:], paint(n, 0, n, c))
		return in, out, true
	}},
}

// block paints one run of a colour, with room cells free behind it; at is -1 if
// there is no place.
func block(r *rand.Rand, row []int, low, high, room int) (in []int, at, n, colour int) {
	n = between(r, low, max(low, min(high, len(row)-room-1)))
	free := len(row) - n - room
	if free < 0 {
		return slices.Clone(row), -1, 0, 1
	}
	at, colour = between(r, 0, free), between(r, 1, 9)
	return paint(len(row), at, n, colour), at, n, colour
}

func paint(length, at, n, colour int) []int {
	row := make([]int, length)
	for i := max(at, 0); i < min(at+n, length); i++ {
		row[i] = colour
	}
	return row
}

// noise scatters cells of so many colours.
func noise(r *rand.Rand, n, colours int) []int {
	palette := r.Perm(9)[:colours]
	row := make([]int, n)
	for i := range row {
		if r.IntN(2) == 0 {
			row[i] = palette[r.IntN(colours)] + 1
		}
	}
	return row
}

func makeARC1D(r *rand.Rand, set map[string]int) (Entry, bool) {
	rule := pick(r, arcRules)
	k := between(r, 1, 4)
	type example struct {
		In  []int `json:"input"`
		Out []int `json:"output"`
	}
	var pairs []example
	for range set["examples"] + 1 {
		in, out, ok := rule.make(r, make([]int, set["size"]), k)
		if !ok {
			return Entry{}, false
		}
		pairs = append(pairs, example{in, out})
	}
	test := pairs[len(pairs)-1]
	pairs = pairs[:len(pairs)-1]
	var text strings.Builder
	text.WriteString("One rule turns each input row into its output row. Find it, and apply it to the last input.\n\n")
	for i, p := range pairs {
		fmt.Fprintf(&text, "Example %d\nInput:  %s\nOutput: %s\n\n", i+1, join(p.In, " "), join(p.Out, " "))
	}
	fmt.Fprintf(&text, "Test\nInput:  %s\n\nAnswer with the output row alone, numbers with a space between.", join(test.In, " "))
	return Entry{text.String(), join(test.Out, " "), map[string]any{
		"task_name": rule.name, "size": set["size"], "train_examples": pairs, "test_example": test,
	}}, true
}
