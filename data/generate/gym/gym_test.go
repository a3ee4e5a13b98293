package gym

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func make1(t *testing.T, task Task, i uint64, given map[string]string) Entry {
	t.Helper()
	set, err := task.Read(given)
	if err != nil {
		t.Fatal(err)
	}
	e, err := task.Number(i, set)
	if err != nil {
		t.Fatalf("%s %v: %v", task.Name, given, err)
	}
	return e
}

// The same number and settings give the same entry, other numbers others, and no
// entry is empty.
func TestPure(t *testing.T) {
	for _, task := range Tasks() {
		seen := map[string]bool{}
		for i := range uint64(20) {
			e := make1(t, task, i, nil)
			a, err := json.Marshal(e)
			if err != nil {
				t.Fatalf("%s: %v", task.Name, err)
			}
			b, _ := json.Marshal(make1(t, task, i, nil))
			if string(a) != string(b) {
				t.Errorf("%s: entry %d is not the same twice:\n%s\n%s", task.Name, i, a, b)
			}
			if e.Question == "" || e.Answer == "" || e.Metadata["source_dataset"] != task.Name {
				t.Errorf("%s: incomplete entry %s", task.Name, a)
			}
			seen[e.Question] = true
		}
		if len(seen) < 10 {
			t.Errorf("%s: 20 numbers gave %d questions", task.Name, len(seen))
		}
	}
}

// Every setting holds at both of its ends, with the others where they can be
// met, and size makes longer or richer problems.
func TestSettings(t *testing.T) {
	easy := map[string]map[string]string{ // what lets the ends of others be reached
		"sokoban":     {"moves": "1", "boxes": "1"},
		"knight_swap": {"pieces": "1", "steps": "1"},
		"rush_hour":   {"moves": "1"},
		"maze":        {"steps": "1"},
		"countdown":   {"most": "100000", "least": "1"},
	}
	for _, task := range Tasks() {
		for _, s := range task.Settings {
			if s.Name != "size" {
				continue
			}
			var low, high int
			for i := range uint64(5) {
				given := map[string]string{"size": strconv.Itoa(s.Min)}
				for k, v := range easy[task.Name] {
					given[k] = v
				}
				low += weight(make1(t, task, i, given))
				given["size"] = strconv.Itoa(min(s.Max, 12))
				high += weight(make1(t, task, i, given))
			}
			if task.Name != "puzzle24" && low >= high {
				t.Errorf("%s: size %d weighs %d, a larger one %d", task.Name, s.Min, low, high)
			}
		}
	}
}

// weight is what grows with a problem: its puzzle, or the way to its solution.
func weight(e Entry) int {
	blanks := strings.Count(e.Question, "_")
	return len(e.Question) + len(e.Answer) + 10*blanks
}

func TestReadRefuses(t *testing.T) {
	for want, given := range map[string]map[string]string{
		`unknown setting "sice"`: {"sice": "3"},
		"size: expected":         {"size": "1000"},
		`found "x"`:              {"size": "x"},
	} {
		if _, err := hanoi.Read(given); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", given, err, want)
		}
	}
	set, err := knightSwap.Read(map[string]string{"size": "5", "pieces": "3"})
	if err != nil {
		t.Fatal(err)
	}
	set["pieces"], set["steps"] = 2, 30 // five squares have no such puzzle
	if e, err := knightSwap.Number(1, set); err == nil && e.Answer != "No" {
		t.Errorf("an entry of too hard settings: %s", e.Answer)
	}
}

// Frame and Stewart's numbers for four pegs (OEIS A007664).
func TestFrameStewart(t *testing.T) {
	for n, want := range []int{0, 1, 3, 5, 9, 13, 17, 25, 33, 41, 49} {
		if got := len(frameStewart(nil, 1, n, []int{1, 2, 3, 4})); got != want {
			t.Errorf("%d disks on four pegs: %d moves, want %d", n, got, want)
		}
	}
	if got := len(frameStewart(nil, 1, 7, []int{1, 2, 3})); got != 127 {
		t.Errorf("7 disks on three pegs: %d moves, want 127", got)
	}
}

// The numbers of solutions to the n queens puzzle (OEIS A000170).
func TestQueens(t *testing.T) {
	for n, want := range map[int]int{4: 2, 5: 10, 6: 4, 7: 40, 8: 92, 9: 352} {
		if got := len(queens(n)); got != want {
			t.Errorf("%d queens: %d solutions, want %d", n, got, want)
		}
	}
}

func TestMiniSudokuUnique(t *testing.T) {
	for i := range uint64(30) {
		e := make1(t, miniSudoku, i, map[string]string{"size": "11"})
		var cells [16]int
		copy(cells[:], slices.Concat(e.Metadata["puzzle"].([][]int)...))
		if n := fillMini(nil, &cells, 3); n != 1 {
			t.Errorf("%s: %d solutions", e.Question, n)
		}
	}
}
