package gym

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The three puzzles whose rows and columns each hold 1 to n once.
var (
	sudoku     = latinTask("sudoku", func(*Entry, [][]int) error { return nil }, 3)
	miniSudoku = latinTask("mini_sudoku", func(*Entry, [][]int) error { return nil }, 2)
	futoshiki  = latinTask("futoshiki", inequalities, 0)
)

// latinTask scores a square grid. The stored solution in the puzzle's own format
// scores 1; otherwise each right cell counts 0.9 of its share, rows being the
// lines with exactly n digits; text beyond the stored answer's length scales the
// score down. A puzzle may have several solutions: another valid one counts as
// the stored one (the package knows one only). extra are the puzzle's rules
// besides rows, columns and square boxes of side box (0 for none).
func latinTask(name string, extra func(*Entry, [][]int) error, box int) Task {
	return Task{Name: name, Score: func(e *Entry, answer string, strict bool) Result {
		if e.Answer == nil {
			return badEntry(errNoStored)
		}
		if answer == "" {
			return scored(0, "the answer is empty")
		}
		r := scored(1, "equal to the stored solution")
		if answer != *e.Answer && rstripLines(answer) != rstripLines(*e.Answer) {
			r = scoreCells(e, answer, strict, extra, box)
		}
		if n, m := utf8.RuneCountInString(answer), utf8.RuneCountInString(*e.Answer); n > m && r.Score > 0 {
			r.Score *= float64(m) / float64(n)
			r = r.and("; %d characters where %d suffice", n, m)
		}
		return r
	}}
}

func scoreCells(e *Entry, answer string, strict bool, extra func(*Entry, [][]int) error, box int) Result {
	solution, err := metaGrid(e, "solution")
	if err != nil {
		return badEntry(err)
	}
	rows := digitRows(answer, len(solution), len(solution[0]))
	if len(rows) == len(solution) && !strict {
		broken := latinRules(e, rows, box)
		if broken == nil {
			broken = extra(e, rows)
		}
		if broken == nil && sameShape(answer, *e.Answer) {
			return scored(1, "a valid solution")
		}
		if broken == nil {
			return scored(0.9, "a valid solution, not in the format of the puzzle")
		}
	}
	matching, wrong := 0, ""
	for i, row := range rows {
		for j, v := range row {
			if v == solution[i][j] {
				matching++
			} else if wrong == "" {
				wrong = fmt.Sprintf("; first wrong at row %d, column %d: %d", i+1, j+1, v)
			}
		}
	}
	all := len(solution) * len(solution[0])
	if matching == all {
		wrong = ", but not in the format of the puzzle"
	}
	return scored(float64(matching)/float64(len(solution[0])*len(solution[0]))*0.9, "%d of %d cells right%s", matching, all, wrong)
}

// digitRows takes the first height lines that hold exactly width digits 1 to 9.
func digitRows(answer string, height, width int) [][]int {
	var rows [][]int
	for line := range strings.SplitSeq(answer, "\n") {
		if len(rows) == height {
			break
		}
		var row []int
		for i := range len(line) {
			if c := line[i]; '1' <= c && c <= '9' {
				if row = append(row, int(c-'0')); len(row) > width {
					break
				}
			}
		}
		if len(row) == width {
			rows = append(rows, row)
		}
	}
	return rows
}

// sameShape reports whether two grids are equal but for their digits and for
// white space at the ends of lines.
func sameShape(a, b string) bool {
	blank := func(s string) string {
		return strings.Map(func(r rune) rune {
			if '1' <= r && r <= '9' {
				return '0'
			}
			return r
		}, rstripLines(s))
	}
	return blank(a) == blank(b)
}

// latinRules checks rows, columns, boxes and the given cells.
func latinRules(e *Entry, rows [][]int, box int) error {
	puzzle, err := metaGrid(e, "puzzle")
	if err != nil {
		return err
	}
	n := len(rows)
	if n != len(rows[0]) || n != len(puzzle) || n != len(puzzle[0]) || n > 9 || box > 0 && box*box != n {
		return errors.New("the grid has another size than the puzzle")
	}
	var inRow, inColumn, inBox [9]uint16
	for i, row := range rows {
		for j, v := range row {
			bit := uint16(1) << v
			k := 0
			if box > 0 {
				k = i/box*box + j/box
			}
			if v > n || puzzle[i][j] != 0 && puzzle[i][j] != v || inRow[i]&bit != 0 || inColumn[j]&bit != 0 || box > 0 && inBox[k]&bit != 0 {
				return fmt.Errorf("row %d, column %d breaks a rule", i+1, j+1)
			}
			inRow[i] |= bit
			inColumn[j] |= bit
			inBox[k] |= bit
		}
	}
	return nil
}

// inequalities checks futoshiki's constraints [row, column, row, column, sign].
func inequalities(e *Entry, rows [][]int) error {
	var constraints [][]any
	if err := metaDecode(e, "constraints", &constraints); err != nil {
		return err
	}
	for _, c := range constraints {
		if len(c) != 5 {
			return errors.New("a constraint has not five parts")
		}
		var at [4]int
		for i := range at {
			f, ok := c[i].(float64)
			if !ok || f < 0 || int(f) >= len(rows) {
				return errors.New("a constraint lies outside the grid")
			}
			at[i] = int(f)
		}
		a, b := rows[at[0]][at[1]], rows[at[2]][at[3]]
		if c[4] == "<" && a >= b || c[4] == ">" && a <= b || c[4] != "<" && c[4] != ">" {
			return fmt.Errorf("row %d, column %d breaks an inequality", at[0]+1, at[1]+1)
		}
	}
	return nil
}
