package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// inspectRSA prints the report of a folder of `ropewalk rsa`, or one of its
// rollouts.
func inspectRSA(w io.Writer, dir string, o inspectOptions) error {
	if o.rollout != "" {
		find, err := problemFinder(dir, o.rollout)
		if err != nil {
			return err
		}
		return showRollout(w, dir, find, o)
	}
	report, err := rsa.ReadRun(dir)
	if err != nil {
		return err
	}
	if o.json {
		return failure(json.NewEncoder(w).Encode(report))
	}
	return failure(report.Write(w))
}

// problemFinder finds the rollouts of the problem that id answers: its ancestors
// are among them.
func problemFinder(dir string, id data.RolloutID) (finder, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "rollouts", "*.parquet"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		row, err := findIn(path, id)
		if err != nil {
			return nil, err
		}
		if row == nil {
			continue
		}
		rows := map[data.RolloutID]*table.Row{}
		err = table.ReadRollouts(path, func(r table.Row) error { // whole problems to a file
			if r.ProblemID == row.ProblemID {
				rows[r.RolloutID] = &r
			}
			return nil
		})
		return func(id data.RolloutID) (*table.Row, error) { return rows[id], nil }, err
	}
	return func(data.RolloutID) (*table.Row, error) { return nil, nil }, nil
}

// ancestry is a rollout with the candidates that its prompt showed, theirs, and so
// on. Of a rollout that occurs again only the name is repeated.
type ancestry struct {
	ID      data.RolloutID `json:"id"`
	Round   int            `json:"round"`
	Kind    data.Kind      `json:"kind,omitempty"`
	Status  data.Status    `json:"status,omitempty"`
	Score   float64        `json:"score"`
	Answer  string         `json:"answer"`
	Missing bool           `json:"missing,omitempty"` // not in the archives: of a pool
	Again   bool           `json:"again,omitempty"`   // shown before
	Parents []ancestry     `json:"parents,omitempty"`
}

// ancestors reads the tree above a rollout.
func ancestors(find finder, id data.RolloutID, seen map[data.RolloutID]bool) (ancestry, error) {
	row, err := find(id)
	if err != nil || row == nil {
		return ancestry{ID: id, Missing: true}, err
	}
	a := ancestry{ID: id, Round: row.Round, Kind: row.Kind, Status: row.Status, Score: row.Score, Answer: row.Answer, Again: seen[id]}
	if a.Again {
		return a, nil
	}
	seen[id] = true
	for _, parent := range row.ParentIDs {
		p, err := ancestors(find, parent, seen)
		if err != nil {
			return a, err
		}
		a.Parents = append(a.Parents, p)
	}
	return a, nil
}

// showTree prints the ancestry of a rollout, the answer first.
func showTree(w io.Writer, place string, find finder, o inspectOptions) error {
	a, err := ancestors(find, o.rollout, map[data.RolloutID]bool{})
	if err != nil {
		return err
	}
	if a.Missing {
		return fmt.Errorf("%s: no rollout %s", place, o.rollout)
	}
	if o.json {
		return failure(json.NewEncoder(w).Encode(a))
	}
	var out strings.Builder
	a.write(&out, "", "")
	_, err = io.WriteString(w, tame(out.String()))
	return failure(err)
}

// write draws the tree; first stands before the rollout, rest before what hangs
// under it.
func (a *ancestry) write(out *strings.Builder, first, rest string) {
	fmt.Fprintf(out, "%s%s\n", first, a.line())
	for i := range a.Parents {
		if i == len(a.Parents)-1 {
			a.Parents[i].write(out, rest+"└─ ", rest+"   ")
		} else {
			a.Parents[i].write(out, rest+"├─ ", rest+"│  ")
		}
	}
}

func (a *ancestry) line() string {
	switch {
	case a.Missing:
		return fmt.Sprintf("? %s  not here: a candidate of a pool, or of another run", a.ID)
	case a.Again:
		return fmt.Sprintf("%s %s  shown above", mark(a.Score), a.ID)
	}
	return fmt.Sprintf("%s %s  round %d, %s, score %g, answer %q", mark(a.Score), a.ID, a.Round, a.Status, a.Score, shortened(a.Answer, 40))
}

// mark tells right from wrong and from what is between.
func mark(score float64) string {
	switch {
	case score >= 1:
		return "✓"
	case score > 0:
		return "~"
	}
	return "✗"
}
