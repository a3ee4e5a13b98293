package table

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ropewalk/ropewalk/data"
)

func groups() []data.Group {
	direct := data.Group{
		Spec: data.Spec{Group: 3, Problem: "p/1", Kind: data.Direct}, Dataset: "p",
		PromptIDs: []int32{1, 2, 3}, Temperature: 1,
		Members: []data.Member{{
			Rollout: data.Rollout{ID: "g000003/0", Group: 3, CompletionIDs: []int32{7, 8}, Logprobs: []float32{-1, -0.5}, Text: "größer ≥ 3\x00\n",
				Finish: data.FinishStop, VersionOldest: 1, VersionNewest: 2, Model: "m", Worker: "w", Simulated: true},
			Verdict: data.Verdict{Status: data.Scored, Score: 1, Answer: "3", Reason: "equal", Parts: map[string]float64{"b": 1, "a": 0.5}},
			Reward:  1, Counts: true, Advantage: 0.75, Weight: 1,
		}, {
			Rollout: data.Rollout{ID: "g000003/1", Group: 3, Slot: 1, Finish: data.FinishError, Err: "engine gone"},
			Verdict: data.Verdict{Status: data.Error},
		}},
	}
	dropped := data.Group{
		Spec: data.Spec{Group: 4, Problem: "p/2", Kind: data.Aggregate, Source: "policy", Round: 2,
			Candidates: []data.Candidate{{Rollout: "g000003/0", Text: "not stored"}, {Rollout: "g000003/1"}}},
		Dataset: "p", PromptIDs: []int32{9}, Temperature: 0.5, Cut: "dropped 1 candidate", Dropped: "zero_variance",
		Members: []data.Member{{Rollout: data.Rollout{ID: "g000004/0", Group: 4, CompletionIDs: []int32{5}, Logprobs: []float32{-2}, Finish: data.FinishLength}, Verdict: data.Verdict{Status: data.NoAnswer}, Counts: true}},
	}
	return []data.Group{direct, dropped}
}

func TestRolloutsRoundTrip(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "000042.parquet")
	// More rows than one row group and than one window of levels holds.
	in := groups()
	for i := range 1500 {
		in = append(in, groups()[i%2])
	}
	a := Archive{Run: "run ü", Batch: 42, ConfigHash: "abc"}
	if err := WriteRollouts(path, a, in); err != nil {
		t.Fatal(err)
	}
	var want, got []Row
	for i := range in {
		for j := range in[i].Members {
			want = append(want, archived(&in[i], &in[i].Members[j]))
		}
	}
	if err := ReadRollouts(path, func(r Row) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("rows differ (-want +got):\n%.2000s", diff)
	}
	header, rows, err := ReadArchive(path)
	if err != nil || header != a || rows != int64(len(want)) {
		t.Errorf("archive %+v, %d rows, %v", header, rows, err)
	}
	again := filepath.Join(dir, "again.parquet")
	if err := WriteRollouts(again, a, in); err != nil {
		t.Fatal(err)
	}
	first, _ := os.ReadFile(path)
	second, _ := os.ReadFile(again)
	if len(first) == 0 || !bytes.Equal(first, second) {
		t.Error("the same groups gave different bytes")
	}
}

func TestUnevenRollouts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "000000.parquet")
	uneven := groups()
	uneven[0].Members[0].Logprobs = nil
	if err := WriteRollouts(path, Archive{}, uneven); err != nil {
		t.Fatal(err)
	}
	if err := ReadRollouts(path, func(Row) error { return nil }); err == nil || !strings.Contains(err.Error(), "g000003/0: 2 completion ids but 0 log-probabilities") {
		t.Error(err)
	}
}

func TestNoRollouts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "000000.parquet")
	if err := WriteRollouts(path, Archive{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := ReadRollouts(path, func(Row) error { t.Error("a row"); return nil }); err != nil {
		t.Error(err)
	}
}

func TestPool(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pool.parquet")
	rows := []PoolRow{
		{Problem: "a", Candidate: data.Candidate{Rollout: "g000001/0", Model: "ref", Version: -1, Text: "x", Score: 1}, Status: data.Scored, Answer: "1", Tokens: 3},
		{Problem: "b", Candidate: data.Candidate{Rollout: "g000002/0", Model: "ref", Version: -1, Text: "y"}, Status: data.NoAnswer},
		{Problem: "a", Candidate: data.Candidate{Rollout: "pool:g000001/1", Model: "ref", Version: -1, Text: "z"}, Status: data.Scored},
	}
	if err := WritePool(path, rows); err != nil {
		t.Fatal(err)
	}
	pool, err := ReadPool(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[data.ProblemID][]data.Candidate{
		"a": {{Rollout: "pool:g000001/0", Model: "ref", Version: -1, Text: "x", Score: 1}, {Rollout: "pool:g000001/1", Model: "ref", Version: -1, Text: "z"}},
		"b": {{Rollout: "pool:g000002/0", Model: "ref", Version: -1, Text: "y"}},
	}
	if diff := cmp.Diff(want, pool); diff != "" {
		t.Error(diff)
	}
	var back []PoolRow
	if err := ReadPoolRows(path, func(r PoolRow) error { back = append(back, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, back); diff != "" {
		t.Error(diff)
	}
	if err := WritePool(path, append(rows, rows[1])); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPool(path); err == nil || !strings.Contains(err.Error(), "g000002/0 occurs twice") {
		t.Errorf("a candidate twice: %v", err)
	}
	if err := ReadRollouts(path, nil); err == nil || !strings.Contains(err.Error(), `expected a table "rollouts/1"`) {
		t.Errorf("a pool read as rollouts: %v", err)
	}
}

func TestSaveProblems(t *testing.T) {
	problems := []data.Problem{
		{ID: "a/0", Dataset: "a", Question: "1+1=", Gold: "2", Grader: "exact"},
		{ID: "ü", Dataset: "b", System: "be brief", Question: "<b> & \"c\"\n", Grader: "gym", Meta: json.RawMessage(`{"entry":{"z":1,"a":[1.50,null]}}`)},
	}
	for _, name := range []string{"p.parquet", "p.jsonl"} {
		path := filepath.Join(t.TempDir(), name)
		if err := SaveProblems(path, problems); err != nil {
			t.Fatal(err)
		}
		got, skipped, err := Load([]Source{{Path: path}}, false)
		if err != nil || len(skipped) > 0 {
			t.Fatal(skipped, err)
		}
		if diff := cmp.Diff(problems, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if err := SaveProblems("p.csv", problems); err == nil {
		t.Error("an unknown extension was accepted")
	}
}
