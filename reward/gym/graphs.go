package gym

import (
	"bytes"
	"strings"
)

var (
	quantumLock  = Task{"quantum_lock", scoreLock}
	shortestPath = Task{"shortest_path", scorePath}
)

// button is a button of the quantum lock.
type button struct {
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	Value  float64 `json:"value"`
	Active string  `json:"active_state"`
}

// scoreLock presses the buttons A to C in the order of these letters in the
// answer: the stored sequence, or the target in as many presses, scores 1; the
// target in another number of presses 0.5; else 0.
func scoreLock(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	presses, stored := lockLetters(answer), lockLetters(*e.Answer)
	if presses == stored {
		return scored(1, "the stored sequence")
	}
	var (
		buttons []button
		colour  string
		state   float64
		target  float64
	)
	for _, f := range []struct {
		key  string
		into any
	}{{"buttons", &buttons}, {"initial_state", &colour}, {"initial_value", &state}, {"target_value", &target}} {
		if err := metaDecode(e, f.key, f.into); err != nil {
			return badEntry(err)
		}
	}
	state, off := press(buttons, colour, state, presses)
	switch {
	case state != target:
		return scored(0, "the number ends at %v, not at %v (%d presses had no effect)", state, target, off)
	case len(presses) != len(stored):
		return scored(0.5, "reaches %v in %d presses where %d suffice", target, len(presses), len(stored))
	}
	return scored(1, "reaches %v in %d presses", target, len(presses))
}

// lockLetters gives the letters A to C of a text, in capitals.
func lockLetters(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case 'a', 'b', 'c':
			return r - 'a' + 'A'
		case 'A', 'B', 'C':
			return r
		}
		return -1
	}, s)
}

// farOff is where numbers leave for good: whatever an answer of bounded length
// adds, it does not come back, and up to there float64 is exact.
const farOff = 1 << 52

// press gives the number after the presses, and how many of them had no effect.
func press(buttons []button, colour string, state float64, presses string) (float64, int) {
	off := 0
	var byName [3]*button
	for i := range buttons {
		if b := &buttons[i]; len(b.Name) == 1 && 'A' <= b.Name[0] && b.Name[0] <= 'C' {
			byName[b.Name[0]-'A'] = b // of several the last, as in the package
		}
	}
	for i := range len(presses) {
		b := byName[presses[i]-'A']
		if b == nil || b.Active != colour && b.Active != "any" {
			off++
			continue
		}
		switch b.Type {
		case "add":
			state += b.Value
		case "subtract":
			state -= b.Value
		case "multiply":
			state *= b.Value
		}
		state = max(-farOff, min(farOff, state))
		if colour == "red" {
			colour = "green"
		} else {
			colour = "red"
		}
	}
	return state, off
}

// scorePath walks up, down, left and right: a way to the goal as long as the
// stored one scores 1, another way 0.5, else 0.
func scorePath(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	if pyStrip(answer) == pyStrip(*e.Answer) && answer != "" {
		return scored(1, "equal to the stored path")
	}
	matrix, err := metaCells(e, "matrix")
	if err != nil {
		return badEntry(err)
	}
	r, c := findCell(matrix, '*')
	goalR, goalC := findCell(matrix, '#')
	if r < 0 || goalR < 0 {
		return badEntryf("metadata: matrix: no start or no destination")
	}
	words := pyFields(answer)
	for i, word := range words {
		switch word {
		case "up":
			r--
		case "down":
			r++
		case "left":
			c--
		case "right":
			c++
		default:
			return scored(0, "step %d: %s is no direction", i+1, quote(word))
		}
		if r < 0 || r >= len(matrix) || c < 0 || c >= len(matrix[r]) {
			return scored(0, "step %d (%s) leaves the grid", i+1, word)
		}
		if matrix[r][c] == 'X' {
			return scored(0, "step %d (%s) runs into an obstacle", i+1, word)
		}
	}
	if r != goalR || c != goalC {
		return scored(0, "the path ends at row %d, column %d, not at the destination", r+1, c+1)
	}
	if n := len(pyFields(*e.Answer)); len(words) != n {
		return scored(0.5, "reaches the destination in %d steps where %d suffice", len(words), n)
	}
	return scored(1, "reaches the destination in %d steps", len(words))
}

// findCell gives the first place of a cell, -1 if there is none.
func findCell(matrix [][]byte, cell byte) (row, column int) {
	for i, row := range matrix {
		if j := bytes.IndexByte(row, cell); j >= 0 {
			return i, j
		}
	}
	return -1, -1
}
