package gym

import (
	"errors"
	"math"
	"strings"
)

var (
	binaryMatrix     = Task{"binary_matrix", scoreBinaryMatrix}
	spiralMatrix     = Task{"spiral_matrix", scoreSpiral}
	stringInsertion  = Task{"string_insertion", scoreInsertion}
	manipulateMatrix = Task{"manipulate_matrix", scoreManipulate}
	poolMatrix       = Task{"pool_matrix", scorePool}
)

// asList scores 0.1 for the stored answer written as a Python literal, which
// show turns into the text of an answer.
func asList(gold, answer string, show func(*value) (string, error)) Result {
	v, err := parsePython(answer)
	if err != nil {
		return scored(0, "%s is neither the stored answer nor a list", quote(answer))
	}
	text, err := show(&v)
	if err == nil && text == gold {
		return scored(0.1, "the stored answer, but as a Python list")
	}
	return scored(0, "a Python literal, but not the stored answer")
}

// joined writes the items of v with a separator between them.
func joined(v *value, sep string) (string, error) {
	items, err := v.items()
	if err != nil {
		return "", err
	}
	parts := make([]string, len(items))
	for i := range items {
		parts[i] = items[i].str()
	}
	return strings.Join(parts, sep), nil
}

func scoreBinaryMatrix(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	if answer == *e.Answer {
		return scored(1, "equal to the stored matrix")
	}
	return asList(*e.Answer, answer, func(v *value) (string, error) {
		rows, err := v.items()
		if err != nil {
			return "", err
		}
		lines := make([]string, len(rows))
		for i := range rows {
			if lines[i], err = joined(&rows[i], " "); err != nil {
				return "", err
			}
		}
		return strings.Join(lines, "\n"), nil
	})
}

func scoreSpiral(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold, answer := pyStrip(*e.Answer), pyStrip(answer)
	if answer == gold && answer != "" {
		return scored(1, "equal to the stored answer")
	}
	return asList(gold, answer, func(v *value) (string, error) { return joined(v, " ") })
}

func scoreInsertion(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	if answer == *e.Answer {
		return scored(1, "equal to the stored answer")
	}
	return asList(*e.Answer, answer, func(v *value) (string, error) {
		items, err := v.items()
		if err != nil {
			return "", err
		}
		var b strings.Builder
		for i := range items {
			if items[i].kind != kStr {
				return "", errors.New("an item is no string")
			}
			b.WriteString(items[i].s)
		}
		return b.String(), nil
	})
}

// scoreManipulate compares the rows, spacing aside; an answer that contains the
// matrix scores its share of the characters.
func scoreManipulate(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold := pyStrip(*e.Answer)
	if answer == "" {
		return scored(0, "the answer is empty")
	}
	answer = pyStrip(answer)
	if answer == gold {
		return scored(1, "equal to the stored matrix")
	}
	var rows []string
	for row := range strings.SplitSeq(answer, "\n") {
		rows = append(rows, strings.Join(pyFields(row), " "))
	}
	answer = pyStrip(strings.Join(rows, "\n"))
	switch {
	case answer == gold:
		return scored(1, "equal to the stored matrix, spacing aside")
	case gold != "" && strings.Contains(answer, gold):
		return scored(float64(runeLen(gold))/float64(runeLen(answer)), "contains the stored matrix among other text")
	}
	return scored(0, "not the stored matrix")
}

// scorePool compares numbers within 1 %; 0.1 for other numbers in the same shape.
func scorePool(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	want, ok := loadText(*e.Answer)
	if !ok {
		return badEntryf("the stored answer %s is no matrix", quote(*e.Answer))
	}
	got, ok := loadText(answer)
	if !ok {
		return scored(0, "%s is no matrix of numbers", quote(answer))
	}
	if got.shape() != want.shape() {
		return scored(0, "%d rows of %d numbers; expected %d of %d", got.rows, got.columns, want.rows, want.columns)
	}
	for i := range want.cells {
		a, b := want.cells[i], got.cells[i]
		near := float32(math.Abs(float64(a-b))) <= 1e-8+float32(1e-2)*float32(math.Abs(float64(b)))
		if a != b && !(near && !math.IsInf(float64(b), 0)) {
			return scored(0.1, "the right shape, but row %d, column %d is %v, not %v", i/want.columns+1, i%want.columns+1, b, a)
		}
	}
	return scored(1, "equal within one percent")
}

// matrix holds numbers by rows.
type matrix struct {
	rows, columns int
	cells         []float32
}

// shape is numpy's idea of it: dimensions of one do not count.
func (m matrix) shape() [2]int {
	if m.rows == 1 {
		return [2]int{m.columns, 1}
	}
	return [2]int{m.rows, m.columns}
}

// loadText reads lines of numbers, comments from # on left out.
func loadText(s string) (matrix, bool) {
	var m matrix
	for _, line := range pyLines(s) {
		line, _, _ = strings.Cut(line, "#")
		fields := pyFields(line)
		if len(fields) == 0 {
			continue
		}
		if m.rows > 0 && len(fields) != m.columns {
			return m, false
		}
		m.rows, m.columns = m.rows+1, len(fields)
		for _, f := range fields {
			x, ok := pyFloat(f)
			if !ok || strings.Contains(f, "_") {
				return m, false
			}
			m.cells = append(m.cells, float32(x))
		}
	}
	return m, true
}
