package rsa

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// stopping is a run in which some populations agree early, with verifications.
func stopping(t *testing.T) (Options, []data.Problem, *memory, Report) {
	t.Helper()
	o, s, problems := someOptions(3, 2, 4), newMemory(), someProblems(60)
	o.StopWhenAgreed, o.Verify, o.VerifyTokens = true, true, 10
	e := connect(t, Patience{}, simulate(t, config.Simulated{Accuracy: []float64{0.4, 0.8, 0.95}, Direct: 0.6, FailRate: 0.02}))
	return o, problems, s, mustRun(t, o, problems, e, s)
}

// TestStopWhenAgreed: a problem is asked no further once a population gives one
// answer, and that population stands for the others at no cost.
func TestStopWhenAgreed(t *testing.T) {
	o, _, s, r := stopping(t)
	shape, stopped := o.Shape(60), 0
	for i, result := range r.Results {
		if len(result.Rounds) != o.T || len(result.Curve) != o.T {
			t.Fatalf("problem %d has %d rounds and %d points", i, len(result.Rounds), len(result.Curve))
		}
		for round, y := range result.Rounds {
			asked := round < result.Asked
			for index := range o.N {
				if _, ok := s.have[Place{i, round, index}]; ok != asked {
					t.Fatalf("problem %d, round %d: asked %v, of %d rounds", i, round, ok, result.Asked)
				}
			}
			if ends := asked && y.Agreed == 1; ends != (round == result.Asked-1) && round < o.T-1 {
				t.Errorf("problem %d, round %d: agreed %v, %d rounds asked", i, round, y.Agreed, result.Asked)
			}
			last := result.Rounds[result.Asked-1]
			if !asked && (y.Mean != last.Mean || y.Rollouts+int(y.Tokens+y.PromptTokens+y.Judged.Tokens) != 0 || result.Curve[round].Tokens != result.Curve[result.Asked-1].Tokens) {
				t.Errorf("problem %d, round %d: %+v does not stand for %+v", i, round, y, last)
			}
		}
		if result.Asked < o.T {
			stopped++
		}
	}
	if stopped < 10 || *r.Agreeing != stopped || r.Rounds[o.T-1].Unchanged != stopped {
		t.Errorf("%d problems stopped, the report says %d and %d", stopped, *r.Agreeing, r.Rounds[o.T-1].Unchanged)
	}
	if r.Totals.Rollouts >= shape.Size()/2 || r.Rounds[o.T-1].Problems != 60 {
		t.Errorf("%d rollouts, %d problems in the last round", r.Totals.Rollouts, r.Rounds[o.T-1].Problems)
	}
}

// TestVerifiedArchive: verifications are rows of their own after what they judge.
func TestVerifiedArchive(t *testing.T) {
	o, problems, s, report := stopping(t)
	f, err := OpenFolder(filepath.Join(t.TempDir(), "run"), settingsOf(t, o, problems))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Finish(s, o, problems, report); err != nil {
		t.Fatal(err)
	}
	rows, judged := map[data.RolloutID]table.Row{}, 0
	err = table.ReadRollouts(f.Path(rolloutsDir, "000000.parquet"), func(row table.Row) error {
		if row.Kind == data.Verify {
			judged++
			of, ok := rows[row.ParentIDs[0]]
			if len(row.ParentIDs) != 1 || !ok || of.Round != row.Round || of.Kind == data.Verify {
				t.Errorf("%s judges %v, which is %+v", row.RolloutID, row.ParentIDs, of)
			}
			if said := row.Answer == "true"; row.Finish != data.FinishError && (row.Score == 1) != (said == (of.Score == 1)) {
				t.Errorf("%s says %q of a score of %v and has the score %v", row.RolloutID, row.Answer, of.Score, row.Score)
			}
		}
		rows[row.RolloutID] = row
		return nil
	})
	if err != nil || len(rows) != len(s.have) || judged == 0 {
		t.Errorf("%d rows, %d of them verifications, %d stored, error %v", len(rows), judged, len(s.have), err)
	}
	back, err := ReadRun(f.Dir)
	if err != nil || asJSON(t, *back) != asJSON(t, report) {
		t.Errorf("the run reads back otherwise: %v", err)
	}
}

// TestReadingJudgements: the last true or false counts, as a word.
func TestReadingJudgements(t *testing.T) {
	right, wrong := voter("1", 1), voter("1", 0)
	for text, want := range map[string]struct {
		answer string
		score  float64 // of a right rollout's judgement
	}{
		"True": {"true", 1}, " false.": {"false", 0}, "False? No: TRUE": {"true", 1}, "untrue": {"", 0}, "": {"", 0},
	} {
		v, other := readJudgement(text, right), readJudgement(text, wrong)
		if v.Answer != want.answer || v.Score != want.score || want.answer != "" && other.Score != 1-want.score {
			t.Errorf("%q: %+v of a right one, %+v of a wrong one", text, v, other)
		}
	}
	if v := readJudgement("True", silent(data.Timeout)); v.Status != data.Ungradable || v.Answer != "" {
		t.Errorf("a judgement of what has no score: %+v", v)
	}
}

