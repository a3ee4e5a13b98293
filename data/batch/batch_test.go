package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
)

var update = flag.Bool("update", false, "write testdata anew")

const golden = "testdata/batch_v1"

// member is one rollout with n completion tokens; log-probabilities are exact in
// float32 so that readers in other languages can compare them literally.
func member(g data.GroupID, slot, n int) data.Member {
	m := data.Member{
		Rollout: data.Rollout{
			ID: data.NewRolloutID(g, slot), Group: g, Slot: slot, Finish: data.FinishStop,
			VersionOldest: 42, VersionNewest: 42, Model: "tiny",
		},
		Verdict: data.Verdict{Status: data.Scored},
		Counts:  true,
		Weight:  1,
	}
	for i := range n {
		m.CompletionIDs = append(m.CompletionIDs, int32(100*slot+i))
		m.Logprobs = append(m.Logprobs, -0.25*float32(i+1))
	}
	return m
}

// goldenGroups holds each kind, a row of weight 0, members that do not count,
// parts, a version span and ids beyond ASCII.
func goldenGroups() []data.Group {
	direct := data.Group{
		Spec:    data.Spec{Group: 84, Problem: "addition/17", Kind: data.Direct},
		Dataset: "addition", PromptIDs: []int32{5, 6, 7}, Temperature: 1,
		Members: []data.Member{member(84, 0, 3), member(84, 1, 1), member(84, 2, 2)},
	}
	direct.Members[0].Reward, direct.Members[0].Advantage = 1, 1
	direct.Members[1].Advantage = -1
	direct.Members[1].Verdict = data.Verdict{Status: data.NoAnswer}
	direct.Members[1].Finish = data.FinishLength
	direct.Members[2].Counts, direct.Members[2].Verdict.Status = false, data.Ungradable

	refine := data.Group{
		Spec: data.Spec{Group: 85, Problem: "größe/π≈3", Kind: data.Refine, Round: 1, Source: "policy",
			Candidates: []data.Candidate{{Rollout: "g000012/1", Text: "3.14", Version: 40}}},
		Dataset: "größe", PromptIDs: []int32{0, 2147483647, 9, 9}, Temperature: 0.7,
		Members: []data.Member{member(85, 0, 2), member(85, 1, 4)},
	}
	refine.Members[0].Reward, refine.Members[0].Advantage = 0.5, 0.25
	refine.Members[0].Verdict.Parts = map[string]float64{"format": 1, "answer": 0}
	refine.Members[0].VersionOldest = 41
	refine.Members[1].Advantage, refine.Members[1].Weight = -0.25, 0

	aggregate := data.Group{
		Spec: data.Spec{Group: 87, Problem: "addition/18", Kind: data.Aggregate, Round: 2, Source: "pool",
			Candidates: []data.Candidate{{Rollout: "pool:g000003/0"}, {Rollout: "pool:g000001/2"}, {Rollout: "pool:質問/7"}}},
		Dataset: "addition", PromptIDs: []int32{1}, Temperature: 1,
		Members: []data.Member{member(87, 0, 1), member(87, 3, 5)},
	}
	aggregate.Members[0].Reward, aggregate.Members[0].Advantage, aggregate.Members[0].Weight = 1, 0.5, 0.5
	aggregate.Members[1].Advantage = -0.5
	return []data.Group{direct, refine, aggregate}
}

func goldenHeader() Header {
	return Header{
		Run: "golden – ü", Batch: 42, ConfigHash: "c0ffee",
		Estimator: Estimator{Name: "rloo", Constants: map[string]float64{"group_size": 3, "a": 0.1}},
		Simulated: true, Dropped: []Drop{{Group: 86, Reason: "zero_variance"}}, NextGroup: 88,
		Planner: json.RawMessage(`{"next":88,"drawn":[1,2]}`), TotalCompletionTokens: 9001,
	}
}

func TestGolden(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "000042")
	if _, err := Write(dir, goldenHeader(), goldenGroups()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ArrowFile, ManifestFile} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(golden, name)
		if *update {
			if err := os.MkdirAll(golden, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what is written today: a change of format is a change of SchemaVersion; else run with -update", path)
		}
	}
}

func TestReadGolden(t *testing.T) {
	m, rows, err := Read(golden)
	if err != nil {
		t.Fatal(err)
	}
	want, err := rowsOf(goldenGroups())
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if want[i].RewardParts == nil {
			want[i].RewardParts = map[string]float64{}
		}
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
	if m.Denominators != (Denominators{Tokens: 3 + 1 + 2 + 1 + 5, Sequences: 5}) {
		t.Errorf("denominators %+v", m.Denominators)
	}
	if m.Rows != 6 || m.PromptTokens != 6+8+2 || m.CompletionTokens != 16 || m.VersionOldest != 41 || m.VersionNewest != 42 {
		t.Errorf("manifest %+v", m)
	}
	if diff := cmp.Diff([]data.GroupID{84, 85, 87}, m.Groups); diff != "" {
		t.Error(diff)
	}
}

func TestWriteRefuses(t *testing.T) {
	cases := []struct {
		name, want string
		spoil      func([]data.Group) []data.Group
	}{
		{"no groups", "no groups", func([]data.Group) []data.Group { return nil }},
		{"order", "group g000084 follows group g000085", func(g []data.Group) []data.Group { g[0], g[1] = g[1], g[0]; return g }},
		{"twice", "group g000085 follows group g000085", func(g []data.Group) []data.Group { return append(g[:2:2], g[1:]...) }},
		{"dropped", "zero_variance", func(g []data.Group) []data.Group { g[0].Dropped = "zero_variance"; return g }},
		{"nobody counts", "no member counts", func(g []data.Group) []data.Group {
			for i := range g[1].Members {
				g[1].Members[i].Counts = false
			}
			return g
		}},
		{"prompt", "no prompt ids", func(g []data.Group) []data.Group { g[2].PromptIDs = nil; return g }},
		{"nan", "advantage is NaN", func(g []data.Group) []data.Group { g[0].Members[0].Advantage = math.NaN(); return g }},
		{"lengths", "3 completion ids but 2 log-probabilities", func(g []data.Group) []data.Group {
			g[0].Members[0].Logprobs = g[0].Members[0].Logprobs[:2]
			return g
		}},
		{"slots", "slot 0 follows slot 1", func(g []data.Group) []data.Group {
			m := g[0].Members
			m[0], m[1] = m[1], m[0]
			return g
		}},
		{"id", "stands where g000084/0 belongs", func(g []data.Group) []data.Group { g[0].Members[0].ID = "g000001/0"; return g }},
		{"failed", `finished by "error"`, func(g []data.Group) []data.Group { g[0].Members[0].Finish = data.FinishError; return g }},
		{"utf8", "is not UTF-8", func(g []data.Group) []data.Group { g[0].Problem = "\xff"; return g }},
		{"closed", "group 84 is closed but not below next_group 50", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "000042")
			h, groups := goldenHeader(), goldenGroups()
			if c.spoil != nil {
				groups = c.spoil(groups)
			} else {
				h.NextGroup = 50
			}
			_, err := Write(dir, h, groups)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a refused batch left %s: %v", dir, err)
			}
		})
	}
}
