package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward/advantage"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// Reasons for which a group does not train.
const (
	DropZeroVariance = "zero_variance" // all rewards equal: no signal
	DropTooSmall     = "too_small"     // fewer than two samples count
	DropFailed       = "all_failed"    // no sample counts
	DropStale        = "stale"         // older than max_staleness
	DropTooLong      = "prompt_too_long"
)

// Coordinator is the state of a run: which groups are open, what they wait for,
// which batch is next. It is not safe for concurrent use; one goroutine owns it.
type Coordinator struct {
	cfg       *config.Config
	estimator advantage.Estimator
	planner   *Planner

	version int          // newest version workers can have; -1 before the first
	batch   int          // the batch assembled next
	next    data.GroupID // oldest group not closed
	tokens  int64        // completion tokens of closed groups
	done    bool

	open      map[data.GroupID]*openGroup
	early     map[data.GroupID][]data.Rollout // samples of groups not decided yet, after a resume
	earlier   map[data.GroupID]Population     // closed groups the planner may look at
	snapshots map[data.GroupID]json.RawMessage
	failed    map[data.GroupID]bool // counted drops of the batch being assembled
}

// openGroup is a group from decision to closing.
type openGroup struct {
	data.Group
	problem  *data.Problem
	arrived  []bool // by slot
	judged   int    // slots finished: judged, or failed without a completion
	rendered bool
}

func (g *openGroup) finished() bool { return g.Dropped != "" || g.judged == len(g.Members) }

