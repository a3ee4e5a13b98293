package rsa

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

func settingsOf(t *testing.T, o Options, problems []data.Problem) Settings {
	t.Helper()
	s, err := NewSettings(o, problems)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOtherSettingsAreNamed: a folder goes on only with what it was made of, and
// the error names what differs.
func TestOtherSettingsAreNamed(t *testing.T) {
	dir, o, problems := filepath.Join(t.TempDir(), "run"), someOptions(4, 2, 2), someProblems(3)
	info := engine.Info{Model: "m", Fingerprint: "f", MaxModelLen: 1000}
	f, err := OpenFolder(dir, settingsOf(t, o, problems))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Pin(info), f.Close()); err != nil {
		t.Fatal(err)
	}
	templates := t.TempDir()
	for _, kind := range []string{"direct", "refine", "aggregate"} {
		if err := os.WriteFile(filepath.Join(templates, kind+".tmpl"), []byte("{{.Question}} {{.Candidates}}"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]func(*Options, []data.Problem, *engine.Info){
		"n:":                               func(o *Options, _ []data.Problem, _ *engine.Info) { o.N = 5 },
		"k:":                               func(o *Options, _ []data.Problem, _ *engine.Info) { o.K = 3 },
		"t:":                               func(o *Options, _ []data.Problem, _ *engine.Info) { o.T = 3 },
		"seed:":                            func(o *Options, _ []data.Problem, _ *engine.Info) { o.Seed = 8 },
		"temperature:":                     func(o *Options, _ []data.Problem, _ *engine.Info) { o.Sampling.Temperature = 0.5 },
		"max-tokens:":                      func(o *Options, _ []data.Problem, _ *engine.Info) { o.Sampling.MaxTokens = 7 },
		"max-prompt-tokens:":               func(o *Options, _ []data.Problem, _ *engine.Info) { o.Prompt.MaxTokens = 300 },
		"prompt-format:":                   func(o *Options, _ []data.Problem, _ *engine.Info) { o.Prompt.Format = "chat" },
		"templates:":                       func(o *Options, _ []data.Problem, _ *engine.Info) { o.Prompt.Templates = templates },
		"dataset sums:":                    func(_ *Options, p []data.Problem, _ *engine.Info) { p[1].Gold = "0" },
		"order":                            func(_ *Options, p []data.Problem, _ *engine.Info) { p[0], p[1] = p[1], p[0] },
		"model: it has m, this call x":     func(_ *Options, _ []data.Problem, i *engine.Info) { i.Model = "x" },
		"tokenizer: it has f, this call y": func(_ *Options, _ []data.Problem, i *engine.Info) { i.Fingerprint = "y" },
		"context: it has 1000":             func(_ *Options, _ []data.Problem, i *engine.Info) { i.MaxModelLen = 999 },
	}
	for want, change := range tests {
		other, p, i := o, someProblems(3), info
		change(&other, p, &i)
		f, err := OpenFolder(dir, settingsOf(t, other, p))
		if err == nil {
			err = errors.Join(f.Pin(i), f.Close())
		}
		if !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want ErrSettings that names %q", err, want)
		}
	}
	other := o
	other.Concurrency, other.Graders = 1, 7
	f, err = OpenFolder(dir, settingsOf(t, other, problems))
	if err != nil {
		t.Fatalf("how fast it goes is no setting: %v", err)
	}
	if err := errors.Join(f.Pin(info), f.Close()); err != nil {
		t.Error(err)
	}
}

func TestForeignAndBusyFolders(t *testing.T) {
	dir, s := t.TempDir(), settingsOf(t, someOptions(4, 2, 2), someProblems(3))
	f, err := OpenFolder(dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(dir, s); !errors.Is(err, ErrInUse) {
		t.Errorf("a second process: %v, want ErrInUse", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(dir, s); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("a folder with other files: %v, want ErrForeign that names one", err)
	}
	file := filepath.Join(dir, "thesis.tex")
	if _, err := OpenFolder(file, s); err == nil {
		t.Error("a file was taken for a folder")
	}
	bad := t.TempDir()
	if err := os.WriteFile(filepath.Join(bad, settingsFile), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(bad, s); !errors.Is(err, ErrForeign) {
		t.Errorf("unreadable settings: %v, want ErrForeign", err)
	}
}

// TestArchiveHoldsTheRun reads the Parquet files back and follows the lineage.
func TestArchiveHoldsTheRun(t *testing.T) {
	dir, o, problems := filepath.Join(t.TempDir(), "run"), someOptions(4, 2, 3), someProblems(5)
	e := connect(t, Patience{}, simulate(t, config.Simulated{FailRate: 0.05}))
	s := newMemory()
	report := mustRun(t, o, problems, e, s)
	f, err := OpenFolder(dir, settingsOf(t, o, problems))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Finish(s, o, problems, report); err != nil {
		t.Fatal(err)
	}
	shape := Shape{5, 3, 4}
	rows := 0
	err = table.ReadRollouts(filepath.Join(dir, rolloutsDir, "000000.parquet"), func(r table.Row) error {
		p := shape.place(rows)
		rows++
		want := s.have[p]
		switch {
		case r.RolloutID != shape.ID(p), r.ProblemID != want.ProblemID, r.Round != p.Round, !r.Simulated:
			t.Errorf("row %d: %+v is not %v", rows, r, p)
		case r.Text != want.Text, r.Score != want.Verdict.Score, r.Answer != want.Verdict.Answer, r.Finish != want.Finish, r.Counts != want.counts():
			t.Errorf("row %d: text, verdict or end differ from what was stored", rows)
		case len(r.CompletionIDs) != want.tokens(), len(r.Logprobs) != want.tokens(), len(r.PromptIDs) != want.Prompt.len():
			t.Errorf("row %d: %d ids, %d log-probabilities, %d prompt ids", rows, len(r.CompletionIDs), len(r.Logprobs), len(r.PromptIDs))
		case r.Kind != data.KindOf(len(want.Parents)), len(r.ParentIDs) != len(want.Parents):
			t.Errorf("row %d: kind %s with parents %v", rows, r.Kind, r.ParentIDs)
		}
		for i, parent := range r.ParentIDs {
			if parent != shape.ID(Place{p.Problem, p.Round - 1, want.Parents[i]}) {
				t.Errorf("row %d: parent %s is not index %d of the round before", rows, parent, want.Parents[i])
			}
		}
		return nil
	})
	if err != nil || rows != shape.Size() {
		t.Errorf("%d rows, error %v; want %d", rows, err, shape.Size())
	}
	if again, err := f.Finished(); err != nil || again == nil || again.Problems != 5 {
		t.Errorf("finished: %+v, %v", again, err)
	}
}

// TestShards: a large run becomes several files of whole problems, which together
// hold it, and go anew over what a killed compaction left.
func TestShards(t *testing.T) {
	dir, o, problems := filepath.Join(t.TempDir(), "run"), someOptions(4, 2, 2), someProblems(5)
	s := newMemory()
	report := mustRun(t, o, problems, connect(t, Patience{}, simulate(t, config.Simulated{})), s)
	f, err := OpenFolder(dir, settingsOf(t, o, problems))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	left := filepath.Join(dir, rolloutsDir, ".tmp-000001.parquet-0123")
	if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o777), os.WriteFile(left, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	a := archiver{folder: f, store: s, shape: Shape{5, 2, 4}, problems: problems, results: report.Results, shardRows: 9} // two problems are 16 rows
	if err := a.all(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, rolloutsDir, "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %v, error %v; want three", files, err)
	}
	rows := 0
	for i, want := range []int64{16, 16, 8} {
		head, n, err := table.ReadArchive(files[i])
		if err != nil || n != want || head.Batch != i {
			t.Errorf("file %d has %d rows and number %d (%v), want %d", i, n, head.Batch, err, want)
		}
		err = table.ReadRollouts(files[i], func(r table.Row) error {
			if id := a.shape.ID(a.shape.place(rows)); r.RolloutID != id {
				t.Errorf("row %d is %s, want %s", rows, r.RolloutID, id)
			}
			rows++
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("the temporary file of a killed compaction is still there")
	}
}

// TestUnfinishedIsNotArchived: a store that lacks a rollout is an error, not a
// shorter archive.
func TestUnfinishedIsNotArchived(t *testing.T) {
	dir, o, problems := filepath.Join(t.TempDir(), "run"), someOptions(4, 2, 2), someProblems(2)
	s := newMemory()
	report := mustRun(t, o, problems, connect(t, Patience{}, simulate(t, config.Simulated{})), s)
	delete(s.have, Place{1, 1, 2})
	f, err := OpenFolder(dir, settingsOf(t, o, problems))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Finish(s, o, problems, report); err == nil {
		t.Error("a run that lacks a rollout was archived")
	}
	if r, err := f.Finished(); r != nil || err != nil {
		t.Errorf("it counts as finished: %v, %v", r, err)
	}
}

// TestPoolIsWhatTrainReads goes through the reader of recipe.pool.
func TestPoolIsWhatTrainReads(t *testing.T) {
	dir, o, problems := t.TempDir(), someOptions(6, 1, 1), someProblems(10)
	s := newMemory()
	report := mustRun(t, o, problems, connect(t, Patience{}, simulate(t, config.Simulated{FailRate: 0.1})), s)
	f, err := OpenFolder(filepath.Join(dir, "work"), settingsOf(t, o, problems))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "pool.parquet")
	r, err := f.WritePool(path, s, o, problems, report, PoolOptions{Filter: NoFilter()})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := table.ReadPool(path)
	if err != nil {
		t.Fatal(err)
	}
	total, right, rates := 0, 0, make([]int, 7)
	for i, p := range problems {
		here := 0
		for _, c := range pool[p.ID] {
			if !strings.HasPrefix(string(c.Rollout), "pool:"+string(p.ID)+"/") || c.Version != -1 || c.Text == "" {
				t.Errorf("candidate %+v of %s", c, p.ID)
			}
			here += int(c.Score)
		}
		total += len(pool[p.ID])
		right += here
		rates[here]++
		if i == 0 && len(pool[p.ID]) == 0 {
			t.Error("the first problem has no candidates")
		}
	}
	if total != 60-report.Totals.Failed || r.Candidates != total || r.Failed != report.Totals.Failed || r.Failed == 0 {
		t.Errorf("%d candidates in the file, report %+v", total, r)
	}
	for i := range rates {
		if rates[i] != r.Rates[i] {
			t.Errorf("problems by right candidates %v, report says %v", rates, r.Rates)
			break
		}
	}
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(f.Dir); err == nil {
		t.Error("the work folder is still there")
	}
}
