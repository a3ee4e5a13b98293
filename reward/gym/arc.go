package gym

import (
	"fmt"
	"strings"
)

var (
	arcAGI = Task{"arc_agi", scoreARC}
	reARC  = Task{"rearc", scoreARC}
)

// scoreARC wants the stored grid: 1; another grid of single digits 0.05; text
// that is no grid 0. strict compares as the package does with an entry that has
// been through JSON, where no grid is ever equal (a list is no tuple): a right
// one scores 0.05 there.
func scoreARC(e *Entry, answer string, strict bool) Result {
	output, err := metaGrid(e, "output")
	if err != nil {
		return badEntry(err)
	}
	row, wrong := 0, ""
	for line := range strings.SplitSeq(trimShape(answer), "\n") {
		column := 0
		for cell := range strings.SplitSeq(pyStrip(line), " ") {
			if cell = pyStrip(cell); cell == "" {
				continue
			}
			if len(cell) != 1 || cell[0] < '0' || cell[0] > '9' {
				return scored(0, "row %d: %s is not one digit", row+1, quote(cell))
			}
			if wrong == "" && row < len(output) && column < len(output[row]) && int(cell[0]-'0') != output[row][column] {
				wrong = fmt.Sprintf("row %d, column %d is %s, expected %d", row+1, column+1, cell, output[row][column])
			}
			column++
		}
		if row < len(output) && column != len(output[row]) && wrong == "" {
			wrong = fmt.Sprintf("row %d has %d cells, expected %d", row+1, column, len(output[row]))
		}
		row++
	}
	switch {
	case row != len(output):
		return scored(0.05, "%d rows, expected %d", row, len(output))
	case wrong != "":
		return scored(0.05, "%s", wrong)
	case strict:
		return scored(0.05, "the grid is right, but the package compares a list with a tuple")
	}
	return scored(1, "the grid is right")
}

// trimShape drops lines that state the shape and blank lines around the grid.
func trimShape(answer string) string {
	if !strings.Contains(answer, "Shape: ") {
		return pyStrip(answer)
	}
	var kept []string
	for line := range strings.SplitSeq(answer, "\n") {
		if line = pyStrip(line); !strings.HasPrefix(line, "Shape: ") {
			kept = append(kept, line)
		}
	}
	return pyStrip(strings.Join(kept, "\n"))
}
