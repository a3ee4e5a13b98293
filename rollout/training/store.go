package training

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/data/batch"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward/advantage"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// Store keeps the ledger: batches, and the archive of every rollout.
type Store struct {
	folder    *Folder
	hash      string
	estimator batch.Estimator
}

// NewStore makes the store of a run folder.
func NewStore(f *Folder, cfg *config.Config, e advantage.Estimator) *Store {
	return &Store{folder: f, hash: cfg.Hash(),
		estimator: batch.Estimator{Name: e.Name(), Constants: e.Constants()}}
}

// Write makes a batch durable: first the archive of its rollouts and its line of
// metrics, then the batch, whose manifest closes its groups. Killed in between,
// all are written again.
func (s *Store) Write(b rollout.Batch) error {
	groups, dropped := values(b.Groups), values(b.Dropped)
	all := append(slices.Clone(groups), dropped...)
	slices.SortFunc(all, func(a, b data.Group) int { return int(a.Spec.Group - b.Spec.Group) })
	if err := table.WriteRollouts(s.archive(b.Number), table.Archive{Run: s.folder.Name, Batch: b.Number, ConfigHash: s.hash}, all); err != nil {
		return err
	}
	if err := s.appendMetrics(b); err != nil {
		return err
	}
	h := batch.Header{Run: s.folder.Name, Batch: b.Number, ConfigHash: s.hash, Estimator: s.estimator,
		Simulated: simulated(groups), NextGroup: b.Next, Planner: b.Planner, TotalCompletionTokens: b.TotalTokens}
	for _, g := range dropped {
		h.Dropped = append(h.Dropped, batch.Drop{Group: g.Spec.Group, Reason: g.Dropped})
	}
	_, err := batch.Write(s.folder.Path("batches", number(b.Number)), h, groups)
	return err
}

func (s *Store) archive(n int) string { return s.folder.Path("rollouts", number(n)+".parquet") }

func values(groups []*data.Group) []data.Group {
	out := make([]data.Group, len(groups))
	for i, g := range groups {
		out[i] = *g
	}
	return out
}

func simulated(groups []data.Group) bool {
	for _, g := range groups {
		for _, m := range g.Members {
			if m.Simulated {
				return true
			}
		}
	}
	return false
}

// Ledger reads what is written, checks that it closes every group once, and
// fetches the populations that the planner will ask for.
func (s *Store) Ledger(p *rollout.Planner) (rollout.Ledger, error) {
	if err := s.clean(); err != nil {
		return rollout.Ledger{}, err
	}
	manifests, err := batch.List(s.folder.Path("batches"))
	if err != nil {
		return rollout.Ledger{}, err
	}
	if err := batch.CheckLedger(manifests); err != nil {
		return rollout.Ledger{}, err
	}
	if err := truncateMetrics(s.metrics(), len(manifests)); err != nil {
		return rollout.Ledger{}, err
	}
	l := rollout.Ledger{Batches: len(manifests)}
	if len(manifests) == 0 {
		return l, nil
	}
	last := manifests[len(manifests)-1]
	l.Next, l.Planner, l.TotalTokens = last.NextGroup, last.Planner, last.TotalCompletionTokens
	l.Earlier, err = s.populations(manifests, p, last.Planner)
	return l, err
}

// clean removes the temporaries of a killed attempt.
func (s *Store) clean() error {
	for _, sub := range []string{"batches", "rollouts", "weights"} {
		if err := atomicfile.Clean(s.folder.Path(sub)); err != nil {
			return err
		}
	}
	return nil
}

// batches counts the batches written.
func (s *Store) batches() (int, error) {
	manifests, err := batch.List(s.folder.Path("batches"))
	return len(manifests), err
}

// populations reads, from the archives, the closed groups that later prompts draw
// on; from the newest batch backwards for as long as one is needed.
func (s *Store) populations(manifests []batch.Manifest, p *rollout.Planner, snapshot json.RawMessage) ([]rollout.Population, error) {
	oldest, err := p.OldestNeeded(snapshot)
	if err != nil {
		return nil, err
	}
	var out []rollout.Population
	for i := len(manifests) - 1; i >= 0 && manifests[i].NextGroup > oldest; i-- {
		groups, err := readPopulations(s.archive(manifests[i].Batch))
		if err != nil {
			return nil, err
		}
		out = append(out, groups...)
	}
	slices.SortFunc(out, func(a, b rollout.Population) int { return int(a.Group - b.Group) })
	return out, nil
}

// readPopulations rebuilds the populations of one archive.
func readPopulations(path string) ([]rollout.Population, error) {
	var out []rollout.Population
	err := table.ReadRollouts(path, func(r table.Row) error {
		if len(out) == 0 || out[len(out)-1].Group != r.GroupID {
			out = append(out, rollout.Population{Group: r.GroupID, Problem: r.ProblemID, Round: r.Round, Source: r.Source, K: len(r.ParentIDs)})
		}
		if r.Counts {
			p := &out[len(out)-1]
			p.Candidates = append(p.Candidates, data.Candidate{Rollout: r.RolloutID, Model: r.Model, Version: r.VersionOldest, Text: r.Text, Score: r.Reward})
		}
		return nil
	})
	return out, err
}

// batchMetrics is one line of metrics/coordinator.jsonl.
type batchMetrics struct {
	Batch       int                `json:"batch"`
	Time        float64            `json:"time"`
	Groups      int                `json:"groups"`
	Dropped     map[string]int     `json:"dropped"`
	Reward      map[string]float64 `json:"reward"` // mean by kind
	Statuses    map[string]int     `json:"statuses"`
	Truncated   float64            `json:"truncated"` // share of completions that hit max_tokens
	TotalTokens int64              `json:"total_completion_tokens"`
	Staleness   int                `json:"staleness_max"`
}

func (s *Store) metrics() string { return s.folder.Path("metrics", "coordinator.jsonl") }

func (s *Store) appendMetrics(b rollout.Batch) error {
	f, err := os.OpenFile(s.metrics(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewEncoder(f).Encode(measure(b))
}

func measure(b rollout.Batch) batchMetrics {
	m := batchMetrics{Batch: b.Number, Time: float64(time.Now().UnixMilli()) / 1000, Groups: len(b.Groups),
		Dropped: map[string]int{}, Reward: map[string]float64{}, Statuses: map[string]int{}, TotalTokens: b.TotalTokens}
	n := map[string]float64{}
	var completions, truncated float64
	for _, g := range b.Dropped {
		m.Dropped[g.Dropped]++
	}
	for _, g := range b.Groups {
		for _, r := range g.Members {
			m.Statuses[string(r.Verdict.Status)]++
			if r.Counts {
				m.Reward[string(g.Kind)] += r.Reward
				n[string(g.Kind)]++
				m.Staleness = max(m.Staleness, b.Number-r.VersionOldest)
			}
			completions++
			if r.Finish == data.FinishLength {
				truncated++
			}
		}
	}
	for kind := range m.Reward {
		m.Reward[kind] /= n[kind]
	}
	m.Truncated = truncated / max(1, completions)
	return m
}

// truncateMetrics drops the lines of batches from n on: those of a batch whose
// writing was cut short.
func truncateMetrics(path string, n int) error {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var keep int64
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var m batchMetrics
		if json.Unmarshal(lines.Bytes(), &m) != nil || m.Batch >= n {
			break
		}
		keep += int64(len(lines.Bytes())) + 1
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if info, err := f.Stat(); err != nil || info.Size() <= keep {
		return err
	}
	return os.Truncate(path, keep)
}
