package gym

import (
	"fmt"
	"math"
	"strings"
)

var towerOfHanoi = Task{"tower_of_hanoi", scoreHanoi}

// hanoiWords are the fixed words of a move; between them stand its numbers.
var hanoiWords = [...]string{"Move", "disk", "", "from", "Peg", "", "to", "Peg", ""}

// maxPegs bounds a puzzle's pegs and disks.
const maxPegs = 1000

// hanoi is the state of a tower: the disks on each peg (from 1), the top last.
type hanoi struct{ pegs [][]int }

// scoreHanoi plays the moves, one a line: solved in at most as many moves as the
// stored solution 1, in more the share; all legal but unsolved 0.05; else 0.
func scoreHanoi(e *Entry, answer string, _ bool) Result {
	var want [5]int
	for i, key := range [...]string{"num_disks", "num_pegs", "start_peg", "target_peg", "solution_length"} {
		var err error
		if want[i], err = metaInt(e, key); err != nil && key != "solution_length" {
			return badEntry(err)
		}
	}
	disks, pegs, start, target := want[0], want[1], want[2], want[3]
	if disks < 1 || disks > maxPegs || pegs > maxPegs || start < 1 || start > pegs || target < 1 || target > pegs {
		return badEntryf("metadata: %d disks from peg %d to %d of %d is no puzzle", disks, start, target, pegs)
	}
	h := hanoi{make([][]int, pegs+1)}
	for disk := disks; disk > 0; disk-- {
		h.pegs[start] = append(h.pegs[start], disk)
	}
	if answer == "" {
		return scored(0, "the answer is empty")
	}
	moves := 0
	for _, line := range pyLines(answer) {
		if line = pyStrip(line); line == "" {
			continue
		}
		moves++
		if broken := h.move(line); broken != "" {
			return scored(0, "move %d: %s", moves, broken)
		}
	}
	switch optimal := want[4]; {
	case len(h.pegs[target]) != disks:
		return scored(0.05, "all %d moves are legal, but only %d of %d disks end on peg %d", moves, len(h.pegs[target]), disks, target)
	case optimal > 0 && moves > optimal:
		return scored(float64(optimal)/float64(moves), "solved in %d moves where %d suffice", moves, optimal)
	}
	return scored(1, "solved in %d moves", moves)
}

// move plays one line; broken names what is wrong with it.
func (h *hanoi) move(line string) (broken string) {
	disk, from, to, ok := parseHanoi(line)
	if !ok {
		return fmt.Sprintf("%s is not of the form 'Move disk X from Peg Y to Peg Z'", quote(line))
	}
	if from < 1 || from >= len(h.pegs) || to < 1 || to >= len(h.pegs) {
		return fmt.Sprintf("there is no peg %d or no peg %d", from, to)
	}
	source, goal := h.pegs[from], h.pegs[to]
	if len(source) == 0 || source[len(source)-1] != disk {
		return fmt.Sprintf("disk %d is not on top of peg %d", disk, from)
	}
	if len(goal) > 0 && goal[len(goal)-1] < disk {
		return fmt.Sprintf("disk %d cannot lie on the smaller disk %d", disk, goal[len(goal)-1])
	}
	h.pegs[from] = source[:len(source)-1]
	h.pegs[to] = append(h.pegs[to], disk)
	return ""
}

// parseHanoi reads one move. The words stand one space apart; the first may have
// something before it, as in "1.Move".
func parseHanoi(line string) (disk, from, to int, ok bool) {
	var numbers [3]int
	for i, word := range hanoiWords {
		next, rest, more := strings.Cut(line, " ")
		if more == (i == len(hanoiWords)-1) {
			return 0, 0, 0, false
		}
		line = rest
		switch {
		case word == "":
			if numbers[i/3], ok = digits(next); !ok {
				return 0, 0, 0, false
			}
		case next != word && !(i == 0 && strings.HasSuffix(next, word) && !strings.ContainsFunc(next, isPySpace)):
			return 0, 0, 0, false
		}
	}
	return numbers[0], numbers[1], numbers[2], true
}

// digits reads a number of digits alone; one of more than 18 is out of any
// puzzle's range and reads as the largest int.
func digits(s string) (int, bool) {
	n, count := 0, 0
	for _, r := range s {
		d := digitOf(r)
		if d < 0 {
			return 0, false
		}
		if count++; count <= 18 {
			n = n*10 + d
		} else {
			n = math.MaxInt
		}
	}
	return n, count > 0
}
