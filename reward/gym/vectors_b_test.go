package gym_test

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/reward/gym"
)

// vector is an entry with answers and the scores of reasoning-gym 0.1.25.
type vector struct {
	Entry   gym.Entry `json:"entry"`
	Answers []struct {
		Answer string `json:"answer"`
		// Score is the package's: a number, null where it did not come to an end, or
		// a text where it raised an error.
		Score any `json:"score"`
		// Ours is set where the package's rule is not sound and ours differs, Strict
		// where strict differs too: arcs that have been through JSON, and text that
		// the package evaluates as code.
		Ours   *float64 `json:"ours"`
		Strict *float64 `json:"strict"`
	} `json:"answers"`
}

// tasksB are the tasks that have vectors in this folder.
func tasksB() []gym.Task {
	return slices.DeleteFunc(gym.Tasks(), func(task gym.Task) bool {
		_, err := os.Stat(filepath.Join("testdata", "vectors_b", task.Name+".jsonl"))
		return err != nil
	})
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

func loadVectors(t testing.TB, file string) []vector {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s:%d: %v", file, len(list)+1, err)
		}
		list = append(list, v)
	}
	if err := lines.Err(); err != nil || len(list) == 0 {
		t.Fatalf("%s: %d vectors, %v", file, len(list), err)
	}
	return list
}

// vectorFolder holds a file of vectors for each task of this list.
func vectorFolder() string {
	if dir := os.Getenv("ROPEWALK_GYM_VECTORS"); dir != "" {
		return dir
	}
	return filepath.Join("testdata", "vectors_b")
}

func TestVectorsB(t *testing.T) {
	if n := len(tasksB()); n != 35 {
		t.Errorf("vectors of %d tasks, expected 35", n)
	}
	for _, task := range tasksB() {
		t.Run(task.Name, func(t *testing.T) {
			for _, v := range loadVectors(t, filepath.Join(vectorFolder(), task.Name+".jsonl")) {
				for _, a := range v.Answers {
					for _, strict := range []bool{false, true} {
						want := a.Score
						if strict && a.Strict != nil {
							want = *a.Strict
						} else if !strict && a.Ours != nil {
							want = *a.Ours
						}
						checkVector(t, task, &v.Entry, a.Answer, strict, want)
					}
				}
			}
		})
	}
}

func checkVector(t *testing.T, task gym.Task, e *gym.Entry, answer string, strict bool, want any) {
	t.Helper()
	got := task.Score(e, answer, strict)
	if got.Bad != nil {
		t.Fatalf("%q: %v", answer, got.Bad)
	}
	if strings.ContainsAny(got.Reason, "\n\r") || got.Reason == "" {
		t.Errorf("%q: bad reason %q", answer, got.Reason)
	}
	score, isNumber := want.(float64)
	if !isNumber { // it raised or hung: a score all the same, but not the full one
		score = min(max(got.Score, 0), 0.99)
	}
	if math.Abs(got.Score-score) > 1e-9 {
		t.Errorf("%q, strict %v: got %v (%s), want %v", answer, strict, got.Score, got.Reason, want)
	}
}
