package rsa

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout/config"
)

func TestFilter(t *testing.T) {
	half := &Population{Counted: 4, Right: 2, Votes: 3}
	none := &Population{}
	for name, c := range map[string]struct {
		change func(*Filter)
		half   bool
		none   bool
	}{
		"nothing":             {func(*Filter) {}, true, true},
		"at least":            {func(f *Filter) { f.MinPass = 0.5 }, true, false},
		"at least more":       {func(f *Filter) { f.MinPass = 0.51 }, false, false},
		"at most":             {func(f *Filter) { f.MaxPass = 0.5 }, true, false},
		"unsolved only":       {func(f *Filter) { f.MaxPass = 0 }, false, false},
		"agreement":           {func(f *Filter) { f.MinAgreement = 0.75 }, true, false},
		"agreement above":     {func(f *Filter) { f.MinAgreement = 0.76 }, false, false},
		"agreement at most":   {func(f *Filter) { f.MaxAgreement = 0.7 }, false, false},
		"lengths are another": {func(f *Filter) { f.MinLength = 7 }, true, true},
	} {
		f := NoFilter()
		c.change(&f)
		if err := f.Check(); err != nil || f.takes(half) != c.half || f.takes(none) != c.none {
			t.Errorf("%s: %v and %v, %v", name, f.takes(half), f.takes(none), err)
		}
	}
	f := Filter{MinLength: 3, MaxLength: 5}
	if f.fits(2) || !f.fits(3) || !f.fits(5) || f.fits(6) || !NoFilter().fits(1<<30) {
		t.Error("lengths are not bounded inclusively")
	}
}

// Shards hold whole problems, all of them once, in order; a filter takes away what
// it says and nothing else.
func TestPoolShardsAndFilter(t *testing.T) {
	o, problems := someOptions(6, 1, 1), someProblems(25)
	s := newMemory()
	report := mustRun(t, o, problems, connect(t, Patience{}, simulate(t, config.Simulated{Direct: 0.5, Accuracy: []float64{0.5}, Tail: 0.5, FailRate: 0.05})), s)
	folder := &Folder{Dir: t.TempDir(), settings: Settings{"n": "6"}}
	write := func(name string, po PoolOptions) (PoolReport, string) {
		path := filepath.Join(t.TempDir(), name)
		r, err := folder.WritePool(path, s, o, problems, report, po)
		if err != nil {
			t.Fatal(err)
		}
		return r, path
	}
	all, single := write("pool.parquet", PoolOptions{Filter: NoFilter()})
	sharded, dir := write("pool", PoolOptions{Filter: NoFilter(), ShardRows: 40})
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 3 || all.Candidates != sharded.Candidates || all.Filtered != 0 {
		t.Fatalf("%d files, %d and %d candidates, %v", len(files), all.Candidates, sharded.Candidates, err)
	}
	rows := func(path string) (list []table.PoolRow) {
		names, err := table.PoolFiles(path)
		for _, name := range names {
			if err == nil {
				err = table.ReadPoolRows(name, func(r table.PoolRow) error { list = append(list, r); return nil })
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	whole, parts := rows(single), rows(dir)
	if len(whole) != len(parts) || len(whole) != all.Candidates {
		t.Fatalf("%d and %d rows of %d", len(whole), len(parts), all.Candidates)
	}
	for i := range whole {
		if whole[i] != parts[i] {
			t.Fatalf("row %d: %+v and %+v", i, whole[i], parts[i])
		}
	}
	if pool, err := table.ReadPool(filepath.Join(dir, "*.parquet")); err != nil || len(pool) != len(problems) {
		t.Errorf("%d problems, %v", len(pool), err)
	}
	po := PoolOptions{Filter: NoFilter()}
	po.Filter.MinPass, po.Filter.MaxPass, po.Filter.MaxLength = 0.3, 0.7, 26
	few, path := write("few.parquet", po)
	want := 0
	for _, r := range whole {
		for _, result := range report.Results {
			y := result.Rounds[0]
			if rate := float64(y.Right) / float64(y.Counted); result.Problem == r.Problem && rate >= 0.3 && rate <= 0.7 && r.Tokens <= 26 {
				want++
			}
		}
	}
	if got := len(rows(path)); got != want || few.Candidates != want || few.Filtered != len(whole)-want || want == 0 || want == len(whole) {
		t.Errorf("%d rows, report %+v, want %d of %d", got, few, want, len(whole))
	}
}
