package rollout

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward/advantage"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// world plays everything outside the coordinator, with samples that are a
// function of (group, slot), and delivers events in an order drawn from r.
type world struct {
	cfg     *config.Config
	r       *rand.Rand
	stored  map[data.GroupID][]data.Rollout // the queue's results: they survive the coordinator
	batches []Batch                         // the disk
	version int                             // the trainer
	events  []Event
	done    bool
	asked   map[data.RolloutID]int // how often the engine made a sample
}

func newWorld(cfg *config.Config, seed uint64) *world {
	return &world{cfg: cfg, r: rand.New(rand.NewPCG(seed, 7)), stored: map[data.GroupID][]data.Rollout{}, asked: map[data.RolloutID]int{}}
}

func testConfig() *config.Config {
	c := &config.Config{}
	c.Run.Seed, c.Run.Steps = 3, 6
	c.Recipe = config.Recipe{GroupSize: 4, GroupsPerBatch: 3, DropZeroVariance: true, MaxDrops: 50, CacheSize: 8,
		Mix: []config.Mix{
			{Kind: "direct", Weight: 1},
			{Kind: "aggregate", Weight: 1, K: 3, Source: "policy", Rounds: 2},
		}}
	c.Sampling = config.Sampling{Temperature: 1, MaxTokens: 8}
	return c
}

func testProblems(n int) []data.Problem {
	out := make([]data.Problem, n)
	for i := range out {
		out[i] = data.Problem{ID: data.ProblemID(fmt.Sprintf("p/%d", i)), Dataset: "p", Question: fmt.Sprint(i), Gold: fmt.Sprint(i), Grader: "exact"}
	}
	return out
}

