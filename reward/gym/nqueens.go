package gym

import (
	"fmt"
	"strings"
)

var nQueens = Task{"n_queens", scoreQueens}

// scoreQueens wants a board of _ and Q that keeps the given queens and has n of
// them, none attacking another: 1, or 0.5 if it is written as a list of rows in
// Python's notation; else 0.
func scoreQueens(e *Entry, answer string, _ bool) Result {
	puzzle, err := metaStringRows(e, "puzzle")
	if err != nil {
		return badEntry(err)
	}
	if len(puzzle) == 0 || len(puzzle) > maxSide {
		return badEntryf("metadata: puzzle: %d rows", len(puzzle))
	}
	broken := queensRules(puzzle, answer)
	if broken == "" {
		return scored(1, "a valid board")
	}
	v, err := parsePython(answer)
	if err != nil {
		return scored(0, "%s", broken)
	}
	board, ok := joinBoard(&v)
	if !ok {
		return scored(0, "a Python value that is no board")
	}
	if broken := queensRules(puzzle, board); broken != "" {
		return scored(0, "%s", broken)
	}
	return scored(0.5, "a valid board, but as a Python list")
}

// queensRules names the first rule that a board breaks, "" if it is valid.
func queensRules(puzzle [][]string, board string) (broken string) {
	n := len(puzzle)
	if lines := strings.Count(board, "\n") + 1; lines != n {
		return fmt.Sprintf("%d rows, expected %d", lines, n)
	}
	columns := make([]int, n) // the row of the queen, from 1
	row := 0
	for line := range strings.SplitSeq(board, "\n") {
		if len(line) != 2*n-1 {
			return fmt.Sprintf("row %d is not %d cells with a space between", row+1, n)
		}
		queen := -1
		for i := range len(line) {
			switch c := line[i]; {
			case i%2 == 1 && c == ' ', i%2 == 0 && c == '_':
			case i%2 == 0 && c == 'Q' && queen < 0:
				queen = i / 2
			case i%2 == 0 && c == 'Q':
				return fmt.Sprintf("two queens in row %d", row+1)
			default:
				return fmt.Sprintf("row %d has a cell that is neither _ nor Q", row+1)
			}
		}
		if queen < 0 {
			return fmt.Sprintf("no queen in row %d", row+1)
		}
		for j, cell := range puzzle[row] {
			if cell == "Q" && j != queen {
				return fmt.Sprintf("the given queen of row %d, column %d is gone", row+1, j+1)
			}
		}
		if columns[queen] != 0 {
			return fmt.Sprintf("the queens of rows %d and %d share a column", columns[queen], row+1)
		}
		for j, other := range columns {
			if d := row + 1 - other; other != 0 && (j-queen == d || queen-j == d) {
				return fmt.Sprintf("the queens of rows %d and %d share a diagonal", other, row+1)
			}
		}
		columns[queen] = row + 1
		row++
	}
	return ""
}

// joinBoard writes rows of cells, or rows as strings, as a board.
func joinBoard(v *value) (string, bool) {
	if !v.isSequence() {
		return "", false
	}
	rows := make([]string, len(v.list))
	for i := range v.list {
		row := &v.list[i]
		var cells []string
		switch {
		case row.kind == kStr:
			cells = strings.Split(row.s, "")
		case row.isSequence():
			for j := range row.list {
				if row.list[j].kind != kStr {
					return "", false
				}
				cells = append(cells, row.list[j].s)
			}
		default:
			return "", false
		}
		rows[i] = strings.Join(cells, " ")
	}
	return strings.Join(rows, "\n"), true
}
