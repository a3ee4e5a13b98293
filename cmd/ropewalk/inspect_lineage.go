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

// lineage is a rollout with the rollouts that its prompt showed.
type lineage struct {
	Rollout table.Row `json:"rollout"`
	Parents []parent  `json:"parents"`
}

// parent is a candidate of the prompt. Row is nil if it is not in the run:
// candidates of a pool are not.
type parent struct {
	ID  data.RolloutID `json:"id"`
	Row *table.Row     `json:"row"`
}

// archives finds rollouts of a run by the ledger, which knows what batch each
// group was closed with.
type archives struct {
	dir   string
	batch map[data.GroupID]int
}

func newArchives(run string, ledger []batch.Manifest) archives {
	a := archives{run, map[data.GroupID]int{}}
	for _, m := range ledger {
		for _, g := range m.Groups {
			a.batch[g] = m.Batch
		}
		for _, d := range m.Dropped {
			a.batch[d.Group] = m.Batch
		}
	}
	return a
}

// find gives nil for a rollout that is of no closed group of this run.
func (a archives) find(id data.RolloutID) (*table.Row, error) {
	var group data.GroupID
	var slot int
	if _, err := fmt.Sscanf(string(id), "g%d/%d", &group, &slot); err != nil {
		return nil, nil
	}
	number, ok := a.batch[group]
	if !ok {
		return nil, nil
	}
	return findIn(filepath.Join(a.dir, "rollouts", batch.DirName(number)+".parquet"), id)
}

var errFound = errors.New("found")

func findIn(path string, id data.RolloutID) (*table.Row, error) {
	var found *table.Row
	err := table.ReadRollouts(path, func(r table.Row) error {
		if r.RolloutID != id {
			return nil
		}
		found = &r
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return found, err
}

// finder looks a rollout up; nil if it is not there.
type finder func(data.RolloutID) (*table.Row, error)

// showRollout prints a rollout and its parents; place is where find looks.
func showRollout(w io.Writer, place string, find finder, o inspectOptions) error {
	if o.tree {
		return showTree(w, place, find, o)
	}
	row, err := find(o.rollout)
	if err != nil {
		return err
	}
	if row == nil {
		return fmt.Errorf("%s: no rollout %s", place, o.rollout)
	}
	l := lineage{Rollout: *row, Parents: []parent{}}
	for _, id := range row.ParentIDs {
		found, err := find(id)
		if err != nil {
			return err
		}
		l.Parents = append(l.Parents, parent{id, found})
	}
	return writeLineage(w, l, o.json)
}

// showFromArchive looks for parents in the whole run, or in the same file if it
// stands alone.
func showFromArchive(w io.Writer, path string, o inspectOptions) error {
	run := filepath.Join(filepath.Dir(path), "..")
	if exists(run, "batches") {
		ledger, err := batch.List(filepath.Join(run, "batches"))
		if err != nil {
			return err
		}
		return showRollout(w, run, newArchives(run, ledger).find, o)
	}
	if exists(run, "report.json") {
		find, err := problemFinder(run, o.rollout)
		if err != nil {
			return err
		}
		return showRollout(w, path, find, o)
	}
	return showRollout(w, path, func(id data.RolloutID) (*table.Row, error) { return findIn(path, id) }, o)
}

func writeLineage(w io.Writer, l lineage, asJSON bool) error {
	if asJSON {
		return failure(json.NewEncoder(w).Encode(l))
	}
	r := &l.Rollout
	var out strings.Builder
	fmt.Fprintf(&out, "rollout      %s of group %s, %s, round %d%s\nproblem      %s (%s)\n", r.RolloutID, r.GroupID, r.Kind, r.Round, simulatedText(r.Simulated), r.ProblemID, r.Dataset)
	fmt.Fprintf(&out, "verdict      %s, score %g: %s\nanswer       %q\nreward       %g, advantage %+g, weight %g, in the baseline: %t\n", r.Status, r.Score, r.Reason, r.Answer, r.Reward, r.Advantage, r.Weight, r.Counts)
	if r.Dropped != "" {
		fmt.Fprintf(&out, "dropped      %s\n", r.Dropped)
	}
	if r.Cut != "" {
		fmt.Fprintf(&out, "cut          %s\n", r.Cut)
	}
	fmt.Fprintf(&out, "finished     %s %s\nversions     %s at temperature %g\nsampled by   %s on %s\n", r.Finish, r.Err, span(r.VersionOldest, r.VersionNewest), r.Temperature, orUnknown(r.Model), orUnknown(r.Worker))
	fmt.Fprintf(&out, "prompt       %d tokens: %v\ncompletion   %d tokens: %v\nlogprobs     %v\ntext\n%s\n", len(r.PromptIDs), r.PromptIDs, len(r.CompletionIDs), r.CompletionIDs, r.Logprobs, indented(r.Text))
	for _, p := range l.Parents {
		if p.Row == nil {
			fmt.Fprintf(&out, "parent %s: not here (a candidate of a pool, or of another batch)\n", p.ID)
			continue
		}
		fmt.Fprintf(&out, "parent %s: %s, score %g, answer %q\n%s\n", p.ID, p.Row.Status, p.Row.Score, p.Row.Answer, indented(p.Row.Text))
	}
	_, err := io.WriteString(w, tame(out.String()))
	return failure(err)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func indented(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}
