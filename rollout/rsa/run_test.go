package rsa

import (
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// byProblem indexes what a run stored by names that do not depend on the order
// of the problems.
func byProblem(m *memory) map[string]Record {
	out := map[string]Record{}
	for p, r := range m.have {
		c := *r
		c.Place, c.Err = Place{}, "" // an error names the request, by its number
		out[fmt.Sprintf("%s round %d index %d", r.ProblemID, p.Round, p.Index)] = c
	}
	return out
}

// TestOutcomeDoesNotDependOnOrder: neither how many requests are in flight, nor
// which comes back first, nor the order of the problems changes any rollout.
func TestOutcomeDoesNotDependOnOrder(t *testing.T) {
	problems := someProblems(12)
	run := func(problems []data.Problem, concurrency int, latency time.Duration) (*memory, Report) {
		o, s := someOptions(5, 2, 3), newMemory()
		o.Concurrency = concurrency
		e := connect(t, Patience{}, simulate(t, config.Simulated{Tail: 0.8, Latency: latency, FailRate: 0.05}))
		return s, mustRun(t, o, problems, e, s)
	}
	want, report := run(problems, 1, 0)
	shuffled := slices.Clone(problems)
	slices.Reverse(shuffled)
	for _, other := range []struct {
		name        string
		problems    []data.Problem
		concurrency int
		latency     time.Duration
	}{{"64 in flight", problems, 64, 100 * time.Microsecond}, {"problems reversed", shuffled, 7, 0}} {
		got, again := run(other.problems, other.concurrency, other.latency)
		if diff := cmp.Diff(byProblem(want), byProblem(got)); diff != "" {
			t.Errorf("%s (-one by one +%s):\n%s", other.name, other.name, diff[:min(len(diff), 2000)])
		}
		if other.name == "64 in flight" {
			if diff := cmp.Diff(asJSON(t, report), asJSON(t, again)); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		}
	}
}

func asJSON(t *testing.T, r Report) string {
	t.Helper()
	raw, err := json.MarshalIndent([]any{r, r.Results}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestSeedChangesEverything: another seed is another run.
func TestSeedChangesEverything(t *testing.T) {
	a, b := newMemory(), newMemory()
	o := someOptions(6, 3, 2)
	e := connect(t, Patience{}, simulate(t, config.Simulated{}))
	mustRun(t, o, someProblems(5), e, a)
	o.Seed++
	mustRun(t, o, someProblems(5), e, b)
	same, sets := 0, 0
	for p, r := range a.have {
		if r.Text == b.have[p].Text {
			same++
		}
		if p.Round > 0 && slices.Equal(r.Parents, b.have[p].Parents) {
			sets++
		}
	}
	if same > 5 || sets > 5 {
		t.Errorf("%d of 60 texts and %d of 30 candidate sets are those of the other seed", same, sets)
	}
}

// TestLeastAdvancedFirst: tasks come by round, then by problem and index.
func TestLeastAdvancedFirst(t *testing.T) {
	var h taskHeap
	var want []Place
	for round := range 3 {
		for problem := range 4 {
			for index := range 2 {
				want = append(want, Place{problem, round, index})
			}
		}
	}
	for _, at := range rand.New(rand.NewPCG(1, 1)).Perm(len(want)) {
		heap.Push(&h, task{Place: want[at], stage: 2 * want[at].Round})
	}
	for _, place := range want {
		if got := heap.Pop(&h).(task).Place; got != place {
			t.Fatalf("%v came where %v is due", got, place)
		}
	}
}

// TestConcurrencyIsReachedAndKept counts requests in flight.
func TestConcurrencyIsReachedAndKept(t *testing.T) {
	var now, most atomic.Int64
	counting := &counted{Engine: simulate(t, config.Simulated{Latency: 200 * time.Microsecond}), now: &now, most: &most}
	o := someOptions(8, 4, 3)
	o.Concurrency = 10
	mustRun(t, o, someProblems(6), connect(t, Patience{}, counting), newMemory())
	if most.Load() != 10 {
		t.Errorf("%d requests in flight at most, want 10", most.Load())
	}
}

type counted struct {
	engine.Engine
	now, most *atomic.Int64
}

func (c *counted) Generate(ctx context.Context, r engine.Request, got func(engine.Sample)) error {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for old := c.most.Load(); n > old && !c.most.CompareAndSwap(old, n); old = c.most.Load() {
	}
	return c.Engine.Generate(ctx, r, got)
}

// TestPromptsHoldTheirOwnCandidates looks at the prompts as the engine gets them:
// K attempts each, whose texts are those of the named parents.
func TestPromptsHoldTheirOwnCandidates(t *testing.T) {
	var mu sync.Mutex
	prompts := map[string]string{}
	sim := simulate(t, config.Simulated{})
	spy := &moody{Engine: sim, mood: func(_ int64, r engine.Request) error {
		mu.Lock()
		defer mu.Unlock()
		var b strings.Builder
		for _, id := range r.PromptIDs {
			b.WriteByte(byte(id))
		}
		prompts[r.ID] = b.String()
		return nil
	}}
	o, s := someOptions(6, 3, 3), newMemory()
	problems := someProblems(3)
	mustRun(t, o, problems, connect(t, Patience{}, spy), s)
	shape := Shape{3, 3, 6}
	for p, r := range s.have {
		text := prompts[string(shape.ID(p))]
		if !strings.Contains(text, problems[p.Problem].Question) {
			t.Fatalf("%v: the prompt lacks the question:\n%s", p, text)
		}
		if p.Round == 0 {
			continue
		}
		if len(r.Parents) != o.K {
			t.Fatalf("%v has %d parents, want %d", p, len(r.Parents), o.K)
		}
		at := 0
		for _, i := range r.Parents {
			parent := s.have[Place{p.Problem, p.Round - 1, i}].Text
			next := strings.Index(text[at:], parent)
			if next < 0 {
				t.Fatalf("%v: candidate %d does not stand in the prompt, in order:\n%s", p, i, text)
			}
			at += next + len(parent)
		}
	}
}

// TestFailuresLeaveTheMeans: a sample that failed and one that cannot be graded
// are counted and in no mean.
func TestFailuresLeaveTheMeans(t *testing.T) {
	problems := someProblems(300)
	for i := range problems {
		if i%10 == 0 {
			problems[i].Grader, problems[i].Gold = "number", "not a number"
		}
	}
	o, s := someOptions(5, 2, 2), newMemory()
	e := connect(t, Patience{}, simulate(t, config.Simulated{Accuracy: []float64{0.5, 0.5, 0.5}, FailRate: 0.2}))
	r := mustRun(t, o, problems, e, s)
	round := r.Rounds[0]
	within(t, "failed", Number(float64(round.Failed)/1500), 0.2, 0.16, 1500)
	within(t, "mean", round.Mean, 0.5, 0.25, 270)
	if want := 150 - failedOf(s, problems, 0); round.Ungraded != want {
		t.Errorf("%d ungraded, want the %d completed ones of 30 problems without a usable gold", round.Ungraded, want)
	}
	if round.Problems > 270 || round.Problems < 268 {
		t.Errorf("%d problems in the means, want 270 (less those whose five samples all failed)", round.Problems)
	}
	if round.Counted+round.Failed+round.Ungraded != round.Rollouts {
		t.Errorf("%d graded, %d failed and %d ungraded do not make %d rollouts", round.Counted, round.Failed, round.Ungraded, round.Rollouts)
	}
	if r.Complete() {
		t.Error("the report calls itself complete")
	}
	for p, record := range s.have {
		for _, i := range record.Parents {
			if !s.have[Place{p.Problem, 0, i}].completed() {
				t.Fatalf("%v was shown a candidate that failed", p)
			}
		}
	}
}

// failedOf counts failed rollouts of round 0 among the ungradable problems.
func failedOf(s *memory, problems []data.Problem, round int) (n int) {
	for p, r := range s.have {
		if p.Round == round && problems[p.Problem].Grader == "number" && !r.completed() {
			n++
		}
	}
	return n
}

// TestAnEngineThatOnlyFails ends the run and stores nothing, so that a mended
// engine is asked again.
func TestAnEngineThatOnlyFails(t *testing.T) {
	for _, problems := range []int{1, 50} { // fewer samples than patience, and more
		s := newMemory()
		m := &moody{Engine: simulate(t, config.Simulated{FailRate: 1}), mood: func(int64, engine.Request) error { return nil }}
		o := someOptions(4, 2, 2)
		_, err := Run(context.Background(), o, someProblems(problems), connect(t, Patience{}, m), reward.Default(), s)
		if asked := m.asked.Load(); asked > int64(32+o.Concurrency) {
			t.Errorf("%d samples were asked for before it ended", asked)
		}
		if !errors.Is(err, ErrNothingWorks) || len(s.have) > 0 {
			t.Errorf("%d problems: error %v and %d stored, want ErrNothingWorks and none", problems, err, len(s.have))
		}
	}
}

// TestPromptsOverBudget: a question that does not fit fails its own samples only.
func TestPromptsOverBudget(t *testing.T) {
	problems := someProblems(3)
	problems[0].Question = strings.Repeat("long ", 500)
	o, s := someOptions(40, 2, 1), newMemory()
	o.Prompt.MaxTokens = 1000
	r := mustRun(t, o, problems, connect(t, Patience{}, simulate(t, config.Simulated{})), s)
	if r.Totals.Failed != 40 || r.Rounds[0].Problems != 2 {
		t.Errorf("%d failed and %d problems in the means, want 40 and 2", r.Totals.Failed, r.Rounds[0].Problems)
	}
}

// TestCutCandidatesAreCounted: where candidates are cut to fit, the report says so.
func TestCutCandidatesAreCounted(t *testing.T) {
	o := someOptions(4, 4, 2)
	o.Prompt.MaxTokens = 1000
	e := connect(t, Patience{}, simulate(t, config.Simulated{Tokens: 190, Tail: 0.01}))
	r := mustRun(t, o, someProblems(2), e, newMemory())
	if r.Rounds[0].Cut != 0 || r.Rounds[1].Cut != 8 {
		t.Errorf("%d and %d prompts cut, want none and 8", r.Rounds[0].Cut, r.Rounds[1].Cut)
	}
	if r.Rounds[1].MeanPrompt > 1000 {
		t.Errorf("prompts have %.0f tokens on average, 1000 are allowed", float64(r.Rounds[1].MeanPrompt))
	}
}

func TestTruncationRate(t *testing.T) {
	o := someOptions(10, 1, 1)
	o.Sampling.MaxTokens = 5
	r := mustRun(t, o, someProblems(4), connect(t, Patience{}, simulate(t, config.Simulated{Tokens: 60})), newMemory())
	if r.Rounds[0].Truncated != 1 || r.Rounds[0].MeanTokens != 5 || r.Rounds[0].Mean != 0 {
		t.Errorf("truncated %v, tokens %v, mean %v; want all, 5 and 0", r.Rounds[0].Truncated, r.Rounds[0].MeanTokens, r.Rounds[0].Mean)
	}
}

// TestDatasetsApart: each dataset has its own rounds beside the whole.
func TestDatasetsApart(t *testing.T) {
	problems := someProblems(60)
	for i := range 20 {
		problems[i].Dataset = "others"
	}
	r := mustRun(t, someOptions(4, 2, 2), problems, connect(t, Patience{}, simulate(t, config.Simulated{})), newMemory())
	if !slices.Equal(r.Datasets, []string{"others", "sums"}) || r.ByDataset["others"].Problems != 20 {
		t.Fatalf("datasets %v, parts %+v", r.Datasets, r.ByDataset)
	}
	for i, round := range r.Rounds {
		parts := (20*r.ByDataset["others"].Rounds[i].Mean + 40*r.ByDataset["sums"].Rounds[i].Mean) / 60
		if math.Abs(float64(parts-round.Mean)) > 1e-9 {
			t.Errorf("round %d: parts average to %v, the whole is %v", i, parts, round.Mean)
		}
	}
}

// TestStopping: the end of the context ends the run soon, and what was stored
// stays and is not asked again.
func TestStopping(t *testing.T) {
	s := newMemory()
	o, problems := someOptions(8, 3, 3), someProblems(10)
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(p Progress) {
		if p.Asked == 60 {
			cancel()
		}
	}
	slow := simulate(t, config.Simulated{Latency: 100 * time.Microsecond})
	if _, err := Run(ctx, o, problems, connect(t, Patience{}, slow), reward.Default(), s); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	kept := len(s.have)
	if kept < 60 || kept >= 240 {
		t.Fatalf("%d rollouts stored", kept)
	}
	var last Progress
	o.Progress = func(p Progress) { last = p }
	mustRun(t, o, problems, connect(t, Patience{}, slow), s)
	if last.Stored != kept || last.Asked != 240-kept || last.Total != 240 {
		t.Errorf("%d found and %d asked of %d; %d were stored", last.Stored, last.Asked, last.Total, kept)
	}
}

func TestImpossibleOptions(t *testing.T) {
	e := connect(t, Patience{}, simulate(t, config.Simulated{}))
	for name, change := range map[string]func(*Options){
		"n": func(o *Options) { o.N = 0 }, "k": func(o *Options) { o.K = 9 }, "k 0": func(o *Options) { o.K = 0 },
		"t": func(o *Options) { o.T = 0 }, "temperature": func(o *Options) { o.Sampling.Temperature = math.NaN() },
		"max tokens": func(o *Options) { o.Sampling.MaxTokens = 40000 }, "prompt": func(o *Options) { o.Prompt.MaxTokens = 32700 },
		"format": func(o *Options) { o.Prompt.Format = "html" }, "answer": func(o *Options) { o.Prompt.Answer = "song" },
	} {
		o := someOptions(8, 3, 3)
		change(&o)
		if _, err := Run(context.Background(), o, someProblems(1), e, reward.Default(), newMemory()); err == nil {
			t.Errorf("%s: an impossible option was accepted", name)
		}
	}
	problems := someProblems(1)
	problems[0].Grader = "nobody"
	if _, err := Run(context.Background(), someOptions(2, 1, 1), problems, e, reward.Default(), newMemory()); err == nil || !strings.Contains(err.Error(), "sums/0") {
		t.Errorf("an unknown grader gave %v, want an error that names the problem", err)
	}
}
