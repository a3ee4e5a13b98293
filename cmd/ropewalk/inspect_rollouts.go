package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/ropewalk/ropewalk/data/table"
)

// rolloutFilter leaves the rows that match all that is set.
type rolloutFilter struct{ dataset, kind, status string }

func (f rolloutFilter) leaves(r *table.Row) bool {
	return (f.dataset == "" || f.dataset == r.Dataset) &&
		(f.kind == "" || f.kind == string(r.Kind)) &&
		(f.status == "" || f.status == string(r.Status))
}

// archiveReport is what inspect prints of an archive.
type archiveReport struct {
	Run        string         `json:"run"`
	Batch      int            `json:"batch"`
	ConfigHash string         `json:"config_hash"`
	Columns    []table.Column `json:"columns"`
	Rollouts   int            `json:"rollouts"`
	Matching   int            `json:"matching"`
	Datasets   map[string]int `json:"datasets"` // counts of the matching rows
	Kinds      map[string]int `json:"kinds"`
	Statuses   map[string]int `json:"statuses"`
	Finishes   map[string]int `json:"finish_reasons"`
	Dropped    map[string]int `json:"dropped"` // rollouts of dropped groups
	Reward     float64        `json:"reward"`  // mean over matching rows that count
	Rows       []table.Row    `json:"rows"`    // the first --limit of the matching ones

	counting int
}

func inspectRollouts(w io.Writer, path string, o inspectOptions) error {
	if o.rollout != "" {
		return showFromArchive(w, path, o)
	}
	a, _, err := table.ReadArchive(path)
	if err != nil {
		return err
	}
	report := archiveReport{
		Run: a.Run, Batch: a.Batch, ConfigHash: a.ConfigHash, Columns: table.RolloutColumns(), Rows: []table.Row{},
		Datasets: map[string]int{}, Kinds: map[string]int{}, Statuses: map[string]int{}, Finishes: map[string]int{}, Dropped: map[string]int{},
	}
	err = table.ReadRollouts(path, func(r table.Row) error {
		report.add(r, o)
		return nil
	})
	if err != nil {
		return err
	}
	if report.counting > 0 {
		report.Reward /= float64(report.counting)
	}
	if o.json {
		return failure(json.NewEncoder(w).Encode(report))
	}
	return failure(report.write(w))
}

func (a *archiveReport) add(r table.Row, o inspectOptions) {
	a.Rollouts++
	if !o.filter.leaves(&r) {
		return
	}
	a.Matching++
	a.Datasets[r.Dataset]++
	a.Kinds[string(r.Kind)]++
	a.Statuses[string(r.Status)]++
	a.Finishes[string(r.Finish)]++
	if r.Dropped != "" {
		a.Dropped[r.Dropped]++
	}
	if r.Counts {
		a.Reward += r.Reward
		a.counting++
	}
	if o.limit <= 0 || len(a.Rows) < o.limit {
		a.Rows = append(a.Rows, r)
	}
}

func (a *archiveReport) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "run       %s, configuration %.12s\nbatch     %d\nrollouts  %d, %d of them shown or counted here\n"+
		"datasets  %s\nkinds     %s\nstatuses  %s\nfinished  %s\ndropped   %s\nreward    %.4f on average\n\n",
		tame(a.Run), tame(a.ConfigHash), a.Batch, a.Rollouts, a.Matching,
		tame(countsText(a.Datasets)), countsText(a.Kinds), countsText(a.Statuses), countsText(a.Finishes), tame(countsText(a.Dropped)), a.Reward)
	t := newTable(w, "rollout", "problem", "kind", "round", "status", "reward", "advantage", "tokens", "finish", "dropped", "answer")
	for i := range a.Rows {
		r := &a.Rows[i]
		t.row(r.RolloutID, r.ProblemID, r.Kind, r.Round, r.Status, r.Reward, fmt.Sprintf("%+.3f", r.Advantage), len(r.CompletionIDs), r.Finish, r.Dropped, shortened(r.Answer, 40))
	}
	err = errors.Join(err, t.flush())
	if more := a.Matching - len(a.Rows); more > 0 {
		_, err2 := fmt.Fprintf(w, "… and %d more (--limit 0 prints all)\n", more)
		err = errors.Join(err, err2)
	}
	return err
}

// shortened cuts a text to n characters.
func shortened(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
