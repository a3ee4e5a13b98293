package gym

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

var hanoi = Task{
	Name: "tower_of_hanoi",
	Settings: []Setting{
		{"size", 5, 1, 10, "most disks"},
		{"least", 3, 1, 10, "fewest disks (or size, if that is less)"},
		{"pegs", 4, 3, 6, "most pegs"},
	},
	Make: makeHanoi,
}

func makeHanoi(r *rand.Rand, set map[string]int) (Entry, bool) {
	disks := between(r, min(set["least"], set["size"]), set["size"])
	pegs := between(r, 3, set["pegs"])
	order := r.Perm(pegs)
	for i := range order {
		order[i]++
	}
	moves := frameStewart(nil, 1, disks, order)
	lines := make([]string, len(moves))
	for i, m := range moves {
		lines[i] = fmt.Sprintf("Move disk %d from Peg %d to Peg %d", m[0], m[1], m[2])
	}
	question := fmt.Sprintf("There are %d pegs and %d disks of different sizes, disk 1 the smallest. All disks lie on Peg %d, smaller ones on larger ones. "+
		"Bring all of them to Peg %d, one at a time, never a disk onto a smaller one, in as few moves as you can.\n"+
		"Give one move a line, exactly in the form: Move disk X from Peg Y to Peg Z", pegs, disks, order[0], order[1])
	return Entry{question, strings.Join(lines, "\n"), map[string]any{
		"num_disks": disks, "num_pegs": pegs, "start_peg": order[0], "target_peg": order[1],
		"auxiliary_pegs": order[2:], "solution_length": len(moves),
	}}, true
}

// frameStewart moves n disks, the smallest of which is low, from pegs[0] to
// pegs[1] by way of the other pegs (Frame and Stewart, 1941): optimal for three
// and four pegs, the best known for more.
func frameStewart(moves [][3]int, low, n int, pegs []int) [][3]int {
	if n == 0 {
		return moves
	}
	if n == 1 {
		return append(moves, [3]int{low, pegs[0], pegs[1]})
	}
	k := n - 1
	if len(pegs) > 3 {
		best := -1
		for i := 1; i < n; i++ {
			if cost := 2*stewart(i, len(pegs)) + stewart(n-i, len(pegs)-1); best < 0 || cost < best {
				best, k = cost, i
			}
		}
	}
	from, to, by := pegs[0], pegs[1], pegs[2]
	rest := pegs[3:]
	moves = frameStewart(moves, low, k, append([]int{from, by, to}, rest...))
	if len(pegs) > 3 {
		moves = frameStewart(moves, low+k, n-k, append([]int{from, to}, rest...))
	} else {
		moves = append(moves, [3]int{low + k, from, to})
	}
	return frameStewart(moves, low, k, append([]int{by, to, from}, rest...))
}

// stewart is the number of moves of n disks on so many pegs.
func stewart(n, pegs int) int {
	if n <= 1 {
		return n
	}
	if pegs == 3 {
		return 1<<n - 1
	}
	best := 1<<n - 1
	for i := 1; i < n; i++ {
		best = min(best, 2*stewart(i, pegs)+stewart(n-i, pegs-1))
	}
	return best
}