// TestSeedsMerge: values over seeds are means problem by problem, counts are sums.
func TestSeedsMerge(t *testing.T) {
	e := connect(t, Patience{}, simulate(t, config.Simulated{FailRate: 0.1}))
	var reports []*Report
	for seed := range 3 {
		o := someOptions(4, 2, 2)
		o.Seed = int64(seed)
		r := mustRun(t, o, someProblems(40), e, newMemory())
		reports = append(reports, &r)
	}
	all, err := MergeSeeds(reports)
	if err != nil {
		t.Fatal(err)
	}
	mean, rollouts, tokens := 0.0, 0, int64(0)
	for i := range all.Results {
		got, sum, n := float64(all.Results[i].Rounds[1].Mean), 0.0, 0.0
		for _, r := range reports {
			if x := float64(r.Results[i].Rounds[1].Mean); !math.IsNaN(x) {
				sum += x
				n++
			}
		}
		if math.Abs(got-sum/n) > 1e-12 {
			t.Errorf("problem %d: %v, the mean over seeds is %v", i, got, sum/n)
		}
		mean += sum / n / 40
	}
	for _, r := range reports {
		rollouts += r.Totals.Rollouts
		tokens += r.Totals.Tokens
	}
	if math.Abs(float64(all.Rounds[1].Mean)-mean) > 1e-12 || all.Totals.Rollouts != rollouts || all.Totals.Tokens != tokens || len(all.Seeds) != 3 {
		t.Errorf("mean %v, want %v; totals %+v, want %d rollouts and %d tokens", all.Rounds[1].Mean, mean, all.Totals, rollouts, tokens)
	}
	if cost := float64(all.Curve[1].Tokens) * 40 * 3; math.Abs(cost-float64(tokens)) > 1e-6*cost {
		t.Errorf("a problem of a seed costs %v tokens, of %d in all", all.Curve[1].Tokens, tokens)
	}
	other := mustRun(t, someOptions(4, 2, 2), someProblems(39), e, newMemory())
	if _, err := MergeSeeds(append(reports, &other)); err == nil {
		t.Error("seeds of different problems were merged")
	}
}

// TestCompare: differences are taken on common problems, pair by pair.
func TestCompare(t *testing.T) {
	e := connect(t, Patience{}, simulate(t, config.Simulated{}))
	o := someOptions(4, 2, 2)
	a := mustRun(t, o, someProblems(30), e, newMemory())
	problems := someProblems(50)[10:]
	slices.Reverse(problems)
	b := mustRun(t, o, problems, e, newMemory())
	c, err := Compare([]Side{{Name: "a", Rule: ByMean, Report: &a}, {Name: "b", Rule: ByMean, Report: &b}, {Name: "vote", Rule: ByMajority, Report: &b}})
	if err != nil {
		t.Fatal(err)
	}
	// A problem's rollouts depend on no other, so the two runs agree on what they share.
	if d := c.Differences[0]; c.Problems != 20 || d.Mean != 0 || d.Equal != 20 || d.CI != [2]Number{} {
		t.Errorf("%d common problems, difference %+v; want 20 and none", c.Problems, d)
	}
	sum := 0.0
	for _, r := range b.Results {
		if i := slices.IndexFunc(a.Results, func(x Result) bool { return x.Problem == r.Problem }); i >= 0 {
			sum += r.last(ByMajority) - a.Results[i].last(ByMean)
		}
	}
	if d := c.Differences[1]; math.Abs(float64(d.Mean)-sum/20) > 1e-12 || d.CI[0] > d.Mean || d.CI[1] < d.Mean || d.Better+d.Worse+d.Equal != 20 {
		t.Errorf("difference %+v, want a mean of %v", d, sum/20)
	}
	far := mustRun(t, o, someProblems(60)[55:], e, newMemory())
	if _, err := Compare([]Side{{Report: &a}, {Report: &far}}); err == nil {
		t.Error("runs without a common problem were compared")
	}
}

// TestCollections refuse what is not theirs.
func TestCollections(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "all")
	if err := errors.Join(OpenCollection(dir, []string{"x"}), OpenCollection(filepath.Join(dir, "x"), nil), OpenCollection(dir, []string{"x"})); err != nil {
		t.Error(err)
	}
	if err := OpenCollection(dir, []string{"y"}); !errors.Is(err, ErrForeign) {
		t.Errorf("a folder with another's run: %v, want ErrForeign", err)
	}
}

// FuzzReadRun: whatever a folder holds, reading, merging and comparing it ends in
// an error or in a report.
func FuzzReadRun(f *testing.F) {
	f.Add(`{"problems":1,"rsa":{"n":1,"k":0,"t":1},"curve":[{}],"answer":"mean"}`, `{"problem":"a","rounds":[{"pass_at":[1],"given":[{}]}],"curve":[{}]}`)
	f.Add(`{"problems":2,"rsa":{"n":2,"k":1,"t":1},"curve":[{}]}`, "{\"rounds\":[{\"pass_at\":[1,null],\"given\":[{},{}]}],\"curve\":[{}]}\n{}")
	f.Fuzz(func(t *testing.T, report, results string) {
		dir := t.TempDir()
		err := errors.Join(os.WriteFile(filepath.Join(dir, reportFile), []byte(report), 0o666), os.WriteFile(filepath.Join(dir, resultsFile), []byte(results), 0o666))
		if err != nil {
			t.Fatal(err)
		}
		side, err := OpenSide(dir)
		if err != nil {
			return
		}
		if all, err := MergeSeeds([]*Report{side.Report, side.Report}); err == nil {
			_ = all.Write(io.Discard)
		}
		if c, err := Compare([]Side{side, side}); err == nil {
			_ = c.Write(io.Discard)
		}
	})
}
