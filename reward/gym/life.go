package gym

import "strings"

var (
	gameOfLife      = Task{"game_of_life", scoreLife}
	gameOfLifeHalts = Task{"game_of_life_halting", scoreHalting}
)

// scoreLife gives the share of cells that are right in a JSON list of lists.
func scoreLife(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	if gold, ok := digitGrid(*e.Answer); ok {
		if cells, ok := digitGrid(answer); ok {
			return compareDigits(gold, cells)
		}
	}
	got, err := parseJSON(answer)
	if err != nil {
		return scored(0, "not JSON: %v", err)
	}
	want, err := parseJSON(*e.Answer)
	if err != nil || want.kind != kList || len(want.list) == 0 {
		return badEntryf("the stored answer %s is no JSON grid", quote(*e.Answer))
	}
	total, right, wrong := 0, 0, ""
	for i := range want.list {
		row := &want.list[i]
		if row.kind != kList {
			row = &value{kind: kList, list: want.list[i : i+1]}
		}
		for j := range row.list {
			total++
			cell := got.at(i)
			if cell != nil && want.list[i].kind == kList {
				cell = cell.at(j)
			}
			if cell != nil && cell.equal(&row.list[j]) {
				right++
			} else if wrong == "" {
				wrong = firstWrong(i, j)
			}
		}
	}
	if total == 0 {
		return scored(0, "the stored grid has no cells")
	}
	return scored(float64(right)/float64(total), "%d of %d cells are right%s", right, total, wrong)
}

func firstWrong(i, j int) string {
	return "; the first wrong or missing one is in row " + itoa(i+1) + ", column " + itoa(j+1)
}

// digitGrid reads the usual form of a grid, lists of single digits, without the
// detour through values; ok is false for all else, JSON or not.
func digitGrid(text string) (rows [][]byte, ok bool) {
	if len(text) < 2 || text[0] != '[' {
		return nil, false
	}
	cells := make([]byte, 0, len(text)/2)
	at, open := 1, false
	for at < len(text) {
		switch c := text[at]; {
		case c == '[' && !open:
			open = true
			begin := len(cells)
			for at++; at+1 < len(text) && '0' <= text[at] && text[at] <= '9'; {
				cells = append(cells, text[at])
				if text[at+1] == ',' && at+2 < len(text) {
					if at += 2; text[at] == ' ' {
						at++
					}
					continue
				}
				at++
				break
			}
			// A row ends behind a digit: after a comma the loop has gone on to one.
			if len(cells) == begin || at >= len(text) || text[at] != ']' || text[at-1] < '0' || text[at-1] > '9' {
				return nil, false
			}
			rows = append(rows, cells[begin:])
			at++
		case c == ',' && open:
			open = false
			if at++; at < len(text) && text[at] == ' ' {
				at++
			}
		case c == ']' && open:
			return rows, at == len(text)-1
		default:
			return nil, false
		}
	}
	return nil, false
}

func compareDigits(want, got [][]byte) Result {
	total, right, wrong := 0, 0, ""
	for i, row := range want {
		total += len(row)
		for j, cell := range row {
			if i < len(got) && j < len(got[i]) && got[i][j] == cell {
				right++
			} else if wrong == "" {
				wrong = firstWrong(i, j)
			}
		}
	}
	return scored(float64(right)/float64(total), "%d of %d cells are right%s", right, total, wrong)
}

// at is the item of a list at i, nil if there is none.
func (v *value) at(i int) *value {
	if !v.isSequence() || i >= len(v.list) {
		return nil
	}
	return &v.list[i]
}

// scoreHalting wants True or False, whichever is stored. The package takes any
// text that is not empty for right; strict does too.
func scoreHalting(e *Entry, answer string, strict bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	if strict {
		if (answer != "") == (*e.Answer != "") {
			return scored(1, "not empty, which the package takes for right")
		}
		return scored(0, "the answer is empty")
	}
	if strings.EqualFold(pyStrip(answer), pyStrip(*e.Answer)) {
		return scored(1, "equal to the stored answer")
	}
	return scored(0, "%s is not the stored answer", quote(answer))
}
