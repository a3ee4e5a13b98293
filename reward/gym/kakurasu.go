package gym

import "strings"

var kakurasu = Task{"kakurasu", scoreKakurasu}

// scoreKakurasu reads the digits 0 and 1 of each line as a row; any grid with the
// right weighted sums scores 1, all else 0.
func scoreKakurasu(e *Entry, answer string, _ bool) Result {
	rowSums, err := metaInts(e, "row_sums")
	if err != nil {
		return badEntry(err)
	}
	columnSums, err := metaInts(e, "col_sums")
	if err != nil {
		return badEntry(err)
	}
	answer = pyStrip(answer)
	if n := strings.Count(answer, "\n") + 1; n != len(rowSums) {
		return scored(0, "%d lines, expected %d", n, len(rowSums))
	}
	columns := make([]int, len(columnSums))
	i := 0
	for line := range strings.SplitSeq(answer, "\n") {
		width, sum := 0, 0
		for k := range len(line) {
			if c := line[k]; c != '0' && c != '1' {
				continue
			} else if c == '1' && width < len(columns) {
				sum += width + 1
				columns[width] += i + 1
			}
			width++
		}
		if width != len(columns) {
			return scored(0, "row %d has %d cells, expected %d", i+1, width, len(columns))
		}
		if sum != rowSums[i] {
			return scored(0, "row %d sums to %d, expected %d", i+1, sum, rowSums[i])
		}
		i++
	}
	for j, sum := range columns {
		if sum != columnSums[j] {
			return scored(0, "column %d sums to %d, expected %d", j+1, sum, columnSums[j])
		}
	}
	return scored(1, "all sums are right")
}
