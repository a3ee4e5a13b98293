package gym

import (
	"fmt"
	"slices"
	"strings"
)

var survo = Task{"survo", scoreSurvo}

// scoreSurvo wants a filled matrix. A puzzle may have several solutions, of
// which the package accepts the stored one only (so does strict): here any counts
// that keeps the given cells, uses each number once and has the sums.
func scoreSurvo(e *Entry, answer string, strict bool) Result {
	solution, err := metaGrid(e, "solution")
	if err != nil {
		return badEntry(err)
	}
	rows := intRows(answer, len(solution)+1)
	if len(rows) != len(solution) {
		return scored(0, "expected %d rows of numbers, found %d or more", len(solution), len(rows))
	}
	wrong := ""
	for i, row := range rows {
		if len(row) != len(solution[i]) {
			return scored(0, "row %d has %d numbers, expected %d", i+1, len(row), len(solution[i]))
		}
		for j, v := range row {
			if v != solution[i][j] && wrong == "" {
				wrong = fmt.Sprintf("row %d, column %d is %d, not as in the stored solution", i+1, j+1, v)
			}
		}
	}
	if wrong == "" {
		return scored(1, "equal to the stored solution")
	}
	if strict {
		return scored(0, "%s", wrong)
	}
	broken, err := survoRules(e, rows)
	if err != nil {
		return badEntry(err)
	}
	if broken != "" {
		return scored(0, "%s", broken)
	}
	return scored(1, "another valid solution")
}

// survoRules names the first rule that a filled matrix breaks.
func survoRules(e *Entry, rows [][]int) (broken string, err error) {
	puzzle, err := metaGrid(e, "puzzle")
	if err != nil {
		return "", err
	}
	numbers, err := metaInts(e, "candidate_numbers")
	if err != nil {
		return "", err
	}
	n := len(rows)
	if len(puzzle) != n || len(puzzle[0]) != n {
		return "", fmt.Errorf("metadata: puzzle and solution have different sizes")
	}
	var placed []int
	for i, row := range rows {
		for j, v := range row {
			if puzzle[i][j] == 0 {
				placed = append(placed, v)
			} else if v != puzzle[i][j] {
				return fmt.Sprintf("row %d, column %d is %d, but %d was given", i+1, j+1, v, puzzle[i][j]), nil
			}
		}
	}
	slices.Sort(placed)
	slices.Sort(numbers)
	if !slices.Equal(placed, numbers) {
		return "the empty cells do not hold each of the numbers once", nil
	}
	for i := range n {
		row, column := 0, 0
		for j := range n - 1 {
			row += rows[i][j]
			column += rows[j][i]
		}
		if row != rows[i][n-1] {
			return fmt.Sprintf("row %d sums to %d, expected %d", i+1, row, rows[i][n-1]), nil
		}
		if column != rows[n-1][i] {
			return fmt.Sprintf("column %d sums to %d, expected %d", i+1, column, rows[n-1][i]), nil
		}
	}
	return "", nil
}

// intRows reads the whole numbers of each line, at most height lines that have
// any. Other words are passed over.
func intRows(answer string, height int) [][]int {
	var rows [][]int
	for line := range strings.SplitSeq(pyStrip(answer), "\n") {
		var row []int
		for _, word := range pyFields(line) {
			if n, ok := wholeNumber(word); ok {
				row = append(row, n)
			}
		}
		if row == nil {
			continue
		}
		if rows = append(rows, row); len(rows) == height {
			break
		}
	}
	return rows
}
