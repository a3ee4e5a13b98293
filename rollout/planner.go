package rollout

import (
	"encoding/json"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// Population is what an earlier group left for later prompts to draw on.
type Population struct {
	Group      data.GroupID
	Problem    data.ProblemID
	Round      int
	Source     string           // of the candidates in its prompt; "" for direct
	K          int              // how many
	Candidates []data.Candidate // its members that count, by slot
}

// history answers with the population of an earlier group; ok is false while
// the group is not finished.
type history func(data.GroupID) (p Population, ok bool)

// Planner decides groups one after another: a pure function of configuration,
// seed and the populations of groups at least lag behind. It waits for those and
// looks at no later ones, so it decides the same on every replay, however the
// groups' completions interleave.
type Planner struct {
	seed     int64
	mix      []config.Mix
	lag      data.GroupID
	problems []data.Problem
	byID     map[data.ProblemID]int
	order    *order
	pool     map[data.ProblemID][]data.Candidate
	cacheCap int
	cache    map[data.ProblemID][]data.Candidate
	state    plannerState
}

// plannerState is what changes from group to group, small enough to stand in
// every manifest.
type plannerState struct {
	Next    data.GroupID `json:"next"`    // the group decided next
	Visited int64        `json:"visited"` // problems taken from the order
	Drawn   []int64      `json:"drawn"`   // groups given to each mix entry
	// Waiting[m][r] are the groups of round r on which mix entry m (source policy)
	// may build round r+1, oldest first; Built[m][r] counts those it built on.
	Waiting [][][]data.GroupID `json:"waiting"`
	Built   [][]int64          `json:"built"`
}

// NewPlanner makes a planner at group 0. It fails if a problem lacks candidates
// in the pool that the recipe draws on.
func NewPlanner(c *config.Config, problems []data.Problem, pool map[data.ProblemID][]data.Candidate) (*Planner, error) {
	if len(problems) == 0 {
		return nil, fmt.Errorf("no problems to train on")
	}
	p := &Planner{
		seed: c.Run.Seed, mix: c.Recipe.Mix,
		lag:      data.GroupID(c.Recipe.GroupsPerBatch * (c.Recipe.MaxStaleness + 1)),
		problems: problems, byID: make(map[data.ProblemID]int, len(problems)),
		order: newOrder(c.Run.Seed, len(problems)), pool: pool,
		cacheCap: c.Recipe.CacheSize, cache: map[data.ProblemID][]data.Candidate{},
		state: newPlannerState(c.Recipe.Mix),
	}
	for i, problem := range problems {
		if _, twice := p.byID[problem.ID]; twice {
			return nil, fmt.Errorf("problem id %s occurs twice in the datasets", problem.ID)
		}
		p.byID[problem.ID] = i
	}
	return p, p.checkPool()
}

func newPlannerState(mix []config.Mix) plannerState {
	s := plannerState{Drawn: make([]int64, len(mix)), Waiting: make([][][]data.GroupID, len(mix)), Built: make([][]int64, len(mix))}
	for i, m := range mix {
		if m.Source == "policy" {
			s.Waiting[i], s.Built[i] = make([][]data.GroupID, m.Rounds), make([]int64, m.Rounds)
		}
	}
	return s
}

func (p *Planner) checkPool() error {
	for _, m := range p.mix {
		if m.Source != "pool" {
			continue
		}
		for _, problem := range p.problems {
			if have := len(p.pool[problem.ID]); have < mixK(m) {
				return fmt.Errorf("the pool has %d candidates for problem %s, the recipe's %s prompts need %d: sample more with `ropewalk sample`",
					have, problem.ID, m.Kind, mixK(m))
			}
		}
	}
	return nil
}

// mixK is how many candidates a prompt of this entry holds.
func mixK(m config.Mix) int {
	switch data.Kind(m.Kind) {
	case data.Direct:
		return 0
	case data.Refine:
		return 1
	}
	return m.K
}

// Problem looks up a problem by id.
func (p *Planner) Problem(id data.ProblemID) *data.Problem { return &p.problems[p.byID[id]] }

// Next decides the next group. ok is false while the history it may look at is
// not complete: waitsFor is then the group to finish first.
func (p *Planner) Next(past history) (s data.Spec, waitsFor data.GroupID, ok bool) {
	s.Group = p.state.Next
	if p.looksBack() && s.Group >= p.lag {
		old := s.Group - p.lag
		population, done := past(old)
		if !done {
			return s, old, false
		}
		p.fold(population)
	}
	p.fill(&s, p.drawMix(), past)
	p.state.Next++
	return s, 0, true
}

// looksBack reports whether any source draws on earlier groups.
func (p *Planner) looksBack() bool {
	for _, m := range p.mix {
		if m.Source == "policy" || m.Source == "cache" {
			return true
		}
	}
	return false
}

// drawMix gives the entry furthest behind its share. Unlike a random draw it
// keeps every batch close to the recipe's proportions.
func (p *Planner) drawMix() int {
	var total float64
	for _, m := range p.mix {
		total += m.Weight
	}
	best, bestDeficit := 0, -1.0
	n := float64(p.state.Next + 1)
	for i, m := range p.mix {
		deficit := n*m.Weight/total - float64(p.state.Drawn[i])
		if deficit > bestDeficit+1e-9 {
			best, bestDeficit = i, deficit
		}
	}
	p.state.Drawn[best]++
	return best
}

// fill chooses problem and candidates. A source with nothing to offer yet falls
// back to a direct prompt, which is what fills it.
func (p *Planner) fill(s *data.Spec, mix int, past history) {
	m := p.mix[mix]
	if m.Source == "policy" {
		if parent, ok := p.takeParent(mix); ok {
			population, _ := past(parent)
			p.setCandidates(s, population.Problem, population.Round+1, m, population.Candidates)
			return
		}
		p.setDirect(s)
		return
	}
	p.setDirect(s)
	switch m.Source {
	case "pool":
		p.setCandidates(s, s.Problem, 1, m, p.pool[s.Problem])
	case "cache":
		if kept := p.cache[s.Problem]; len(kept) >= mixK(m) {
			p.setCandidates(s, s.Problem, 1, m, kept)
		}
	}
}

func (p *Planner) setDirect(s *data.Spec) {
	s.Kind = data.Direct
	s.Problem = p.problems[p.order.at(p.state.Visited)].ID
	p.state.Visited++
}

// setCandidates draws K without replacement by (seed, problem, round, group).
func (p *Planner) setCandidates(s *data.Spec, problem data.ProblemID, round int, m config.Mix, from []data.Candidate) {
	r := Rand(p.seed, "candidates", textID(string(problem)), int64(round), int64(s.Group))
	s.Problem, s.Round, s.Source = problem, round, m.Source
	s.Candidates = nil
	for _, i := range Choose(r, len(from), mixK(m)) {
		s.Candidates = append(s.Candidates, from[i])
	}
	s.Kind = data.KindOf(len(s.Candidates))
}

// takeParent takes the oldest group of the round built on least so far, so that
// all rounds are trained alike.
func (p *Planner) takeParent(mix int) (data.GroupID, bool) {
	best := -1
	for round, groups := range p.state.Waiting[mix] {
		if len(groups) > 0 && (best < 0 || p.state.Built[mix][round] < p.state.Built[mix][best]) {
			best = round
		}
	}
	if best < 0 {
		return 0, false
	}
	groups := p.state.Waiting[mix][best]
	p.state.Waiting[mix][best] = groups[1:]
	p.state.Built[mix][best]++
	return groups[0], true
}

// fold lets later groups draw on a finished one.
func (p *Planner) fold(pop Population) {
	for i, m := range p.mix {
		if m.Source == "policy" && feeds(pop, m) {
			groups := append(p.state.Waiting[i][pop.Round], pop.Group)
			// More groups than are built on: keep the freshest.
			p.state.Waiting[i][pop.Round] = groups[max(0, len(groups)-int(p.lag)):]
		}
	}
	if p.cacheCap > 0 {
		kept := append(p.cache[pop.Problem], pop.Candidates...)
		p.cache[pop.Problem] = kept[max(0, len(kept)-p.cacheCap):]
	}
}

// feeds reports whether an entry may build on a population: direct answers, or
// rounds of its own below the last; enough of them; and, if the entry asks, some
// right and some wrong.
func feeds(pop Population, m config.Mix) bool {
	own := pop.Source == m.Source && pop.K == mixK(m)
	if pop.Round > 0 && (!own || pop.Round >= m.Rounds) || len(pop.Candidates) < mixK(m) {
		return false
	}
	if !m.Mixed {
		return true
	}
	low, high := pop.Candidates[0].Score, pop.Candidates[0].Score
	for _, c := range pop.Candidates {
		low, high = min(low, c.Score), max(high, c.Score)
	}
	return low < high
}

// Snapshot is the planner's state, for a manifest.
func (p *Planner) Snapshot() json.RawMessage {
	raw, err := json.Marshal(p.state)
	if err != nil {
		panic(err) // integers only: cannot fail
	}
	return raw
}

// Restore continues from a manifest's snapshot. earlier are the populations that
// closed before it, in group order; only the cache needs them folded again.
func (p *Planner) Restore(snapshot json.RawMessage, earlier []Population) error {
	var s plannerState
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return fmt.Errorf("planner snapshot: %w", err)
	}
	if len(s.Drawn) != len(p.mix) || len(s.Waiting) != len(p.mix) || len(s.Built) != len(p.mix) {
		return fmt.Errorf("planner snapshot has %d mix entries, the recipe %d", len(s.Drawn), len(p.mix))
	}
	for _, pop := range earlier {
		if pop.Group < s.Next-p.lag {
			p.fold(pop)
		}
	}
	p.state = s
	return nil
}

// oldestNeeded is the oldest group whose population may still be asked for.
func (p *Planner) oldestNeeded() data.GroupID {
	oldest := p.state.Next - p.lag
	for _, rounds := range p.state.Waiting {
		for _, groups := range rounds {
			if len(groups) > 0 {
				oldest = min(oldest, groups[0])
			}
		}
	}
	return oldest
}

// OldestNeeded is the oldest group whose population a planner restored from this
// snapshot may ask for; 0 if it needs them all.
func (p *Planner) OldestNeeded(snapshot json.RawMessage) (data.GroupID, error) {
	var s plannerState
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return 0, fmt.Errorf("planner snapshot: %w", err)
	}
	for _, m := range p.mix {
		if m.Source == "cache" {
			return 0, nil
		}
	}
	restored := Planner{state: s, lag: p.lag}
	return max(0, restored.oldestNeeded()), nil
}
