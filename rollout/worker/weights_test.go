package worker

import (
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

func TestSpansCoverALoad(t *testing.T) {
	m, o := newMemory(), quick(t)
	hold := make(chan struct{})
	e := &spy{Engine: newSimulated(t, simulated.Options{}), before: func(r engine.Request) error {
		if r.Seed == 1000 {
			<-hold
		}
		return nil
	}}
	later := job(2, 2)
	later.MinVersion = 1
	m.add(job(1, 2), later)
	m.weights <- folder(t, 0)
	w := start(t, m, e, o)
	m.until(t, "the first job under way", func() bool { return len(m.results) == 1 })
	m.weights <- folder(t, 1)
	m.until(t, "the job that needs version 1", func() bool { return m.done[2] == 1 })
	close(hold)
	results := m.settled(t, 2)
	for id, span := range map[data.RolloutID][2]int{"g000001/0": {0, 1}, "g000001/1": {0, 0}, "g000002/0": {1, 1}} {
		if r := results[id]; r.VersionOldest != span[0] || r.VersionNewest != span[1] {
			t.Errorf("%s spans versions %d to %d, want %v", id, r.VersionOldest, r.VersionNewest, span)
		}
	}
	if w.presence().Version != 1 {
		t.Errorf("serves version %d", w.presence().Version)
	}
}

// Newer weights that do not come give the job back, not an error.
func TestHeldJobIsGivenBack(t *testing.T) {
	m, o := newMemory(), quick(t)
	o.Hold = 10 * time.Millisecond
	j := job(1, 2)
	j.MinVersion = 5
	m.add(j)
	m.weights <- folder(t, 0)
	start(t, m, newSimulated(t, simulated.Options{}), o)
	m.until(t, "many retries", func() bool { return len(m.retries) > 8 })
	m.mu.Lock()
	if len(m.results) > 0 || !strings.Contains(m.retries[0], "version 5") {
		t.Errorf("results %v, reason %q; want none and one that names the version", m.results, m.retries[0])
	}
	m.mu.Unlock()
	m.weights <- folder(t, 5)
	whole(t, m, j)
}

func TestProofFailsTwiceAndTheWorkerEnds(t *testing.T) {
	m, o := newMemory(), quick(t)
	loads := 0
	e := &spy{Engine: newSimulated(t, simulated.Options{}), load: func(string) error { loads++; return nil }}
	e.score = func(lp []float32) { lp[1] -= 0.5 }
	m.add(job(1, 2))
	m.weights <- folder(t, 3)
	err := start(t, m, e, o).end(t)
	if !errors.Is(err, ErrEngineBad) || !errors.Is(err, engine.ErrProbe) {
		t.Fatalf("%v; want ErrEngineBad for ErrProbe", err)
	}
	for _, word := range []string{"sequence 0", "position 2", "id 67", "-2.000000", "-1.500000"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not name %q", err, word)
		}
	}
	if loads != 2 || len(m.results) > 0 || m.last().State != Dirty {
		t.Errorf("%d loads, %d results, state %s; want 2, 0, dirty", loads, len(m.results), m.last().State)
	}
}

func TestProofFailsOnceAndIsRepeated(t *testing.T) {
	m, o := newMemory(), quick(t)
	proofs := 0
	e := &spy{Engine: newSimulated(t, simulated.Options{})}
	e.score = func(lp []float32) {
		if proofs++; proofs == 1 {
			lp[0]--
		}
	}
	m.add(job(1, 2))
	m.weights <- folder(t, 3)
	start(t, m, e, o)
	whole(t, m, job(1, 2))
}

// What is drawn while the new weights turn out to be wrong is not published.
func TestSamplesOfUnprovenWeightsAreDropped(t *testing.T) {
	m, o := newMemory(), quick(t)
	asked, hold := make(chan struct{}), make(chan struct{})
	var loading, bad atomic.Bool
	inner := newSimulated(t, simulated.Options{})
	e := &spy{Engine: inner, before: func(engine.Request) error {
		asked <- struct{}{}
		<-hold
		return nil
	}}
	e.load = func(string) error {
		if loading.Load() {
			bad.Store(true)
			hold <- struct{}{} // the sample completes now, under unproven weights
		}
		return nil
	}
	e.score = func(lp []float32) {
		if bad.Load() {
			time.Sleep(20 * time.Millisecond)
			lp[0]--
		}
	}
	m.add(job(1, 1))
	m.weights <- folder(t, 0)
	w := start(t, m, e, o)
	<-asked
	loading.Store(true)
	m.weights <- folder(t, 1)
	go func() { // the second load's
		for range asked {
			<-hold
		}
	}()
	go func() { <-hold }()
	if err := w.end(t); !errors.Is(err, ErrEngineBad) {
		t.Fatal(err)
	}
	if len(m.results) > 0 || len(m.retries) == 0 {
		t.Errorf("results %v, retries %v; want none and one", m.results, m.retries)
	}
}

func TestWrongTokenizerIsRefused(t *testing.T) {
	m, o := newMemory(), quick(t)
	m.peers = []Presence{{Worker: "old", Version: 3, Fingerprint: "0123456789abcdef"}}
	m.weights <- folder(t, 0)
	err := start(t, m, newSimulated(t, simulated.Options{}), o).end(t)
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "0123456789abcdef") || !strings.Contains(err.Error(), "worker old") {
		t.Errorf("%v; want ErrRefused that names the other worker and its fingerprint", err)
	}
}

func TestNoWeights(t *testing.T) {
	m, o := newMemory(), quick(t)
	o.WeightsTimeout = 20 * time.Millisecond
	w := start(t, m, newSimulated(t, simulated.Options{}), o)
	if err := w.end(t); !errors.Is(err, ErrNoWeights) {
		t.Errorf("%v; want ErrNoWeights", err)
	}
}

// A folder that is not there yet is waited for, a newer announcement is taken.
func TestFolderThatComesLate(t *testing.T) {
	m, o := newMemory(), quick(t)
	m.weights <- Weights{Version: 1, Dir: filepath.Join(t.TempDir(), "pruned")}
	m.add(job(1, 2))
	start(t, m, newSimulated(t, simulated.Options{}), o)
	m.until(t, "the wait to be named", func() bool {
		return len(m.beats) > 0 && strings.Contains(m.beats[len(m.beats)-1].Waiting, "pruned")
	})
	m.weights <- folder(t, 2)
	whole(t, m, job(1, 2))
}

// TestDeliverOfAnotherEpoch: a sample asked for before the weights became unknown is
// none, also where the engine answers after others were proven.
func TestDeliverOfAnotherEpoch(t *testing.T) {
	m := newMemory()
	w := New(m, newSimulated(t, simulated.Options{}), quick(t))
	w.gate.set(true, 0)
	asked, err := w.gate.pass(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	w.gate.invalidate()
	w.gate.set(true, 0)
	sample := engine.Sample{IDs: []int32{1}, Logprobs: []float32{-1}, Text: "1", Finish: data.FinishStop}
	if err := w.deliver(t.Context(), job(0, 1), 0, sample, asked); !errors.Is(err, errInvalid) {
		t.Errorf("delivering it: %v, want errInvalid", err)
	}
}
