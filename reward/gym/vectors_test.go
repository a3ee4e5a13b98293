package gym_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ropewalk/ropewalk/reward/gym"
)

// vectorFolder holds a file of golden vectors for each task, a choice of what
// scripts/compare-gym makes (its --vectors).
var vectorFolder = filepath.Join("testdata", "vectors")

// line is an entry of a task with answers to it, or, at the end of a file, what
// scoring all of them took the package.
type line struct {
	Task    string    `json:"task"`
	Entry   gym.Entry `json:"entry"`
	Answers []answer  `json:"answers"`
	Seconds float64   `json:"seconds"` // processor time
	Count   int       `json:"count"`   // answers
}

// answer is one answer with the scores of reasoning-gym 0.1.25: a number, null
// where it did not come to an end, or the name of what it raised.
type answer struct {
	Answer string `json:"answer"`
	Score  any    `json:"score"`
	Strict any    `json:"strict"` // by the default configuration, where that differs
}

func readLines(file string) ([]line, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []line
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, len(list)+1, err)
		}
		list = append(list, l)
	}
	return list, lines.Err()
}

// vectors are the golden vectors of a task.
func vectors(t testing.TB, task string) []line {
	t.Helper()
	list, err := readLines(filepath.Join(vectorFolder, task+".jsonl"))
	if err != nil || len(list) == 0 {
		t.Fatalf("%s: %d vectors, %v", task, len(list), err)
	}
	return list
}

func taskNamed(t testing.TB, name string) gym.Task {
	t.Helper()
	tasks := gym.Tasks()
	i := slices.IndexFunc(tasks, func(task gym.Task) bool { return task.Name == name })
	if i < 0 {
		t.Fatalf("no task %q", name)
	}
	return tasks[i]
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// There are 106 tasks, and each has vectors of which some score 1, some less.
func TestVectorsOfAllTasks(t *testing.T) {
	if n := len(gym.Tasks()); n != 106 {
		t.Errorf("%d tasks, expected 106", n)
	}
	for _, task := range gym.Tasks() {
		full, less := 0, 0
		for _, v := range vectors(t, task.Name) {
			for _, a := range v.Answers {
				if a.Score == 1.0 {
					full++
				} else {
					less++
				}
			}
		}
		if full == 0 && task.Name != "arc_agi" && task.Name != "rearc" || less == 0 {
			t.Errorf("%s: %d answers score 1, %d less", task.Name, full, less)
		}
	}
}
