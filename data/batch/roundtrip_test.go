package batch

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ropewalk/ropewalk/data"
)

func drawGroups(rt *rapid.T) []data.Group {
	groups := make([]data.Group, rapid.IntRange(1, 4).Draw(rt, "groups"))
	id := data.GroupID(0)
	finite := rapid.Float64Range(-1e300, 1e300)
	for i := range groups {
		id += data.GroupID(rapid.IntRange(1, 3).Draw(rt, "step"))
		g := &groups[i]
		for range rapid.IntRange(0, 3).Draw(rt, "k") {
			g.Candidates = append(g.Candidates, data.Candidate{Rollout: data.RolloutID(rapid.String().Draw(rt, "parent"))})
		}
		g.Group, g.Problem, g.Dataset = id, data.ProblemID(rapid.String().Draw(rt, "problem")), rapid.String().Draw(rt, "dataset")
		g.Kind, g.Round, g.Temperature = data.KindOf(len(g.Candidates)), rapid.IntRange(0, 9).Draw(rt, "round"), finite.Draw(rt, "temperature")
		g.PromptIDs = rapid.SliceOfN(rapid.Int32(), 1, 20).Draw(rt, "prompt")
		for slot := range rapid.IntRange(1, 4).Draw(rt, "size") {
			m := member(id, slot, rapid.IntRange(1, 30).Draw(rt, "tokens"))
			m.Counts = slot == 0 || rapid.Bool().Draw(rt, "counts")
			m.Advantage, m.Weight, m.Reward = finite.Draw(rt, "advantage"), finite.Draw(rt, "weight"), finite.Draw(rt, "reward")
			m.Verdict.Parts = rapid.MapOf(rapid.StringMatching(`[a-zü"\\]{1,4}`), finite).Draw(rt, "parts")
			m.VersionOldest = rapid.IntRange(0, 42).Draw(rt, "version")
			groups[i].Members = append(groups[i].Members, m)
		}
	}
	return groups
}

// What is written is read, and written again gives the same bytes.
func TestRoundTrip(t *testing.T) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir := temporary(root)
		groups := drawGroups(rt)
		h := goldenHeader()
		h.Dropped, h.NextGroup = nil, 100
		m, err := Write(dir, h, groups)
		if err != nil {
			rt.Fatal(err)
		}
		read, rows, err := Read(dir)
		if err != nil {
			rt.Fatal(err)
		}
		want, err := rowsOf(groups)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, rows, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("rows differ (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(m, read, cmp.Transformer("text", func(r json.RawMessage) string { return string(r) })); diff != "" {
			rt.Fatalf("manifests differ (-want +got):\n%s", diff)
		}
		again := temporary(root)
		if _, err := Write(again, h, groups); err != nil {
			rt.Fatal(err)
		}
		for _, name := range []string{ArrowFile, ManifestFile} {
			if !bytes.Equal(readFile(t, filepath.Join(dir, name)), readFile(t, filepath.Join(again, name))) {
				rt.Fatalf("%s differs when written again", name)
			}
		}
	})
}

// A batch above maxRecord is written as several record batches.
func TestManyRecords(t *testing.T) {
	rows := make([]Row, 3)
	long := make([]int32, maxRecord/4/2) // half a record each
	for i := range rows {
		rows[i] = Row{RolloutID: data.NewRolloutID(1, i), GroupID: 1, Slot: i, PromptIDs: append([]int32{int32(i)}, long...), RewardParts: map[string]float64{}}
	}
	m := Manifest{Rows: len(rows), Groups: []data.GroupID{1}}
	schema, err := m.arrowSchema()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "f")
	if _, _, err := writeArrow(path, schema, rows); err != nil {
		t.Fatal(err)
	}
	if n := recordLength(rows); n != 1 {
		t.Errorf("%d rows in the first record batch, want 1", n)
	}
	got, err := readArrow(path, &m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if got[i].RolloutID != rows[i].RolloutID || !slices.Equal(rows[i].PromptIDs, got[i].PromptIDs) {
			t.Errorf("row %d differs", i)
		}
	}
}