// NewCoordinator starts, or with a ledger of earlier batches resumes, a run.
func NewCoordinator(cfg *config.Config, planner *Planner, estimator advantage.Estimator, l Ledger) (*Coordinator, error) {
	c := &Coordinator{
		cfg: cfg, estimator: estimator, planner: planner, version: -1,
		batch: l.Batches, next: l.Next, tokens: l.TotalTokens,
		open: map[data.GroupID]*openGroup{}, early: map[data.GroupID][]data.Rollout{},
		earlier: map[data.GroupID]Population{}, snapshots: map[data.GroupID]json.RawMessage{},
		failed: map[data.GroupID]bool{},
	}
	for _, p := range l.Earlier {
		c.earlier[p.Group] = p
	}
	if l.Planner != nil {
		if err := planner.Restore(l.Planner, l.Earlier); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Step takes one event and says what to do about it. An error means that the run
// cannot go on.
func (c *Coordinator) Step(e Event) ([]Effect, error) {
	var out []Effect
	switch e := e.(type) {
	case Advanced:
		c.version = max(c.version, e.Version)
	case Rendered:
		out = c.rendered(e)
	case Arrived:
		out = c.arrived(e.Rollout)
	case Judged:
		c.judged(e)
	default:
		panic(fmt.Sprintf("rollout: unknown event %T", e))
	}
	more, err := c.advance()
	return append(out, more...), err
}

func (c *Coordinator) rendered(e Rendered) []Effect {
	g := c.open[e.Group]
	if g == nil || g.rendered {
		return nil
	}
	g.rendered = true
	if e.Err != nil {
		c.drop(g, DropTooLong)
		return nil
	}
	g.PromptIDs, g.Cut = e.PromptIDs, e.Cut
	if g.finished() {
		return nil // a resumed run: every sample was stored before
	}
	return []Effect{Publish{c.job(g)}}
}

func (c *Coordinator) job(g *openGroup) data.Job {
	job := data.Job{
		Group: g.Spec.Group, Size: len(g.Members), PromptIDs: g.PromptIDs, MinVersion: g.MinVersion,
		Sampling: data.Sampling{Temperature: c.cfg.Sampling.Temperature, MaxTokens: c.cfg.Sampling.MaxTokens},
		// 31 bits: engines take seeds as signed 32 or 64 bit numbers and add the slot.
		Seed: int64(Seed(c.cfg.Run.Seed, "sample", int64(g.Spec.Group)) >> 33),
	}
	if c.cfg.Engine.Kind == "simulated" {
		job.Hint = hint(g)
	}
	return job
}

func hint(g *openGroup) *data.Hint {
	h := &data.Hint{Gold: g.problem.Gold}
	for _, c := range g.Candidates {
		h.Candidates = append(h.Candidates, c.Score)
		h.Answers = append(h.Answers, c.Text)
	}
	return h
}

func (c *Coordinator) arrived(r data.Rollout) []Effect {
	if r.Group < c.next {
		return nil // closed: a late duplicate
	}
	g := c.open[r.Group]
	if g == nil {
		c.early[r.Group] = append(c.early[r.Group], r)
		return nil
	}
	return c.accept(g, r)
}

func (c *Coordinator) accept(g *openGroup, r data.Rollout) []Effect {
	if r.Slot < 0 || r.Slot >= len(g.Members) || g.arrived[r.Slot] || g.Dropped != "" {
		return nil
	}
	g.arrived[r.Slot] = true
	g.Members[r.Slot].Rollout = r
	if r.Finish == data.FinishError {
		g.Members[r.Slot].Verdict = data.Verdict{Status: data.Error, Reason: r.Err}
		c.finishSlot(g)
		return nil
	}
	return []Effect{Judge{Rollout: r, Problem: g.problem}}
}

func (c *Coordinator) judged(e Judged) {
	g := c.open[e.Group]
	if g == nil || g.Dropped != "" {
		return
	}
	m := &g.Members[e.Slot]
	if m.Verdict.Status != "" || m.ID != e.Rollout {
		return
	}
	m.Verdict = e.Verdict
	if m.Counts = e.Verdict.Status.Counts(); m.Counts {
		m.Reward, m.Weight = e.Verdict.Score, 1
	}
	c.finishSlot(g)
}

// finishSlot counts a slot and, with the last one, decides whether the group can
// train at all.
func (c *Coordinator) finishSlot(g *openGroup) {
	if g.judged++; g.judged < len(g.Members) {
		return
	}
	rewards := countedRewards(&g.Group)
	switch {
	case len(rewards) == 0:
		c.drop(g, DropFailed)
	case len(rewards) < 2:
		c.drop(g, DropTooSmall)
	case c.cfg.Recipe.DropZeroVariance && advantage.ZeroVariance(rewards):
		c.drop(g, DropZeroVariance)
	}
}

func (c *Coordinator) drop(g *openGroup, reason string) {
	g.Dropped = reason
	c.failed[g.Spec.Group] = true
}

// advance writes what is complete and decides what can be decided.
func (c *Coordinator) advance() ([]Effect, error) {
	var out []Effect
	for !c.done {
		if why := c.over(); why != "" {
			c.done = true
			return append(out, Finish{Batches: c.batch, Why: why}), nil
		}
		if err := c.checkDrops(); err != nil {
			return out, err
		}
		write, ok := c.assemble()
		if !ok {
			return append(out, c.admit()...), nil
		}
		out = append(out, write)
	}
	return out, nil
}

// over says why the run has all its batches, "" while it has not.
func (c *Coordinator) over() string {
	if c.batch >= c.cfg.Run.Steps {
		return fmt.Sprintf("run.steps = %d reached", c.cfg.Run.Steps)
	}
	if limit := c.cfg.Run.Tokens; limit > 0 && c.tokens >= limit {
		return fmt.Sprintf("run.tokens = %d reached", limit)
	}
	return ""
}

// checkDrops fails a run that would sample for ever without ever filling a batch.
func (c *Coordinator) checkDrops() error {
	limit := c.cfg.Recipe.MaxDrops * c.cfg.Recipe.GroupsPerBatch
	if limit == 0 || len(c.failed) <= limit {
		return nil
	}
	reasons := map[string]int{}
	for _, g := range c.open {
		if g.Dropped != "" {
			reasons[g.Dropped]++
		}
	}
	return fmt.Errorf("batch %d: %d groups dropped (%s) before %d could be kept (recipe.max_drops): %s",
		c.batch, len(c.failed), describeCounts(reasons), c.cfg.Recipe.GroupsPerBatch, advice(reasons))
}

// advice says what the commonest reason usually means.
func advice(reasons map[string]int) string {
	most := ""
	for _, reason := range []string{DropZeroVariance, DropTooLong, DropFailed, DropTooSmall, DropStale} {
		if reasons[reason] > reasons[most] {
			most = reason
		}
	}
	switch most {
	case DropTooLong:
		return "raise prompt.max_tokens, or leave out the longest problems"
	case DropFailed, DropTooSmall:
		return "the engine fails these samples, or they cannot be graded: see the workers' logs and `ropewalk explain`"
	case DropStale:
		return "workers answer with weights that are too old: see their logs"
	}
	return "all answers to a prompt score alike: problems too easy or too hard for this model, or a grader that never says yes; see `ropewalk explain`"
}

func describeCounts(counts map[string]int) string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	sort.Strings(names)
	text := ""
	for i, name := range names {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %d", name, counts[name])
	}
	return text
}

// assemble closes the next batch if the groups for it are finished, in group
// order.
func (c *Coordinator) assemble() (Write, bool) {
	b := Batch{Number: c.batch}
	g := c.next
	for ; len(b.Groups) < c.cfg.Recipe.GroupsPerBatch; g++ {
		group := c.open[g]
		if group == nil || !group.finished() || !group.rendered {
			return Write{}, false
		}
		if group.Dropped == "" && c.stale(&group.Group) {
			c.drop(group, DropStale)
		}
		if group.Dropped == "" {
			b.Groups = append(b.Groups, &group.Group)
		} else {
			b.Dropped = append(b.Dropped, &group.Group)
		}
	}
	c.estimate(b.Groups)
	c.close(g)
	b.Next, b.Planner, b.TotalTokens = g, c.plannerAt(g), c.tokens
	c.batch++
	return Write{b}, true
}

func (c *Coordinator) stale(g *data.Group) bool {
	for _, m := range g.Members {
		if m.Counts && m.VersionOldest < c.batch-c.cfg.Recipe.MaxStaleness {
			return true
		}
	}
	return false
}

// estimate writes the advantages of the members that count.
func (c *Coordinator) estimate(groups []*data.Group) {
	rewards := make([][]float64, len(groups))
	for i, g := range groups {
		rewards[i] = countedRewards(g)
	}
	for i, advantages := range c.estimator.Estimate(rewards) {
		n := 0
		for j := range groups[i].Members {
			if m := &groups[i].Members[j]; m.Counts {
				m.Advantage = advantages[n]
				n++
			}
		}
	}
}

func countedRewards(g *data.Group) []float64 {
	var rewards []float64
	for _, m := range g.Members {
		if m.Counts {
			rewards = append(rewards, m.Reward)
		}
	}
	return rewards
}

// close retires the groups below next, keeping their populations for as long as
// the planner may ask.
func (c *Coordinator) close(next data.GroupID) {
	for g := c.next; g < next; g++ {
		group := c.open[g]
		for _, m := range group.Members {
			c.tokens += int64(len(m.CompletionIDs))
		}
		c.earlier[g] = PopulationOf(&group.Group)
		delete(c.open, g)
		delete(c.failed, g)
		delete(c.snapshots, g)
	}
	c.next = next
	keep := c.planner.oldestNeeded()
	for g := range c.earlier {
		if g < keep {
			delete(c.earlier, g)
		}
	}
}

// plannerAt is the planner's state as it was before it decided group g.
func (c *Coordinator) plannerAt(g data.GroupID) json.RawMessage {
	if s, ok := c.snapshots[g]; ok {
		return s
	}
	return c.planner.Snapshot()
}

// PopulationOf is what later prompts may draw on.
func PopulationOf(g *data.Group) Population {
	p := Population{Group: g.Spec.Group, Problem: g.Problem, Round: g.Round, Source: g.Source, K: len(g.Candidates)}
	for _, m := range g.Members {
		if m.Counts {
			p.Candidates = append(p.Candidates, data.Candidate{
				Rollout: m.ID, Model: m.Model, Version: m.VersionOldest, Text: m.Text, Score: m.Reward,
			})
		}
	}
	return p
}

// admit decides groups while the staleness bound has room for them: a group for
// batch b may start once version b - max_staleness exists, so none can turn
// stale by waiting.
func (c *Coordinator) admit() []Effect {
	var out []Effect
	for {
		target := c.batch + c.alive()/c.cfg.Recipe.GroupsPerBatch
		oldest := target - c.cfg.Recipe.MaxStaleness
		if target >= c.cfg.Run.Steps || c.version < max(0, oldest) || target > c.batch+c.cfg.Recipe.MaxStaleness {
			return out
		}
		before := c.planner.Snapshot()
		spec, _, ok := c.planner.Next(c.population)
		if !ok {
			return out
		}
		spec.MinVersion = max(0, oldest)
		c.snapshots[spec.Group] = before
		out = append(out, c.start(spec)...)
	}
}

// alive counts the open groups that may still train.
func (c *Coordinator) alive() int { return len(c.open) - len(c.failed) }

func (c *Coordinator) start(spec data.Spec) []Effect {
	problem := c.planner.Problem(spec.Problem)
	g := &openGroup{problem: problem, arrived: make([]bool, c.cfg.Recipe.GroupSize)}
	g.Group = data.Group{
		Spec: spec, Dataset: problem.Dataset, Temperature: c.cfg.Sampling.Temperature,
		Members: make([]data.Member, c.cfg.Recipe.GroupSize),
	}
	for slot := range g.Members {
		g.Members[slot].Rollout = data.Rollout{ID: data.NewRolloutID(spec.Group, slot), Group: spec.Group, Slot: slot}
	}
	c.open[spec.Group] = g
	out := []Effect{Render{Spec: spec, Problem: problem}}
	for _, r := range c.early[spec.Group] {
		out = append(out, c.accept(g, r)...)
	}
	delete(c.early, spec.Group)
	return out
}

// population answers the planner.
func (c *Coordinator) population(g data.GroupID) (Population, bool) {
	if p, ok := c.earlier[g]; ok {
		return p, true
	}
	if group := c.open[g]; group != nil && group.finished() {
		return PopulationOf(&group.Group), true
	}
	return Population{}, false
}

// Waiting describes in words what the coordinator waits for, for the status line
// and for stalls.
func (c *Coordinator) Waiting() string {
	if c.done {
		return "nothing: all batches are written"
	}
	if len(c.open) == 0 {
		return fmt.Sprintf("the trainer, for version %d", max(0, c.batch-c.cfg.Recipe.MaxStaleness))
	}
	missing, unrendered, unjudged := 0, 0, 0
	for _, g := range c.open {
		if g.finished() {
			continue
		}
		if !g.rendered {
			unrendered++
		}
		for slot := range g.Members {
			if !g.arrived[slot] {
				missing++
			} else if g.Members[slot].Verdict.Status == "" {
				unjudged++
			}
		}
	}
	switch {
	case unrendered > 0:
		return fmt.Sprintf("a worker to tokenise %d prompts", unrendered)
	case missing > 0:
		return fmt.Sprintf("workers, for %d samples of batch %d", missing, c.batch)
	case unjudged > 0:
		return fmt.Sprintf("graders, for %d verdicts of batch %d", unjudged, c.batch)
	}
	return fmt.Sprintf("the trainer, for version %d", c.batch-c.cfg.Recipe.MaxStaleness)
}

// Open reports whether a group is still open: its samples in the queue are needed.
func (c *Coordinator) Open(g data.GroupID) bool { return g >= c.next }

// errTooLong lets the shell tell a prompt that cannot fit from one that could not
// be rendered now.
func IsTooLong(err error) bool { return errors.Is(err, ErrTooLong) }
