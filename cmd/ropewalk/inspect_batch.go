package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/batch"
	"github.com/ropewalk/ropewalk/data/table"
)

// batchReport is what inspect prints of a batch.
type batchReport struct {
	batch.Manifest
	GroupList []groupEntry `json:"group_list"`
}

// groupEntry is one group, with one value per row in slot order.
type groupEntry struct {
	Group        data.GroupID   `json:"group"`
	Problem      data.ProblemID `json:"problem"`
	Dataset      string         `json:"dataset"`
	Kind         data.Kind      `json:"kind"`
	Round        int            `json:"round"`
	PromptTokens int            `json:"prompt_tokens"`
	Slots        []int          `json:"slots"`
	Rewards      []float64      `json:"rewards"`
	Advantages   []float64      `json:"advantages"`
	Weights      []float64      `json:"weights"`
	Tokens       []int          `json:"completion_tokens"`
}

func inspectBatch(w io.Writer, dir string, o inspectOptions) error {
	m, rows, err := batch.Read(dir)
	if err != nil {
		return err
	}
	if o.rollout != "" {
		return showFromBatch(w, dir, m, rows, o)
	}
	report := batchReport{m, groupsOf(rows)}
	if o.json {
		return failure(json.NewEncoder(w).Encode(report))
	}
	return failure(report.write(w))
}

func groupsOf(rows []batch.Row) (list []groupEntry) {
	for i := range rows {
		r := &rows[i]
		if i == 0 || rows[i-1].GroupID != r.GroupID {
			list = append(list, groupEntry{Group: r.GroupID, Problem: r.ProblemID, Dataset: r.Dataset, Kind: r.Kind, Round: r.Round, PromptTokens: len(r.PromptIDs)})
		}
		g := &list[len(list)-1]
		g.Slots = append(g.Slots, r.Slot)
		g.Rewards = append(g.Rewards, r.Reward)
		g.Advantages = append(g.Advantages, r.Advantage)
		g.Weights = append(g.Weights, r.Weight)
		g.Tokens = append(g.Tokens, len(r.CompletionIDs))
	}
	return list
}

func (r *batchReport) write(w io.Writer) error {
	dropped := map[string]int{}
	for _, d := range r.Dropped {
		dropped[d.Reason]++
	}
	constants, err := json.Marshal(r.Estimator.Constants)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "run            %s%s\nbatch          %d, schema %d\nconfiguration  %s\nestimator      %s %s\nrows           %d in %d groups\n"+
		"dropped        %s\nversions       %s\ntokens         %d of prompts, %d of completions, %d sampled in the run so far\n"+
		"denominators   %d tokens, %d sequences\nfile           %s, %d bytes, sha256 %s\n\n",
		tame(r.Run), simulatedText(r.Simulated), r.Batch, r.Schema, tame(r.ConfigHash), tame(r.Estimator.Name), constants, r.Rows, len(r.Groups),
		tame(countsText(dropped)), span(r.VersionOldest, r.VersionNewest), r.PromptTokens, r.CompletionTokens, r.TotalCompletionTokens,
		r.Denominators.Tokens, r.Denominators.Sequences, r.File, r.Bytes, r.SHA256)
	t := newTable(w, "group", "problem", "kind", "round", "prompt", "completions", "rewards", "advantages")
	for _, g := range r.GroupList {
		t.row(g.Group, g.Problem, g.Kind, g.Round, g.PromptTokens, joined(g.Tokens, "%d"), joined(g.Rewards, "%g"), joined(g.Advantages, "%+.3f"))
	}
	return errors.Join(err, t.flush())
}

func joined[T any](values []T, format string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = fmt.Sprintf(format, v)
	}
	return strings.Join(parts, " ")
}

// showFromBatch shows a rollout of a batch: with its text and parents if the
// batch stands in a run, as the batch has it if not.
func showFromBatch(w io.Writer, dir string, m batch.Manifest, rows []batch.Row, o inspectOptions) error {
	run := filepath.Join(dir, "..", "..")
	archive := filepath.Join("rollouts", batch.DirName(m.Batch)+".parquet")
	if exists(run, archive) {
		ledger, err := batch.List(filepath.Join(run, "batches"))
		if err != nil {
			return err
		}
		return showRollout(w, run, newArchives(run, ledger).find, o)
	}
	find := func(id data.RolloutID) (*table.Row, error) {
		for i := range rows {
			if rows[i].RolloutID == id {
				return fromBatch(&rows[i]), nil
			}
		}
		return nil, nil
	}
	return showRollout(w, dir, find, o)
}

// fromBatch is what a batch knows of a rollout.
func fromBatch(r *batch.Row) *table.Row {
	return &table.Row{
		RolloutID: r.RolloutID, GroupID: r.GroupID, ProblemID: r.ProblemID, Dataset: r.Dataset, Kind: r.Kind, Round: r.Round, Slot: r.Slot,
		PromptIDs: r.PromptIDs, CompletionIDs: r.CompletionIDs, Logprobs: r.Logprobs, Advantage: r.Advantage, Weight: r.Weight,
		Reward: r.Reward, RewardParts: r.RewardParts, Status: r.Status, Finish: r.Finish, Counts: true,
		VersionOldest: r.VersionOldest, VersionNewest: r.VersionNewest, Temperature: r.Temperature, ParentIDs: r.ParentIDs,
	}
}
