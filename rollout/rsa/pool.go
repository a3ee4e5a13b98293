package rsa

import (
	"fmt"

	"github.com/ropewalk/ropewalk/data"
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
	Candidates int       `json:"candidates"`  // in the file: completed
	Failed     int       `json:"failed"`      // without a completion: not in the file
	Ungraded   int       `json:"ungraded"`    // in the file, but the grader could not judge
	Tokens     int64     `json:"tokens"`
	Mean       Number    `json:"mean"` // pass rate, over problems
	CI95       [2]Number `json:"ci95"`
	PassN      Number    `json:"pass_n"`
	// Rates counts problems by pass rate: their share of candidates with score 1,
	// in PerProblem+1 steps from none to all.
	Rates    []int    `json:"rates"`
	Settings Settings `json:"settings"`
}

// Complete reports whether every candidate was completed and graded.
func (r *PoolReport) Complete() bool { return r.Failed == 0 && r.Ungraded == 0 }

// WritePool makes the pool file of a finished run with T = 1, and its report
// beside it. The folder stays; [Folder.Remove] it after.
func (f *Folder) WritePool(path string, store Store, o Options, problems []data.Problem, r Report) (PoolReport, error) {
	out := PoolReport{
		Schema: 1, Simulated: r.Simulated, Model: r.Model, Datasets: r.Datasets, Problems: r.Problems, PerProblem: o.N,
		Failed: r.Totals.Failed, Ungraded: r.Totals.Ungraded, Tokens: r.Totals.Tokens,
		Mean: r.Rounds[0].Mean, CI95: r.Rounds[0].CI95, PassN: r.Rounds[0].PassN,
		Rates: make([]int, o.N+1), Settings: f.settings,
	}
	var rows []table.PoolRow
	for p := range problems {
		right := 0
		for i := range o.N {
			record, err := stored(store, Place{Problem: p, Index: i})
			if err != nil {
				return out, err
			}
			if record.completed() {
				rows = append(rows, poolRow(record))
			}
			if record.right() {
				right++
			}
		}
		out.Rates[right]++
	}
	out.Candidates = len(rows)
	if err := table.WritePool(path, rows); err != nil {
		return out, err
	}
	return out, WriteJSON(path+".json", out)
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
