package rollout

import (
	"fmt"
	"testing"

	"github.com/ropewalk/ropewalk/data"
)

// steps delivers events one by one and gives the effects of all.
func steps(t *testing.T, c *Coordinator, events ...Event) []Effect {
	t.Helper()
	var out []Effect
	for _, e := range events {
		effects, err := c.Step(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, effects...)
	}
	return out
}

// begun counts the groups that effects begin.
func begun(effects []Effect) int {
	n := 0
	for _, e := range effects {
		if _, ok := e.(Render); ok {
			n++
		}
	}
	return n
}

// finishGroup answers a group with samples of a version, right and wrong by turns,
// but for the slots that fail.
func finishGroup(t *testing.T, c *Coordinator, g data.GroupID, version int, failing ...int) []Effect {
	t.Helper()
	out := steps(t, c, Rendered{Group: g, PromptIDs: []int32{1}})
	for slot := range c.cfg.Recipe.GroupSize {
		id := data.NewRolloutID(g, slot)
		r := data.Rollout{ID: id, Group: g, Slot: slot, CompletionIDs: []int32{1}, Logprobs: []float32{-1},
			Finish: data.FinishStop, VersionOldest: version, VersionNewest: version}
		for _, f := range failing {
			if f == slot {
				r.Finish, r.Err = data.FinishError, "the engine failed it"
			}
		}
		verdict := data.Verdict{Status: data.Scored, Score: float64(slot % 2)}
		out = append(out, steps(t, c, Arrived{r}, Judged{Rollout: id, Group: g, Slot: slot, Verdict: verdict})...)
	}
	return out
}

func writes(effects []Effect) []Batch {
	var out []Batch
	for _, e := range effects {
		if w, ok := e.(Write); ok {
			out = append(out, w.Batch)
		}
	}
	return out
}

// directOnly starts a coordinator that needs no history, three groups a batch.
func directOnly(t *testing.T, staleness int) *Coordinator {
	t.Helper()
	cfg := testConfig()
	cfg.Recipe.Mix = cfg.Recipe.Mix[:1]
	cfg.Recipe.MaxStaleness = staleness
	return newWorld(cfg, 1).start(t)
}

// TestAdmission: groups of batch b begin once version b - max_staleness exists,
// and not before.
func TestAdmission(t *testing.T) {
	for staleness := range 3 {
		t.Run(fmt.Sprint(staleness), func(t *testing.T) {
			c := directOnly(t, staleness)
			ahead := 3 * (staleness + 1)
			if n := begun(steps(t, c, Advanced{0})); n != ahead {
				t.Fatalf("%d groups begun with version 0, want %d", n, ahead)
			}
			var effects []Effect
			for g := range data.GroupID(3) {
				effects = append(effects, finishGroup(t, c, g, 0)...)
			}
			if len(writes(effects)) != 1 || begun(effects) != 0 {
				t.Fatalf("batch 0: %d batches written, %d groups begun before version 1; want 1 and 0", len(writes(effects)), begun(effects))
			}
			if n := begun(steps(t, c, Advanced{1})); n != 3 {
				t.Errorf("%d groups begun with version 1, want 3", n)
			}
		})
	}
}

// TestStale: a group with a counted sample older than the bound is dropped, one at
// the bound trains.
func TestStale(t *testing.T) {
	for staleness := range 2 {
		c := directOnly(t, staleness)
		steps(t, c, Advanced{0})
		for g := range data.GroupID(3) {
			finishGroup(t, c, g, 0)
		}
		steps(t, c, Advanced{1})
		for g := data.GroupID(3); g < 6; g++ {
			finishGroup(t, c, g, 1)
		}
		steps(t, c, Advanced{2}) // of batch 2 now
		var effects []Effect
		for g := data.GroupID(6); g < 12; g++ {
			version := 2 - staleness
			if g == 7 {
				version-- // a worker that answers with weights it was told not to
			}
			effects = append(effects, finishGroup(t, c, g, version)...)
		}
		batches := writes(effects)
		if len(batches) == 0 {
			t.Fatalf("max_staleness %d: batch 2 was not written", staleness)
		}
		b := batches[0]
		if len(b.Groups) != 3 || len(b.Dropped) != 1 || b.Dropped[0].Spec.Group != 7 || b.Dropped[0].Dropped != DropStale {
			t.Errorf("max_staleness %d: %d groups train and %d are dropped (%+v), want 3 and g000007 as stale", staleness, len(b.Groups), len(b.Dropped), b.Dropped)
		}
	}
}

// TestTooFew: groups with one sample that counts, and with none, say so.
func TestTooFew(t *testing.T) {
	for reason, failing := range map[string][]int{DropTooSmall: {0, 1, 2}, DropFailed: {0, 1, 2, 3}} {
		c := directOnly(t, 0)
		c.cfg.Recipe.DropZeroVariance = false
		steps(t, c, Advanced{0})
		finishGroup(t, c, 0, 0, failing...)
		if got := c.open[0].Dropped; got != reason {
			t.Errorf("%d of 4 samples failed: dropped as %q, want %q", len(failing), got, reason)
		}
	}
}

// TestLateDuplicate: a sample of a closed group leaves nothing behind.
func TestLateDuplicate(t *testing.T) {
	c := directOnly(t, 0)
	steps(t, c, Advanced{0})
	for g := range data.GroupID(3) {
		finishGroup(t, c, g, 0)
	}
	steps(t, c, Arrived{data.Rollout{ID: data.NewRolloutID(2, 0), Group: 2, Finish: data.FinishStop}})
	if len(c.early) != 0 || len(c.open) != 0 {
		t.Errorf("kept %d early and %d open groups after a late duplicate, want none", len(c.early), len(c.open))
	}
}

// TestTokenBudget: run.tokens ends the run with the step that reaches it exactly.
func TestTokenBudget(t *testing.T) {
	c := directOnly(t, 0)
	c.cfg.Run.Tokens = 3 * 4 // one batch, a token a sample
	steps(t, c, Advanced{0})
	finishGroup(t, c, 0, 0)
	finishGroup(t, c, 1, 0)
	effects := finishGroup(t, c, 2, 0)
	if f, ok := effects[len(effects)-1].(Finish); !ok && !c.done || ok && f.Batches != 1 {
		t.Errorf("not finished after %d of %d tokens", c.tokens, c.cfg.Run.Tokens)
	}
}

// TestBacklog: populations that nothing builds on do not pile up.
func TestBacklog(t *testing.T) {
	p, err := NewPlanner(testConfig(), testProblems(5), nil)
	if err != nil {
		t.Fatal(err)
	}
	for g := range data.GroupID(100) {
		p.fold(Population{Group: g, Problem: "p/0", Candidates: make([]data.Candidate, 4)})
	}
	waiting := p.state.Waiting[1][0]
	if len(waiting) != int(p.lag) || waiting[len(waiting)-1] != 99 {
		t.Errorf("%d groups wait, the last %v; want the freshest %d", len(waiting), waiting[len(waiting)-1], p.lag)
	}
}
