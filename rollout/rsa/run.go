package rsa

import (
	"container/heap"
	"context"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout"
)

// task is one rollout to ask for.
type task struct {
	Place
	parents []int            // indexes of the candidates, nil in round 0
	from    []*Record        // the round before, by index
	kind    data.Kind        // of the prompt
	problem *data.Problem    // what is asked
	members []data.Candidate // the candidates, in prompt order
}

// result is a task done: stored, or found stored.
type result struct {
	task
	record *Record
	found  bool // in the store, not asked now
	err    error
}

// population is one problem under way.
type population struct {
	round   int
	members []*Record // of this round, by index; nil where missing
	missing int
	before  []*Record // of the round before
}

// runner holds a run's state; everything in it but what ask uses belongs to the
// goroutine of Run.
type runner struct {
	Options
	problems []data.Problem
	shape    Shape
	engines  *Engines
	renderer *rollout.Renderer
	grading  *reward.Pool
	graders  *reward.Set
	store    Store
	gate     *gate

	ready    taskHeap
	next     int // the problem started next
	active   map[int]*population
	inflight int
	results  chan result
	tallies  [][]tally // by round and problem
	progress Progress
}

// Run asks for everything that store lacks and reports over all rounds. It
// returns once nothing is in flight; after an error or when ctx ends, what
// store holds is kept and the same call goes on from there. Errors wrap
// [ErrUnreachable], [ErrRefused], [ErrNothingWorks] or the cause of ctx's end.
func Run(ctx context.Context, o Options, problems []data.Problem, engines *Engines, graders *reward.Set, store Store) (Report, error) {
	r, err := newRunner(o, problems, engines, graders, store)
	if err != nil {
		return Report{}, err
	}
	defer r.grading.Close()
	if err := r.loop(ctx); err != nil {
		return Report{}, err
	}
	return r.report(), nil
}

func newRunner(o Options, problems []data.Problem, engines *Engines, graders *reward.Set, store Store) (*runner, error) {
	if err := o.Resolve(engines.Info().MaxModelLen); err != nil {
		return nil, err
	}
	if len(problems) == 0 {
		return nil, fmt.Errorf("no problems")
	}
	for i := range problems {
		if _, err := graders.Get(problems[i].Grader); err != nil {
			return nil, fmt.Errorf("problem %s: %w", problems[i].ID, err)
		}
	}
	renderer, err := rollout.NewRenderer(o.Prompt, engines)
	if err != nil {
		return nil, err
	}
	r := &runner{
		Options: o, problems: problems, shape: Shape{Problems: len(problems), Rounds: o.T, N: o.N},
		engines: engines, renderer: renderer, grading: reward.NewPool(graders, o.Graders, o.Deadline), graders: graders,
		store: store, gate: &gate{store: store, patience: max(32, o.N)},
		active: map[int]*population{}, results: make(chan result, o.Concurrency),
		tallies:  make([][]tally, o.T),
		progress: Progress{Total: len(problems) * o.N * o.T, Rounds: make([]int, o.T), Score: make([]float64, o.T), Scored: make([]int, o.T)},
	}
	for t := range r.tallies {
		r.tallies[t] = make([]tally, len(problems))
	}
	return r, nil
}

// loop keeps Concurrency tasks in flight until all are done or one fails.
func (r *runner) loop(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var failed error
	for {
		for failed == nil && ctx.Err() == nil && r.inflight < r.Concurrency && r.fill() {
			t := heap.Pop(&r.ready).(task)
			r.inflight++
			go func() { r.results <- r.work(ctx, t) }()
		}
		if r.inflight == 0 {
			break
		}
		done := <-r.results
		r.inflight--
		if done.err != nil {
			if failed == nil {
				failed = done.err
				cancel(done.err) // the others end now, and what they stored stays
			}
			continue
		}
		r.finish(done)
	}
	if failed != nil {
		return failed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.gate.finish()
}

// fill makes sure there is a ready task, starting the next problem if need be;
// false if there is none.
func (r *runner) fill() bool {
	if len(r.ready) == 0 && r.next < len(r.problems) {
		r.start(r.next)
		r.next++
	}
	return len(r.ready) > 0
}

func (r *runner) start(problem int) {
	p := &population{}
	r.active[problem] = p
	r.push(problem, p)
}

// push makes the N tasks of a population's round ready.
func (r *runner) push(problem int, p *population) {
	p.members, p.missing = make([]*Record, r.N), r.N
	for i := range r.N {
		t := task{Place: Place{Problem: problem, Round: p.round, Index: i}, problem: &r.problems[problem]}
		if p.round > 0 {
			t.parents = candidateSet(r.Seed, r.problems[problem].ID, p.round, i, r.K, p.before)
			t.from, t.members = p.before, r.candidates(problem, p, t.parents)
		}
		t.kind = data.KindOf(len(t.members))
		heap.Push(&r.ready, t)
	}
}

// candidateSet draws up to k of the completed rollouts of a population without
// replacement, in random order, independently for each index: Eq. 2 of the
// paper. A population without any gives an empty set: the prompt is direct.
func candidateSet(seed int64, problem data.ProblemID, round, index, k int, before []*Record) []int {
	var usable []int
	for i, r := range before {
		if r.completed() {
			usable = append(usable, i)
		}
	}
	rng := rollout.Rand(seed, "rsa candidates of "+string(problem), int64(round), int64(index))
	set := rollout.Choose(rng, len(usable), k)
	for at, i := range set {
		set[at] = usable[i]
	}
	return set
}

func (r *runner) candidates(problem int, p *population, parents []int) []data.Candidate {
	out := make([]data.Candidate, len(parents))
	for at, i := range parents {
		m := p.before[i]
		out[at] = data.Candidate{
			Rollout: r.shape.ID(Place{Problem: problem, Round: p.round - 1, Index: i}),
			Model:   m.Model, Version: -1, Text: m.Text, Score: m.Verdict.Score,
		}
	}
	return out
}

// finish takes a stored rollout into its population and, when the round is
// whole, goes on to the next.
func (r *runner) finish(done result) {
	r.note(done)
	p := r.active[done.Problem]
	p.members[done.Index] = done.record
	if p.missing--; p.missing > 0 {
		return
	}
	r.tallies[p.round][done.Problem] = r.tally(done.Problem, p)
	if p.round+1 == r.T {
		delete(r.active, done.Problem)
		return
	}
	p.before = p.members
	p.round++
	r.push(done.Problem, p)
}

func (r *runner) note(done result) {
	p := &r.progress
	if done.found {
		p.Stored++
	} else {
		p.Asked++
	}
	if !done.record.completed() {
		p.Failed++
	}
	p.Tokens += int64(done.record.tokens())
	p.Rounds[done.Round]++
	if done.record.counts() {
		p.Scored[done.Round]++
		p.Score[done.Round] += done.record.Verdict.Score
	}
	if r.Progress != nil {
		r.Progress(*p)
	}
}

// taskHeap gives the least advanced round first, then the earlier problem: a
// problem that fell behind is not the one all wait for at the end.
type taskHeap []task

func (h taskHeap) Len() int { return len(h) }
func (h taskHeap) Less(i, j int) bool {
	a, b := h[i].Place, h[j].Place
	switch {
	case a.Round != b.Round:
		return a.Round < b.Round
	case a.Problem != b.Problem:
		return a.Problem < b.Problem
	}
	return a.Index < b.Index
}
func (h taskHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *taskHeap) Push(x any)   { *h = append(*h, x.(task)) }
func (h *taskHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = task{} // frees the texts it holds
	*h = (*h)[:last]
	return t
}
