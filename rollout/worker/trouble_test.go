package worker

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

func TestFailingSampleIsGivenUpInTheEnd(t *testing.T) {
	m, o := newMemory(), quick(t)
	o.SamplesPerRequest, o.Deliveries = 4, 4
	e := newSimulated(t, simulated.Options{Simulated: config.Simulated{FailRate: 0.3}})
	j := job(1, 12)
	m.add(j)
	m.weights <- folder(t, 0)
	start(t, m, e, o)
	results := m.settled(t, 1)
	failed := 0
	for slot := range j.Size {
		r := results[data.NewRolloutID(1, slot)]
		if r.Finish != data.FinishError {
			if r.Text != want(t, j, slot) {
				t.Errorf("slot %d is not the sample of its seed", slot)
			}
			continue
		}
		failed++
		if !strings.Contains(r.Err, "on demand") && !strings.Contains(r.Err, "failed") {
			t.Errorf("slot %d: reason %q", slot, r.Err)
		}
	}
	if failed == 0 || failed > 8 || len(m.retries) != 4 {
		t.Errorf("%d samples failed after %d retries; want some after 4", failed, len(m.retries))
	}
	if m.twice > 0 {
		t.Errorf("%d samples that were there were made again", m.twice)
	}
}

func TestTooLongIsFatalAtOnce(t *testing.T) {
	m, o := newMemory(), quick(t)
	j := job(1, 3)
	j.PromptIDs = make([]int32, 300)
	m.add(j)
	m.weights <- folder(t, 0)
	start(t, m, newSimulated(t, simulated.Options{Context: 200}), o)
	results := m.settled(t, 1)
	for id, r := range results {
		if r.Finish != data.FinishError || !strings.Contains(r.Err, "300") || !strings.Contains(r.Err, "200") {
			t.Errorf("%s: %s %q; want an error with both numbers", id, r.Finish, r.Err)
		}
	}
	if len(results) != 3 || len(m.retries) > 0 {
		t.Errorf("%d results, retries %v; want 3 and none", len(results), m.retries)
	}
}

func TestTransientErrorsAreRetriedHere(t *testing.T) {
	m, o := newMemory(), quick(t)
	var n atomic.Int32
	e := &spy{Engine: newSimulated(t, simulated.Options{}), before: func(engine.Request) error {
		if n.Add(1)%3 != 0 {
			return &engine.StatusError{Route: "/v1/completions", Code: 500, Message: "hiccup"}
		}
		return nil
	}}
	m.add(job(1, 1))
	m.weights <- folder(t, 0)
	start(t, m, e, o)
	whole(t, m, job(1, 1))
	if len(m.retries) > 0 {
		t.Errorf("given back: %v", m.retries)
	}
}

func TestHangEndsTheWorker(t *testing.T) {
	m, o := newMemory(), quick(t)
	e := newSimulated(t, simulated.Options{HangAfter: 3, Stall: 50 * time.Millisecond})
	m.add(job(1, 6))
	m.weights <- folder(t, 0)
	err := start(t, m, e, o).end(t)
	if !errors.Is(err, ErrEngineBad) || !errors.Is(err, engine.ErrStalled) || m.last().State != Stalled {
		t.Errorf("%v, state %s; want ErrEngineBad for ErrStalled, and stalled", err, m.last().State)
	}
	if len(m.results) != 3 || len(m.ready) != 1 {
		t.Errorf("%d results, %d jobs given back; want 3 and 1", len(m.results), len(m.ready))
	}
}

func TestNoEngine(t *testing.T) {
	m, o := newMemory(), quick(t)
	o.StartTimeout = 50 * time.Millisecond
	client, err := engine.NewHTTP("http://127.0.0.1:1", engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := start(t, m, client, o).end(t); !errors.Is(err, ErrEngineGone) || !errors.Is(err, engine.ErrUnreachable) {
		t.Errorf("%v; want ErrEngineGone", err)
	}
}

func TestQueueTroubleIsSatOut(t *testing.T) {
	m, o := newMemory(), quick(t)
	n := 0
	m.storing = func(data.Rollout) error {
		if n++; n%2 == 1 {
			return errAway
		}
		return nil
	}
	m.add(job(1, 8))
	m.weights <- folder(t, 0)
	start(t, m, newSimulated(t, simulated.Options{}), o)
	whole(t, m, job(1, 8))
}

func TestQueueGone(t *testing.T) {
	m, o := newMemory(), quick(t)
	o.QueueTimeout = 30 * time.Millisecond
	m.beating = func() error { return errAway }
	if err := start(t, m, newSimulated(t, simulated.Options{}), o).end(t); !errors.Is(err, ErrQueueGone) {
		t.Errorf("%v; want ErrQueueGone", err)
	}
}

func TestUnstorableResultIsAnError(t *testing.T) {
	m, o := newMemory(), quick(t)
	m.storing = func(r data.Rollout) error {
		if r.Slot == 1 && r.Finish != data.FinishError {
			return fmt.Errorf("%w: too large", ErrUnstorable)
		}
		return nil
	}
	m.add(job(1, 3))
	m.weights <- folder(t, 0)
	start(t, m, newSimulated(t, simulated.Options{}), o)
	results := m.settled(t, 1)
	for slot, want := range []bool{false, true, false} {
		if r := results[data.NewRolloutID(1, slot)]; (r.Finish == data.FinishError) != want {
			t.Errorf("slot %d ended with %q %s", slot, r.Finish, r.Err)
		}
	}
}

// An engine killed at any moment loses nothing, and its successor is loaded and
// proven before it serves.
func TestEngineKilledAndRestarted(t *testing.T) {
	m, o := newMemory(), quick(t)
	shape := simulated.Options{Simulated: config.Simulated{Tokens: 20, Latency: time.Millisecond}}
	s := &server{t: t}
	s.start(shape)
	client, err := engine.NewHTTP("http://"+s.addr, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var jobs []data.Job
	for g := range data.GroupID(40) {
		jobs = append(jobs, job(g, 8))
	}
	m.add(jobs...)
	m.weights <- folder(t, 4)
	w := start(t, m, client, o)
	for kill := range 5 {
		m.until(t, "progress", func() bool { return len(m.results) > 50*kill+10 })
		s.kill()
		if kill%2 == 0 {
			m.until(t, "engine_down", func() bool { return m.beats[len(m.beats)-1].State == EngineDown })
		}
		s.start(shape) // without weights: what it would say is not the run's
	}
	results := m.settled(t, 40)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(results) != 320 {
		t.Errorf("%d results, want 320", len(results))
	}
	for id, r := range results {
		if r.Finish == data.FinishError || r.VersionOldest != 4 {
			t.Errorf("%s: %s %s, version %d", id, r.Finish, r.Err, r.VersionOldest)
		}
	}
	if w.presence().State != Serving {
		t.Errorf("state %s", w.presence().State)
	}
}

// While its engine is away a worker keeps no job that another could do.
func TestEngineDownGivesJobsBackAtOnce(t *testing.T) {
	m, o := newMemory(), quick(t)
	o.Concurrency = 2 // most samples wait for a slot
	s := &server{t: t}
	s.start(simulated.Options{Simulated: config.Simulated{Tokens: 20, Latency: 5 * time.Millisecond}})
	client, err := engine.NewHTTP("http://"+s.addr, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.add(job(1, 30))
	m.weights <- folder(t, 0)
	start(t, m, client, o)
	m.until(t, "progress", func() bool { return len(m.results) > 3 })
	s.kill()
	began := time.Now()
	m.until(t, "the job given back", func() bool { return len(m.ready) == 1 })
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
}
