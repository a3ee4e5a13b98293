package rsa

import (
	"fmt"
	"os"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/data/table"
)

// shardTokens and shardRows are about how many tokens, prompts included, and
// rollouts one archive file holds: what compacting keeps in memory.
const (
	shardTokens = 4 << 20
	shardRows   = 16 << 10
)

// Finish compacts a finished run: the journal becomes rollouts/NNNNNN.parquet,
// in the order of problems, rounds and indexes, a round's verifications after it;
// then come problems.jsonl and report.json, then it is removed. A crash in between loses nothing: the journal goes last.
func (f *Folder) Finish(store Store, o Options, problems []data.Problem, r Report) error {
	if err := os.MkdirAll(f.Path(rolloutsDir), 0o777); err != nil {
		return err
	}
	a := archiver{folder: f, store: store, temperature: o.Sampling.Temperature, shardRows: shardRows,
		shape: o.Shape(len(problems)), verify: o.Verify, problems: problems, results: r.Results}
	if err := a.all(); err != nil {
		return fmt.Errorf("archiving rollouts: %w", err)
	}
	if err := writeResults(f.Path(resultsFile), r.Results); err != nil {
		return err
	}
	if err := f.write(reportFile, r); err != nil {
		return err
	}
	return f.forget()
}

type archiver struct {
	folder      *Folder
	store       Store
	shape       Shape
	problems    []data.Problem
	results     []Result
	verify      bool
	temperature float64
	shardRows   int
	groups      []data.Group // of the shard being filled
	tokens      int          // in them
	rows        int
	shards      int // written
}

// all writes shard after shard, each of whole problems.
func (a *archiver) all() error {
	for p := range a.problems {
		for t := range a.results[p].Asked {
			if err := a.population(p, t); err != nil {
				return err
			}
		}
		if a.tokens >= shardTokens || a.rows >= a.shardRows || p == len(a.problems)-1 {
			if err := a.write(); err != nil {
				return err
			}
		}
	}
	return atomicfile.Clean(a.folder.Path(rolloutsDir)) // what a killed compaction left
}

func (a *archiver) write() error {
	path := a.folder.Path(rolloutsDir, fmt.Sprintf("%06d.parquet", a.shards))
	head := table.Archive{Run: "rsa", Batch: a.shards, ConfigHash: a.folder.settings.Hash()}
	if err := table.WriteRollouts(path, head, a.groups); err != nil {
		return err
	}
	a.groups, a.tokens, a.rows = nil, 0, 0
	a.shards++
	return nil
}

// population adds the groups of one round: the direct prompt's N rollouts are
// one group, each other prompt is a group of its own.
func (a *archiver) population(problem, round int) error {
	var completed []int
	for i := range a.shape.N {
		r, err := a.add(Place{problem, round, i})
		if err != nil {
			return err
		}
		if r.completed() {
			completed = append(completed, i)
		}
	}
	if !a.verify {
		return nil
	}
	for _, i := range completed {
		if _, err := a.add(Place{problem, a.shape.Rounds/2 + round, i}); err != nil {
			return err
		}
	}
	return nil
}

// add takes one rollout into the shard.
func (a *archiver) add(p Place) (*Record, error) {
	r, err := stored(a.store, p)
	if err != nil {
		return nil, err
	}
	if p.Round > 0 || p.Index == 0 {
		a.groups = append(a.groups, a.group(r))
	}
	g := &a.groups[len(a.groups)-1]
	member, err := a.member(r)
	if err != nil {
		return nil, err
	}
	g.Members = append(g.Members, member)
	a.tokens += r.promptTokens() + r.tokens()
	a.rows++
	return r, nil
}

// stored gets what a finished run must have.
func stored(s Store, p Place) (*Record, error) {
	r, ok, err := s.Get(p)
	if err == nil && !ok {
		err = fmt.Errorf("problem %d, round %d, index %d is not in the journal", p.Problem, p.Round, p.Index)
	}
	return r, err
}

func (a *archiver) group(r *Record) data.Group {
	g := data.Group{
		Spec: data.Spec{Group: a.shape.group(r.Place), Problem: r.ProblemID, Kind: data.KindOf(len(r.Parents)), Round: r.Round},
		Cut:  r.Cut, Dataset: a.problems[r.Problem].Dataset, Temperature: a.temperature,
	}
	from := r.Round - 1
	if a.verify && r.Round >= a.shape.Rounds/2 {
		from = r.Round - a.shape.Rounds/2 // what it judges
		g.Spec.Kind, g.Spec.Round, g.Temperature = data.Verify, from, verifyTemperature
	}
	g.PromptIDs, _ = r.Prompt.unpack()
	for _, i := range r.Parents {
		g.Source = "policy" // the problem's own rollouts
		g.Candidates = append(g.Candidates, data.Candidate{Rollout: a.shape.ID(Place{r.Problem, from, i})})
	}
	return g
}

func (a *archiver) member(r *Record) (data.Member, error) {
	completion, ok := r.IDs.unpack()
	if !ok {
		return data.Member{}, fmt.Errorf("rollout %s: its token ids are not ones", a.shape.ID(r.Place))
	}
	m := data.Member{
		Rollout: data.Rollout{
			ID: a.shape.ID(r.Place), Group: a.shape.group(r.Place), Slot: a.shape.slot(r.Place),
			CompletionIDs: completion, Logprobs: r.Logprobs.unpack()[:len(completion)], Text: r.Text, Finish: r.Finish,
			Model: r.Model, Simulated: r.Simulated, Err: r.Err,
		},
		Verdict: r.Verdict, Counts: r.counts(),
	}
	if m.Counts {
		m.Reward = r.Verdict.Score
	}
	return m, nil
}