// start makes a coordinator from what is on disk, as a resume does.
func (w *world) start(t testing.TB) *Coordinator {
	t.Helper()
	planner, err := NewPlanner(w.cfg, testProblems(5), nil)
	if err != nil {
		t.Fatal(err)
	}
	estimator, err := advantage.New("rloo", advantage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCoordinator(w.cfg, planner, estimator, w.ledger())
	if err != nil {
		t.Fatal(err)
	}
	w.events = []Event{Advanced{w.version}}
	for _, rollouts := range w.stored {
		for _, r := range rollouts {
			w.events = append(w.events, Arrived{r})
		}
	}
	return c
}

func (w *world) ledger() Ledger {
	l := Ledger{Batches: len(w.batches)}
	if len(w.batches) == 0 {
		return l
	}
	last := w.batches[len(w.batches)-1]
	l.Next, l.Planner, l.TotalTokens = last.Next, last.Planner, last.TotalTokens
	for g := data.GroupID(0); g < l.Next; g++ {
		l.Earlier = append(l.Earlier, PopulationOf(w.group(g)))
	}
	return l
}

func (w *world) group(id data.GroupID) *data.Group {
	for _, b := range w.batches {
		for _, g := range append(append([]*data.Group{}, b.Groups...), b.Dropped...) {
			if g.Spec.Group == id {
				return g
			}
		}
	}
	return nil
}

// run delivers up to limit events in random order; it returns early when done.
func (w *world) run(t testing.TB, c *Coordinator, limit int) {
	t.Helper()
	for ; limit > 0 && len(w.events) > 0 && !w.done; limit-- {
		i := w.r.IntN(len(w.events))
		e := w.events[i]
		w.events[i] = w.events[len(w.events)-1]
		w.events = w.events[:len(w.events)-1]
		effects, err := c.Step(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, effect := range effects {
			w.do(effect)
		}
	}
}

func (w *world) do(effect Effect) {
	switch e := effect.(type) {
	case Render:
		w.events = append(w.events, Rendered{Group: e.Spec.Group, PromptIDs: []int32{int32(e.Spec.Group), 1}})
	case Publish:
		have := map[int]bool{}
		for _, r := range w.stored[e.Job.Group] {
			have[r.Slot] = true
		}
		for slot := range e.Job.Size {
			if !have[slot] {
				r := w.sample(e.Job, slot)
				w.stored[e.Job.Group] = append(w.stored[e.Job.Group], r)
				w.events = append(w.events, Arrived{r}, Arrived{r}) // delivered twice
			}
		}
	case Judge:
		score := float64(len(e.Rollout.CompletionIDs) % 2)
		w.events = append(w.events, Judged{Rollout: e.Rollout.ID, Group: e.Rollout.Group, Slot: e.Rollout.Slot, Verdict: data.Verdict{Status: data.Scored, Score: score}})
	case Write:
		w.batches = append(w.batches, e.Batch)
		w.version = e.Batch.Number + 1
		for g := range w.stored {
			if g < e.Batch.Next {
				delete(w.stored, g)
			}
		}
		w.events = append(w.events, Advanced{w.version})
	case Finish:
		w.done = true
	}
}

func (w *world) sample(job data.Job, slot int) data.Rollout {
	id := data.NewRolloutID(job.Group, slot)
	w.asked[id]++
	n := 1 + int(Seed(job.Seed, "test", int64(slot))%5)
	r := data.Rollout{ID: id, Group: job.Group, Slot: slot, Text: fmt.Sprint(n), Finish: data.FinishStop,
		VersionOldest: job.MinVersion, VersionNewest: job.MinVersion}
	for range n {
		r.CompletionIDs = append(r.CompletionIDs, int32(slot))
		r.Logprobs = append(r.Logprobs, -1)
	}
	if n == 5 && slot == 0 {
		r.Finish, r.Err = data.FinishError, "engine gave up"
	}
	return r
}

func asJSON(t testing.TB, batches []Batch) string {
	t.Helper()
	text, err := json.MarshalIndent(batches, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReplay: whatever the order of events and wherever the coordinator is
// killed, the batches are those of a quiet run, no group is lost, none is
// counted twice, and no stored sample is made again.
func TestReplay(t *testing.T) {
	for i := range 4 {
		cfg, staleness := testConfig(), i%2
		cfg.Recipe.MaxStaleness = staleness
		if i >= 2 {
			cfg.Recipe.Mix[1] = config.Mix{Kind: "refine", Weight: 1, K: 1, Source: "cache"}
		}
		quiet := newWorld(cfg, 0)
		quiet.run(t, quiet.start(t), 1<<20)
		if !quiet.done || len(quiet.batches) != cfg.Run.Steps {
			t.Fatalf("quiet run: done %v after %d batches, want %d", quiet.done, len(quiet.batches), cfg.Run.Steps)
		}
		want := asJSON(t, comparable(quiet.batches))
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(cfg, rapid.Uint64().Draw(rt, "order"))
			for !w.done {
				w.run(t, w.start(t), rapid.IntRange(1, 400).Draw(rt, "events until kill"))
			}
			if diff := cmp.Diff(want, asJSON(t, comparable(w.batches))); diff != "" {
				rt.Fatalf("source %s, max_staleness %d: batches differ:\n%s", cfg.Recipe.Mix[1].Source, staleness, diff)
			}
			checkOnce(rt, w)
		})
	}
}

// comparable leaves out what may depend on timing when staleness is allowed:
// which version answered.
func comparable(batches []Batch) []Batch {
	var out []Batch
	for _, b := range batches {
		copied := b
		copied.Groups, copied.Dropped = stripVersions(b.Groups), stripVersions(b.Dropped)
		out = append(out, copied)
	}
	return out
}

func stripVersions(groups []*data.Group) []*data.Group {
	var out []*data.Group
	for _, g := range groups {
		copied := *g
		copied.MinVersion = 0
		copied.Candidates = append([]data.Candidate(nil), g.Candidates...)
		for i := range copied.Candidates {
			copied.Candidates[i].Version = 0
		}
		copied.Members = append([]data.Member(nil), g.Members...)
		for i := range copied.Members {
			copied.Members[i].VersionOldest, copied.Members[i].VersionNewest = 0, 0
		}
		out = append(out, &copied)
	}
	return out
}

func checkOnce(t *rapid.T, w *world) {
	var next data.GroupID
	for _, b := range w.batches {
		closed := map[data.GroupID]bool{}
		for _, g := range append(append([]*data.Group{}, b.Groups...), b.Dropped...) {
			closed[g.Spec.Group] = true
		}
		for ; next < b.Next; next++ {
			if !closed[next] {
				t.Fatalf("batch %d: group %s is lost", b.Number, next)
			}
			delete(closed, next)
		}
		if len(closed) > 0 {
			t.Fatalf("batch %d closes groups twice: %v", b.Number, closed)
		}
	}
	for id, n := range w.asked {
		if n > 1 {
			t.Fatalf("sample %s was made %d times", id, n)
		}
	}
}

// TestRounds: the recipe's rounds are built from this problem's previous round.
func TestRounds(t *testing.T) {
	w := newWorld(testConfig(), 1)
	w.run(t, w.start(t), 1<<20)
	seen := map[int]int{}
	for id := data.GroupID(0); w.group(id) != nil; id++ {
		g := w.group(id)
		seen[g.Round]++
		for _, c := range g.Candidates {
			var parent data.GroupID
			if _, err := fmt.Sscanf(string(c.Rollout), "g%d/", &parent); err != nil {
				t.Fatal(err)
			}
			from := w.group(parent)
			if from.Problem != g.Problem || from.Round != g.Round-1 {
				t.Errorf("group %d, problem %s, round %d has a candidate of group %d, problem %s, round %d", id, g.Problem, g.Round, parent, from.Problem, from.Round)
			}
		}
		if distinct := len(unique(g.ParentIDs())); distinct != len(g.Candidates) {
			t.Errorf("group %d: %d distinct candidates of %d", id, distinct, len(g.Candidates))
		}
	}
	for round := range 3 {
		if seen[round] == 0 {
			t.Errorf("no group of round %d: %v", round, seen)
		}
	}
}

func unique(ids []data.RolloutID) map[data.RolloutID]bool {
	set := map[data.RolloutID]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// TestHopelessProblems: a recipe none of whose groups can train ends with a
// message, it does not sample for ever.
func TestHopelessProblems(t *testing.T) {
	cfg := testConfig()
	cfg.Recipe.MaxDrops = 2
	w := newWorld(cfg, 1)
	c := w.start(t)
	for range 10000 {
		if len(w.events) == 0 {
			break
		}
		e := w.events[0]
		w.events = w.events[1:]
		if j, ok := e.(Judged); ok {
			j.Verdict.Score = 1
			e = j
		}
		effects, err := c.Step(e)
		if err != nil {
			if want := "batch 0: 7 groups dropped (zero_variance 7)"; !contains(err.Error(), want) {
				t.Fatalf("error %q does not say %q", err, want)
			}
			return
		}
		for _, effect := range effects {
			w.do(effect)
		}
	}
	t.Fatal("the run went on without a word")
}

func contains(s, part string) bool { return len(s) >= len(part) && (s[:len(part)] == part) }
