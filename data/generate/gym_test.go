package generate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Reasoning Gym tasks keep the promises of all tasks: the same arguments give
// the same problems, more problems only add, and no question is in both splits.
func TestGymTasks(t *testing.T) {
	for _, task := range gymTasks() {
		n := 30
		if task.Name() == "gym/rush_hour" {
			n = 5
		}
		first := generate(t, task, Options{N: n, Seed: 3, Split: Train})
		if diff := cmp.Diff(first, generate(t, task, Options{N: n, Seed: 3, Split: Train})); diff != "" {
			t.Errorf("%s: not the same twice: %s", task.Name(), diff)
		}
		if diff := cmp.Diff(first, generate(t, task, Options{N: n + 2, Seed: 3, Split: Train})[:n]); diff != "" {
			t.Errorf("%s: a larger N changed the first ones: %s", task.Name(), diff)
		}
		seen := map[string]bool{}
		for _, p := range first {
			seen[p.Question] = true
			var meta struct {
				Name  string `json:"dataset_name"`
				Entry struct {
					Question, Answer string
					Metadata         map[string]any
				}
			}
			if err := json.Unmarshal(p.Meta, &meta); err != nil {
				t.Fatal(err)
			}
			if "gym/"+meta.Name != task.Name() || meta.Entry.Answer != p.Gold || meta.Entry.Question != p.Question || p.Grader != "gym" {
				t.Errorf("%s: problem and entry disagree: %+v", task.Name(), p)
			}
		}
		for _, p := range generate(t, task, Options{N: 5, Seed: 4, Split: HeldOut}) {
			if seen[p.Question] {
				t.Errorf("%s: in both splits: %s", task.Name(), p.Question)
			}
		}
	}
}

func TestGymRefuses(t *testing.T) {
	task, err := Find("gym/tower_of_hanoi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(task, Options{N: 1, Split: All, Set: map[string]string{"size": "99"}}); err == nil || !strings.Contains(err.Error(), "size: expected") {
		t.Errorf("a size out of range: %v", err)
	}
	// An empty board is the only one with all queens removed: one split has it, the
	// other nothing.
	task, _ = Find("gym/n_queens")
	empty := 0
	for _, split := range []string{Train, HeldOut} {
		if _, err := Generate(task, Options{N: 2, Split: split, Set: map[string]string{"size": "4", "removed": "4"}}); err != nil {
			if !strings.Contains(err.Error(), "hardly any problems") {
				t.Error(err)
			}
			empty++
		}
	}
	if empty != 1 {
		t.Errorf("%d of 2 splits are empty, expected 1", empty)
	}
	task, _ = Find("gym/maze")
	if _, err := Generate(task, Options{N: 1, Split: All, Set: map[string]string{"size": "4", "steps": "200"}}); err == nil || !strings.Contains(err.Error(), "make it easier") {
		t.Errorf("settings that no maze meets: %v", err)
	}
}
