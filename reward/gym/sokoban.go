package gym

import (
	"errors"
	"strings"
)

var sokoban = Task{"sokoban", scoreSokoban}

// warehouse is a Sokoban board: the bits of each cell, row by row.
type warehouse struct {
	cells    []byte
	width    int
	at       int // the player
	boxesOff int // boxes that stand on no goal
}

// The bits of a cell.
const (
	wall byte = 1 << iota
	box
	goal
	unknown
)

// cellBits are the bits of each character of a board.
var cellBits = func() (bits [256]byte) {
	for c := range bits {
		bits[c] = unknown
	}
	bits['+'], bits['@'], bits['$'], bits['X'], bits['%'], bits['*'], bits['-'] = wall, box, box|goal, goal, goal, 0, 0
	return bits
}()

// scoreSokoban plays L, R, U and D: 1 if all boxes end on goals, else 0. A move
// that is blocked, or any other letter, does nothing, as in the package. A step
// off a board without walls breaks the answer (the package comes in again on the
// other side).
func scoreSokoban(e *Entry, answer string, _ bool) Result {
	text, err := metaText(e, "gamestr")
	if err != nil {
		return badEntry(err)
	}
	w, err := newWarehouse(text)
	if err != nil {
		return badEntry(err)
	}
	blocked, first := 0, 0
	for i := range len(answer) {
		dx, dy := 0, 0
		switch answer[i] {
		case 'L':
			dx = -1
		case 'R':
			dx = 1
		case 'U':
			dy = -1
		case 'D':
			dy = 1
		default:
			continue
		}
		moved, inside := w.step(dx, dy)
		if !inside {
			return scored(0, "move %d (%c) leaves the board", i+1, answer[i])
		}
		if !moved {
			if blocked++; blocked == 1 {
				first = i + 1
			}
		}
	}
	switch {
	case w.boxesOff == 0:
		return scored(1, "all boxes are on goals")
	case blocked > 0:
		return scored(0, "boxes not on a goal: %d; blocked moves: %d, the first is move %d (%c)", w.boxesOff, blocked, first, answer[first-1])
	}
	return scored(0, "boxes not on a goal: %d", w.boxesOff)
}

func newWarehouse(text string) (*warehouse, error) {
	text = pyStrip(strings.ReplaceAll(text, " ", ""))
	w := &warehouse{cells: make([]byte, 0, len(text)), width: len(text), at: -1}
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		w.width = i
	}
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) != w.width {
			return nil, errors.New("metadata: gamestr: rows of different lengths")
		}
		for i := range len(line) {
			if line[i] == '*' || line[i] == '%' {
				w.at = len(w.cells) // of several the last, as in the package
			}
			bits := cellBits[line[i]]
			if bits == unknown {
				return nil, errors.New("metadata: gamestr: " + quote(line[i:i+1]).String() + " is no cell")
			}
			if bits == box {
				w.boxesOff++
			}
			w.cells = append(w.cells, bits)
		}
	}
	if w.at < 0 {
		return nil, errors.New("metadata: gamestr: no player")
	}
	return w, nil
}

// next is the cell beside one, -1 off the board.
func (w *warehouse) next(at, dx, dy int) int {
	x, y := at%w.width+dx, at/w.width+dy
	if x < 0 || x >= w.width || y < 0 || y*w.width >= len(w.cells) {
		return -1
	}
	return y*w.width + x
}

// step moves the player, and a box before it, if nothing is in the way.
func (w *warehouse) step(dx, dy int) (moved, inside bool) {
	to := w.next(w.at, dx, dy)
	if to < 0 {
		return false, false
	}
	if w.cells[to]&wall != 0 {
		return false, true
	}
	if w.cells[to]&box != 0 {
		beyond := w.next(to, dx, dy)
		if beyond < 0 {
			return false, false
		}
		if w.cells[beyond]&(wall|box) != 0 {
			return false, true
		}
		w.boxesOff -= off(w.cells[to])
		w.cells[to] &^= box
		w.cells[beyond] |= box
		w.boxesOff += off(w.cells[beyond])
	}
	w.at = to
	return true, true
}

// off counts a box that stands on no goal.
func off(cell byte) int {
	if cell&(box|goal) == box {
		return 1
	}
	return 0
}
