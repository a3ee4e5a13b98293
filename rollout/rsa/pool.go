package rsa

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/data/table"
)

// PoolReport says what a candidate pool holds: POOL.json beside it.
type PoolReport struct {
	Schema     int       `json:"schema"` // 1
	Simulated  bool      `json:"simulated"`
	Model      string    `json:"model"`
	Datasets   []string  `json:"datasets"`
	Problems   int       `json:"problems"`
	PerProblem int       `json:"per_problem"` // candidates asked for of each
	Candidates int       `json:"candidates"`  // in the pool: completed, and let through by the filter
	Failed     int       `json:"failed"`      // without a completion: not in the file
	Ungraded   int       `json:"ungraded"`    // in the file, but the grader could not judge
	Tokens     int64     `json:"tokens"`
	Mean       Number    `json:"mean"` // pass rate, over problems
	CI95       [2]Number `json:"ci95"`
	PassN      Number    `json:"pass_n"`
	// Rates counts problems by pass rate: their share of candidates with score 1,
	// in PerProblem+1 steps from none to all.
	Rates []int `json:"rates"`
	Cost  *Cost `json:"cost,omitempty"` // if prices were given
	// Filter is what the pool was sifted by; the numbers above are of all answers.
	Filter          Filter   `json:"filter"`
	Filtered        int      `json:"filtered"`         // completed, but not let through
	DroppedProblems int      `json:"dropped_problems"` // without a candidate before lengths were looked at
	Settings        Settings `json:"settings"`
}

// Complete reports whether every candidate was completed and graded.
func (r *PoolReport) Complete() bool { return r.Failed == 0 && r.Ungraded == 0 }

// PoolOptions say what of a finished run becomes its pool.
type PoolOptions struct {
	Filter Filter
	// ShardRows is about how many candidates one file of a folder holds, whole
	// problems each; 0: the pool is a single file.
	ShardRows int
}

// WritePool makes the pool of a finished run with T = 1 at path, a file or a
// folder of files, and its report beside it. What is there is replaced. It holds
// one row group in memory. The folder stays; [Folder.Remove] it after.
func (f *Folder) WritePool(path string, store Store, o Options, problems []data.Problem, r Report, po PoolOptions) (PoolReport, error) {
	w := poolWriter{store: store, n: o.N, results: r.Results, problems: problems, filter: po.Filter, report: PoolReport{
		Schema: 1, Simulated: r.Simulated, Model: r.Model, Datasets: r.Datasets, Problems: r.Problems, PerProblem: o.N,
		Failed: r.Totals.Failed, Ungraded: r.Totals.Ungraded, Tokens: r.Totals.Tokens, Cost: r.Cost,
		Mean: r.Rounds[0].Mean, CI95: r.Rounds[0].CI95, PassN: r.Rounds[0].PassN,
		Rates: make([]int, o.N+1), Settings: f.settings, Filter: po.Filter,
	}}
	if err := w.write(path, po.ShardRows); err != nil {
		return w.report, err
	}
	return w.report, WriteJSON(path+".json", w.report)
}

type poolWriter struct {
	store    Store
	n        int
	problems []data.Problem
	results  []Result
	filter   Filter
	report   PoolReport
	next     int // the problem written next
}

func (w *poolWriter) write(path string, shardRows int) error {
	if shardRows == 0 {
		return table.WritePoolRows(path, w.rows(math.MaxInt))
	}
	old, err := filepath.Glob(filepath.Join(path, "[0-9][0-9][0-9][0-9][0-9][0-9].parquet"))
	for _, file := range old { // of a process killed before the report, or of another filter
		err = errors.Join(err, os.Remove(file))
	}
	if err != nil {
		return err
	}
	return atomicfile.Dir(path, func(tmp string) error {
		for shard := 0; shard == 0 || w.next < len(w.problems); shard++ {
			if err := table.WritePoolRows(filepath.Join(tmp, fmt.Sprintf("%06d.parquet", shard)), w.rows(shardRows)); err != nil {
				return err
			}
		}
		return nil
	})
}

// rows gives the candidates of whole problems, until there are at least so many.
func (w *poolWriter) rows(atLeast int) iter.Seq2[table.PoolRow, error] {
	return func(yield func(table.PoolRow, error) bool) {
		for given := 0; w.next < len(w.problems) && given < atLeast; w.next++ {
			rows, err := w.problem(w.next)
			if err != nil {
				yield(table.PoolRow{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
			given += len(rows)
		}
	}
}

// problem gives the candidates of one problem that the filter lets through, and
// counts them all.
func (w *poolWriter) problem(p int) ([]table.PoolRow, error) {
	var rows []table.PoolRow
	right := 0
	for i := range w.n {
		record, err := stored(w.store, Place{Problem: p, Index: i})
		if err != nil {
			return nil, err
		}
		if record.right() {
			right++
		}
		if record.completed() {
			rows = append(rows, poolRow(record))
		}
	}
	w.report.Rates[right]++
	before := len(rows)
	if len(rows) == 0 || !w.filter.takes(&w.results[p].Rounds[0]) {
		rows = nil
		w.report.DroppedProblems++
	}
	rows = slices.DeleteFunc(rows, func(r table.PoolRow) bool { return !w.filter.fits(r.Tokens) })
	w.report.Candidates += len(rows)
	w.report.Filtered += before - len(rows)
	return rows, nil
}

func poolRow(r *Record) table.PoolRow {
	return table.PoolRow{
		Problem: r.ProblemID,
		Candidate: data.Candidate{
			Rollout: data.RolloutID(fmt.Sprintf("pool:%s/%d", r.ProblemID, r.Index)),
			Model:   r.Model, Version: -1, Text: r.Text, Score: r.Verdict.Score,
		},
		Status: r.Verdict.Status, Answer: r.Verdict.Answer, Tokens: r.tokens(),
	}
}
