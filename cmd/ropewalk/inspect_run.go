package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/ropewalk/ropewalk/data/batch"
)

// runReport is what inspect prints of a run.
type runReport struct {
	Run        string       `json:"run"`
	ConfigHash string       `json:"config_hash"`
	Simulated  bool         `json:"simulated"`
	Batches    []batchEntry `json:"batches"`
	Rows       int          `json:"rows"`
	Groups     int          `json:"groups"`
	Dropped    int          `json:"dropped"`
	// TotalCompletionTokens counts what was sampled, dropped groups included.
	TotalCompletionTokens int64 `json:"total_completion_tokens"`
}

// batchEntry is one line of the ledger.
type batchEntry struct {
	Batch            int                `json:"batch"`
	Rows             int                `json:"rows"`
	Groups           int                `json:"groups"`
	Dropped          map[string]int     `json:"dropped"` // by reason
	Reward           map[string]float64 `json:"reward"`  // mean by kind; empty with --quick
	VersionOldest    int                `json:"version_oldest"`
	VersionNewest    int                `json:"version_newest"`
	PromptTokens     int64              `json:"prompt_tokens"`
	CompletionTokens int64              `json:"completion_tokens"`
}

func inspectRun(w io.Writer, dir string, o inspectOptions) error {
	batches := filepath.Join(dir, "batches")
	ledger, err := batch.List(batches)
	if err != nil {
		return err
	}
	if len(ledger) == 0 {
		return fmt.Errorf("%s: no batch is finished yet", batches)
	}
	if err := batch.CheckLedger(ledger); err != nil {
		return fmt.Errorf("%s: %w", batches, err)
	}
	if o.rollout != "" {
		return showRollout(w, dir, newArchives(dir, ledger).find, o)
	}
	report := runReport{Run: ledger[0].Run, ConfigHash: ledger[0].ConfigHash}
	for _, m := range ledger {
		entry, err := entryOf(filepath.Join(batches, batch.DirName(m.Batch)), m, o.quick)
		if err != nil {
			return err
		}
		report.add(m, entry)
	}
	if o.json {
		return failure(json.NewEncoder(w).Encode(report))
	}
	return failure(report.write(w))
}

func entryOf(dir string, m batch.Manifest, quick bool) (batchEntry, error) {
	e := batchEntry{
		Batch: m.Batch, Rows: m.Rows, Groups: len(m.Groups), Dropped: map[string]int{}, Reward: map[string]float64{},
		VersionOldest: m.VersionOldest, VersionNewest: m.VersionNewest,
		PromptTokens: m.PromptTokens, CompletionTokens: m.CompletionTokens,
	}
	for _, d := range m.Dropped {
		e.Dropped[d.Reason]++
	}
	if quick {
		return e, nil
	}
	_, rows, err := batch.Read(dir)
	e.Reward = rewardByKind(rows)
	return e, err
}

func rewardByKind(rows []batch.Row) map[string]float64 {
	sums, counts := map[string]float64{}, map[string]float64{}
	for i := range rows {
		sums[string(rows[i].Kind)] += rows[i].Reward
		counts[string(rows[i].Kind)]++
	}
	for kind := range sums {
		sums[kind] /= counts[kind]
	}
	return sums
}

func (r *runReport) add(m batch.Manifest, e batchEntry) {
	r.Batches = append(r.Batches, e)
	r.Simulated = r.Simulated || m.Simulated
	r.Rows += e.Rows
	r.Groups += e.Groups
	r.Dropped += len(m.Dropped)
	r.TotalCompletionTokens = m.TotalCompletionTokens
}

func (r *runReport) write(w io.Writer) error {
	kinds := []string{"direct", "refine", "aggregate"}
	t := newTable(w, "batch", "rows", "groups", "dropped", "direct", "refine", "aggregate", "versions", "prompt tokens", "completion tokens")
	for _, e := range r.Batches {
		cells := []any{e.Batch, e.Rows, e.Groups, countsText(e.Dropped)}
		for _, kind := range kinds {
			cell := "-"
			if mean, ok := e.Reward[kind]; ok {
				cell = fmt.Sprintf("%.3f", mean)
			}
			cells = append(cells, cell)
		}
		t.row(append(cells, span(e.VersionOldest, e.VersionNewest), e.PromptTokens, e.CompletionTokens)...)
	}
	err := t.flush()
	_, err2 := fmt.Fprintf(w, "\nrun %s, configuration %.12s%s: %d batches, %d rows in %d groups, %d groups dropped, %d completion tokens sampled\n",
		tame(r.Run), tame(r.ConfigHash), simulatedText(r.Simulated), len(r.Batches), r.Rows, r.Groups, r.Dropped, r.TotalCompletionTokens)
	return errors.Join(err, err2)
}

func simulatedText(simulated bool) string {
	if simulated {
		return ", SIMULATED"
	}
	return ""
}

func span(oldest, newest int) string {
	if oldest == newest {
		return fmt.Sprint(oldest)
	}
	return fmt.Sprintf("%d-%d", oldest, newest)
}

// countsText words counts by name: "2 stale, 31 zero_variance".
func countsText(counts map[string]int) string {
	var parts []string
	for _, name := range sortedKeys(counts) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[name], name))
	}
	if parts == nil {
		return "0"
	}
	return strings.Join(parts, ", ")
}
