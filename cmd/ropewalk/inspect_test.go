package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/batch"
	"github.com/ropewalk/ropewalk/data/table"
)

// ropewalk runs the command in this process.
func ropewalk(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	code = run(ctx, func() {}, args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// inspected is one group of a run that inspect is tested on.
func inspected(g data.GroupID, dropped string, rewards []float64, parents ...data.RolloutID) data.Group {
	group := data.Group{Spec: data.Spec{Group: g, Problem: "addition/1+2", Kind: data.KindOf(len(parents)), Round: min(1, len(parents))},
		Dataset: "addition", PromptIDs: []int32{1, 2, 3}, Temperature: 1, Dropped: dropped}
	for _, id := range parents {
		group.Candidates = append(group.Candidates, data.Candidate{Rollout: id})
	}
	for slot, reward := range rewards {
		group.Members = append(group.Members, data.Member{
			Rollout: data.Rollout{ID: data.NewRolloutID(g, slot), Group: g, Slot: slot, CompletionIDs: []int32{4, 5}, Logprobs: []float32{-1, -2},
				Text: "the text of " + string(data.NewRolloutID(g, slot)) + " \x1b[31mred", Finish: data.FinishStop, Model: "tiny", Worker: "w1"},
			Verdict: data.Verdict{Status: data.Scored, Score: reward, Answer: "03", Reason: "compared"},
			Reward:  reward, Counts: true, Advantage: reward - 0.5, Weight: 1})
	}
	return group
}

// runFolder makes a run of two batches.
func runFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	for b, groups := range [][]data.Group{
		{inspected(0, "", []float64{1, 0}), inspected(1, "zero_variance", []float64{0, 0}), inspected(2, "", []float64{1, 1})},
		{inspected(3, "", []float64{0, 1}, "g000000/1", "g000001/0", "pool:g000009/4")},
	} {
		var kept []data.Group
		h := batch.Header{Run: "test", Batch: b, ConfigHash: "c0ffee", NextGroup: groups[len(groups)-1].Group + 1,
			Estimator: batch.Estimator{Name: "rloo"}, TotalCompletionTokens: int64(100 * (b + 1))}
		for _, g := range groups {
			if g.Dropped == "" {
				kept = append(kept, g)
			} else {
				h.Dropped = append(h.Dropped, batch.Drop{Group: g.Group, Reason: g.Dropped})
			}
		}
		if err := os.MkdirAll(filepath.Join(dir, "rollouts"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := table.WriteRollouts(filepath.Join(dir, "rollouts", batch.DirName(b)+".parquet"), table.Archive{Run: "test", Batch: b}, groups); err != nil {
			t.Fatal(err)
		}
		if _, err := batch.Write(filepath.Join(dir, "batches", batch.DirName(b)), h, kept); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestInspect(t *testing.T) {
	dir := runFolder(t)
	first := filepath.Join(dir, "batches", "000000")
	archive := filepath.Join(dir, "rollouts", "000000.parquet")
	lineage := []string{"g000003/0 of group g000003, aggregate", "the text of g000003/0 \ufffd[31mred",
		"parent g000000/1: scored, score 0", "the text of g000000/1", "parent g000001/0:", "the text of g000001/0", "parent pool:g000009/4: not here"}
	cases := []struct {
		name string
		args []string
		want []string
	}{
		{"run", []string{dir}, []string{"0      4     2       1 zero_variance  0.750", "1      2     1       0", "2 batches, 6 rows in 3 groups, 1 groups dropped, 200 completion tokens"}},
		{"quick", []string{dir, "--quick"}, []string{"0      4     2       1 zero_variance  -"}},
		{"batch", []string{first}, []string{"rows           4 in 2 groups", "g000000  addition/1+2  direct  0      3       2 2          1 0      +0.500 -0.500"}},
		{"batch file", []string{filepath.Join(first, "batch.arrow")}, []string{"estimator      rloo {}"}},
		{"archive", []string{archive}, []string{"rollouts  6, 6 of them", "dropped   2 zero_variance", "g000001/0"}},
		{"filtered", []string{archive, "--kind", "aggregate"}, []string{"rollouts  6, 0 of them"}},
		{"limited", []string{archive, "--limit", "2"}, []string{"… and 4 more"}},
		{"rollout of the run", []string{dir, "--rollout", "g000003/0"}, lineage},
		{"rollout of the batch", []string{filepath.Join(dir, "batches", "000001"), "--rollout", "g000003/0"}, lineage},
		{"rollout of the archive", []string{filepath.Join(dir, "rollouts", "000001.parquet"), "--rollout", "g000003/0"}, lineage},
	}
	for _, c := range cases {
		code, stdout, stderr := ropewalk(append([]string{"inspect"}, c.args...)...)
		if code != 0 {
			t.Errorf("%s: exit code %d: %s", c.name, code, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, stdout)
			}
		}
		code, stdout, stderr = ropewalk(append([]string{"inspect", "--json"}, c.args...)...)
		if !json.Valid([]byte(stdout)) || code != 0 {
			t.Errorf("%s --json: exit code %d, %s%.200s", c.name, code, stderr, stdout)
		}
	}
}

// A batch and an archive that stand alone show what they have.
func TestInspectAlone(t *testing.T) {
	dir, alone := runFolder(t), t.TempDir()
	for from, to := range map[string]string{"batches/000001": "b", "rollouts/000001.parquet": "a.parquet"} {
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(alone, to)); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := ropewalk("inspect", filepath.Join(alone, to), "--rollout", "g000003/1")
		if code != 0 || !strings.Contains(stdout, "advantage +0.5") || !strings.Contains(stdout, "parent g000000/1: not here") {
			t.Errorf("%s: %d %s%s", to, code, stderr, stdout)
		}
	}
}

func TestInspectBad(t *testing.T) {
	flip := func(path string) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/2] ^= 4
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]func(dir string) (args []string, want string){
		"flipped": func(dir string) ([]string, string) {
			flip(filepath.Join(dir, "batches", "000001", "batch.arrow"))
			return []string{dir}, "000001/batch.arrow: sha256"
		},
		"gap": func(dir string) ([]string, string) {
			if err := os.RemoveAll(filepath.Join(dir, "batches", "000000")); err != nil {
				t.Fatal(err)
			}
			return []string{dir}, "batch 0 is missing"
		},
		"lost group": func(dir string) ([]string, string) {
			path := filepath.Join(dir, "batches", "000000", "manifest.json")
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			raw = bytes.Replace(raw, []byte(`{"group":1,"reason":"zero_variance"}`), nil, 1)
			if err := os.WriteFile(path, raw, 0o666); err != nil {
				t.Fatal(err)
			}
			return []string{dir}, "group 1 is lost"
		},
		"unfinished": func(dir string) ([]string, string) {
			if err := os.Remove(filepath.Join(dir, "batches", "000000", "manifest.json")); err != nil {
				t.Fatal(err)
			}
			return []string{filepath.Join(dir, "batches", "000000", "batch.arrow")}, "no manifest.json"
		},
		"no archive": func(dir string) ([]string, string) {
			if err := os.Remove(filepath.Join(dir, "rollouts", "000001.parquet")); err != nil {
				t.Fatal(err)
			}
			return []string{dir, "--rollout", "g000003/0"}, "no such file"
		},
		"no rollout": func(dir string) ([]string, string) {
			return []string{dir, "--rollout", "g000009/0"}, "no rollout g000009/0"
		},
		"not an id":      func(dir string) ([]string, string) { return []string{dir, "--rollout", "x"}, "no rollout x" },
		"empty folder":   func(string) ([]string, string) { return []string{t.TempDir()}, "neither a run" },
		"missing":        func(dir string) ([]string, string) { return []string{dir + "x"}, "no such file or folder" },
		"something else": func(string) ([]string, string) { return []string{"main.go"}, "expected a run, a batch" },
	}
	for name, prepare := range cases {
		args, want := prepare(runFolder(t))
		code, stdout, stderr := ropewalk(append([]string{"inspect"}, args...)...)
		if code != exitBadInput || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%s: exit code %d, %q; stdout %q; want %q", name, code, stderr, stdout, want)
		}
	}
}
