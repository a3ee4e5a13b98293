package rsa

import (
	"container/heap"
	"context"
	"errors"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout"
)

// task is one rollout to ask for.
type task struct {
	Place
	stage   int              // of its problem: 2 t for round t, 2 t + 1 for verifying it
	parents []int            // indexes of the candidates, nil in round 0
	from    []*Record        // the population they are of, by index
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
	judged  []*Record // their verifications; nil while there are none
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
	verifier *rollout.Renderer // nil if nothing is verified
	grading  *reward.Pool
	graders  *reward.Set
	store    Store
	gate     *gate
	purse    *purse

	ready    taskHeap
	next     int // the problem started next
	active   map[int]*population
	inflight int
	results  chan result
	outcomes []Result // by problem
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
	if err := gradable(problems, o.Rater, graders); err != nil {
		return nil, err
	}
	shape := o.Shape(len(problems))
	r := &runner{
		Options: o, problems: problems, shape: shape, engines: engines, grading: reward.NewPool(graders, o.Graders, o.Deadline), graders: graders,
		store: store, gate: &gate{store: store, patience: max(32, o.N)}, purse: newPurse(o.Price, store),
		active: map[int]*population{}, results: make(chan result, o.Concurrency),
		outcomes: make([]Result, len(problems)),
		progress: Progress{Total: shape.Size(), Rounds: make([]int, o.T), Score: make([]float64, o.T), Scored: make([]int, o.T)},
	}
	if err := r.readTemplates(); err != nil {
		r.grading.Close()
		return nil, err
	}
	return r, nil
}

// gradable makes sure that every grader a run needs is there.
func gradable(problems []data.Problem, rater string, graders *reward.Set) error {
	for i := range problems {
		if _, err := graders.Get(problems[i].Grader); err != nil {
			return fmt.Errorf("problem %s: %w", problems[i].ID, err)
		}
	}
	if rater == "" {
		return nil
	}
	_, err := graders.Get(rater)
	return err
}

func (r *runner) readTemplates() (err error) {
	if r.renderer, err = rollout.NewRenderer(r.Prompt, r.engines); err != nil || !r.Verify {
		return err
	}
	r.verifier, err = rollout.NewVerifier(r.Prompt, r.engines)
	return err
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
				if !errors.Is(failed, ErrBudget) { // then the others are paid for
					cancel(failed) // the others end now, and what they stored stays
				}
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
	p.members, p.judged, p.missing = make([]*Record, r.N), nil, r.N
	for i := range r.N {
		t := task{Place: Place{Problem: problem, Round: p.round, Index: i}, stage: 2 * p.round, problem: &r.problems[problem]}
		if p.round > 0 {
			t.parents = candidateSet(r.Seed, r.problems[problem].ID, p.round, i, r.K, p.before)
			t.from, t.members = p.before, r.candidates(problem, p.round-1, p.before, t.parents)
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

// candidates are some rollouts of a problem's population of a round.
func (r *runner) candidates(problem, round int, population []*Record, which []int) []data.Candidate {
	out := make([]data.Candidate, len(which))
	for at, i := range which {
		m := population[i]
		out[at] = data.Candidate{
			Rollout: r.shape.ID(Place{Problem: problem, Round: round, Index: i}),
			Model:   m.Model, Version: -1, Text: m.Text, Score: m.Verdict.Score,
		}
	}
	return out
}

// finish takes a stored rollout into its population and, when the population is
// whole and verified, closes it.
func (r *runner) finish(done result) {
	r.note(done)
	p := r.active[done.Problem]
	if done.kind == data.Verify {
		p.judged[done.Index] = done.record
	} else {
		p.members[done.Index] = done.record
	}
	if p.missing--; p.missing > 0 {
		return
	}
	if r.Verify && p.judged == nil {
		p.judged = make([]*Record, r.N)
		p.missing = r.verifications(done.Problem, p)
		r.skip(r.N - p.missing)
	}
	if p.missing == 0 {
		r.close(done.Problem, p)
	}
}

// close measures a population and goes on to the next round, if there is one.
func (r *runner) close(problem int, p *population) {
	whole := pair(p.members, p.judged)
	measured := r.measure(problem, whole, p.before)
	out := &r.outcomes[problem]
	out.Rounds = append(out.Rounds, measured)
	if r.T == 1 {
		out.Curve = r.parts(problem, whole)
	} else {
		out.Curve = measured.after(out.Curve)
	}
	if p.round+1 < r.T && !(r.StopWhenAgreed && measured.Agreed == 1) {
		p.before = p.members
		p.round++
		r.push(problem, p)
		return
	}
	delete(r.active, problem)
	out.Asked = p.round + 1
	r.skip((r.T - out.Asked) * r.shape.Rounds / r.T * r.N)
	for range r.T - out.Asked {
		still := measured.unchanged()
		out.Rounds = append(out.Rounds, still)
		out.Curve = still.after(out.Curve)
	}
}

// skip takes rollouts out of what the run is going to ask for.
func (r *runner) skip(n int) {
	if r.progress.Total -= n; n > 0 {
		r.show()
	}
}

func (r *runner) show() {
	if r.Progress != nil {
		r.Progress(r.progress)
	}
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
	p.Cost += r.Price.Of(int64(done.record.promptTokens()), int64(done.record.tokens()))
	if done.kind != data.Verify {
		p.Rounds[done.Round]++
		if done.record.counts() {
			p.Scored[done.Round]++
			p.Score[done.Round] += done.record.Verdict.Score
		}
	}
	r.show()
}

// taskHeap gives the least advanced round first, then the earlier problem: a
// problem that fell behind is not the one all wait for at the end.
type taskHeap []task

func (h taskHeap) Len() int { return len(h) }
func (h taskHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.stage != b.stage:
		return a.stage < b.stage
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
