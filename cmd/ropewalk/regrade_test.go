package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
)

// graded is a run's folder with two rollouts of the archived scores given, the
// first right and the second wrong.
func graded(t *testing.T, scores ...float64) (run string) {
	t.Helper()
	run = t.TempDir()
	set := filepath.Join(run, "p.jsonl")
	text := "run: {dir: r, steps: 1}\nengine: {kind: simulated}\ndata: {train: [{path: " + set + "}]}\n"
	problem := `{"id":"p1","dataset":"d","prompt":"1+1?","gold":"2","grader":"number"}` + "\n"
	g := data.Group{Dataset: "d"}
	g.Problem = "p1"
	for i, score := range scores {
		m := data.Member{Verdict: data.Verdict{Status: data.Scored, Score: score}}
		m.ID, m.Slot, m.Text, m.Finish = data.NewRolloutID(0, i), i, []string{"it is 2", "it is 3"}[i], data.FinishStop
		g.Members = append(g.Members, m)
	}
	err := errors.Join(
		os.WriteFile(set, []byte(problem), 0o644),
		os.WriteFile(filepath.Join(run, "config.yaml"), []byte(text), 0o644),
		os.Mkdir(filepath.Join(run, "rollouts"), 0o755),
		table.WriteRollouts(filepath.Join(run, "rollouts", "000000.parquet"), table.Archive{Run: "r"}, []data.Group{g}))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestRegrade(t *testing.T) {
	run := graded(t, 1, 1)
	r, err := regrade(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rollouts != 2 || len(r.Changes) != 1 || r.Changes[0].Rollout != "g000000/1" || r.Changes[0].After.Score != 0 {
		t.Errorf("%+v", r)
	}
	var out strings.Builder
	root := newRegradeCommand()
	root.SetArgs([]string{run, "--diff"})
	root.SetOut(&out)
	root.SilenceErrors, root.SilenceUsage = true, true
	if code := report(io.Discard, root.Execute()); code != exitDiffers {
		t.Errorf("exit code %d", code)
	}
	if text := out.String(); !strings.Contains(text, "1 verdicts differ") || !strings.Contains(text, "g000000/1") {
		t.Error(text)
	}
}

func TestRegradeFindsNothing(t *testing.T) {
	r, err := regrade(t.Context(), graded(t, 1, 0))
	if err != nil || len(r.Changes) != 0 || r.Rollouts != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := regrade(t.Context(), t.TempDir()); report(io.Discard, err) != exitBadInput {
		t.Errorf("no run: %v", err)
	}
}
