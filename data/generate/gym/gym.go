// Package gym makes Reasoning Gym entries: questions with an answer and the
// metadata that the Python package's scorers read. The words are ours, the
// metadata's keys are the package's. It imports the standard library only.
package gym

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Entry is one generated problem.
type Entry struct {
	Question string         `json:"question"`
	Answer   string         `json:"answer"`
	Metadata map[string]any `json:"metadata"`
}

// Setting is a whole number that sets the difficulty.
type Setting struct {
	Name              string
	Default, Min, Max int
	Help              string
}

// Task is a family of entries.
type Task struct {
	Name     string // as in meta.dataset_name
	Settings []Setting
	// Throws is how often an entry is tried before the settings are given up, 0 for
	// the usual number; fewer where a throw searches a large space.
	Throws int
	// Make gives an entry, a pure function of the state of r and the settings by
	// name; ok is false where the dice led nowhere, and another throw may not.
	Make func(r *rand.Rand, set map[string]int) (e Entry, ok bool)
}

// Tasks lists the tasks there are.
func Tasks() []Task {
	return []Task{
		arc1D, basicArithmetic, countdown, graphColor, hanoi, knightSwap, letterCounting, maze, miniSudoku, nQueens,
		numberSequence, puzzle24, rushHour, sentenceReordering, sokoban, wordSorting,
	}
}

// Options describes the settings for a help text.
func (t Task) Options() string {
	parts := make([]string, len(t.Settings))
	for i, s := range t.Settings {
		parts[i] = fmt.Sprintf("%s=N %s, %d to %d, default %d", s.Name, s.Help, s.Min, s.Max, s.Default)
	}
	return strings.Join(parts, "; ")
}

// Read turns settings as given on the command line into numbers, the others at
// their defaults.
func (t Task) Read(given map[string]string) (map[string]int, error) {
	set := map[string]int{}
	for _, s := range t.Settings {
		set[s.Name] = s.Default
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(t.Settings, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			known := slices.Sorted(maps.Keys(set))
			return nil, fmt.Errorf("unknown setting %q%s; known are %s", name, suggestion(name, known), strings.Join(known, ", "))
		}
		n, err := strconv.Atoi(given[name])
		if s := t.Settings[i]; err != nil || n < s.Min || n > s.Max {
			return nil, fmt.Errorf("%s: expected a number from %d to %d, found %q", name, s.Min, s.Max, given[name])
		}
		set[name] = n
	}
	return set, nil
}

// suggestion names the known setting nearest to a misspelt one, "" if none is
// near: the longest common beginning or end decides.
func suggestion(name string, known []string) string {
	best, most := "", 1
	for _, k := range known {
		same := 0
		for same < min(len(name), len(k)) && name[same] == k[same] {
			same++
		}
		for end := 1; same+end <= min(len(name), len(k)) && name[len(name)-end] == k[len(k)-end]; end++ {
			same++
		}
		if same > most {
			best, most = k, same
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// throws is the usual number of Task.Throws.
const throws = 20_000

// Number gives entry number i of the settings.
func (t Task) Number(i uint64, set map[string]int) (Entry, error) {
	r := rand.New(rand.NewPCG(i, 0x67796d))
	n := t.Throws
	if n == 0 {
		n = throws
	}
	for range n {
		e, ok := t.Make(r, set)
		if !ok {
			continue
		}
		e.Metadata["source_dataset"] = t.Name
		e.Metadata["source_index"] = i
		e.Metadata["difficulty"] = set
		return e, nil
	}
	return Entry{}, fmt.Errorf("no entry found in %d throws with %v: make it easier", n, set)
}

// between is a whole number from low to high, both included.
func between(r *rand.Rand, low, high int) int { return low + r.IntN(high-low+1) }

// pick is one of a list.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// shuffled is a copy in random order.
func shuffled[T any](r *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// join writes a list with a separator.
func join[T any](list []T, sep string) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, sep)
}

// joinRows writes a grid, a line a row, a space between cells.
func joinRows[T any](grid [][]T) string {
	rows := make([]string, len(grid))
	for i, row := range grid {
		rows[i] = join(row, " ")
	}
	return strings.Join(rows, "\n")
}
