package worker

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

func TestJobsAreServedWhole(t *testing.T) {
	for _, perRequest := range []int{1, 3, 8} {
		t.Run(fmt.Sprint(perRequest), func(t *testing.T) {
			m, o := newMemory(), quick(t)
			o.SamplesPerRequest = perRequest
			var jobs []data.Job
			for g := range data.GroupID(12) {
				jobs = append(jobs, job(g, 8))
			}
			m.add(jobs...)
			m.weights <- folder(t, 0)
			start(t, m, newSimulated(t, simulated.Options{}), o)
			whole(t, m, jobs...)
			if m.twice > 0 {
				t.Errorf("%d results were published twice", m.twice)
			}
		})
	}
}

// A group of which some samples are there costs the others only.
func TestOnlyMissingSamplesAreMade(t *testing.T) {
	m, j := newMemory(), job(3, 6)
	for _, slot := range []int{1, 4} {
		m.results[data.NewRolloutID(3, slot)] = data.Rollout{ID: data.NewRolloutID(3, slot), Worker: "before"}
	}
	e := &spy{Engine: newSimulated(t, simulated.Options{})}
	o := quick(t)
	o.SamplesPerRequest = 4
	m.add(j)
	m.weights <- folder(t, 0)
	start(t, m, e, o)
	results := m.settled(t, 1)
	if got := e.log(); !slices.Equal(got, []string{"3000+1", "3002+2", "3005+1"}) {
		t.Errorf("requests %v (seed+samples); want slots 0, 2 to 3, and 5", got)
	}
	if results["g000003/1"].Worker != "before" || len(results) != 6 {
		t.Errorf("results %v", slices.Sorted(maps.Keys(results)))
	}
}

func TestConcurrencyBoundsSamples(t *testing.T) {
	m, o := newMemory(), quick(t)
	o.Concurrency, o.SamplesPerRequest = 6, 4
	e := &spy{Engine: newSimulated(t, simulated.Options{Simulated: config.Simulated{Tokens: 10, Latency: time.Millisecond}})}
	var jobs []data.Job
	for g := range data.GroupID(10) {
		jobs = append(jobs, job(g, 8)) // larger than the room
	}
	m.add(jobs...)
	m.weights <- folder(t, 0)
	start(t, m, e, o)
	m.settled(t, 10)
	if e.most > 6 || e.most < 4 {
		t.Errorf("up to %d samples at a time, want 4 to 6", e.most)
	}
}

func TestCancelStopsTheGroup(t *testing.T) {
	m, o := newMemory(), quick(t)
	e := newSimulated(t, simulated.Options{Simulated: config.Simulated{Tokens: 100, Latency: time.Second}})
	m.add(job(1, 4))
	m.weights <- folder(t, 0)
	w := start(t, m, e, o)
	m.until(t, "samples in the engine", func() bool { return e.Running() == 4 && len(m.beats) > 0 && m.beats[len(m.beats)-1].Running == 4 })
	m.cancels <- 1
	m.settled(t, 1)
	if e.Running() != 0 || len(m.results) != 0 {
		t.Errorf("%d samples still run, %d results", e.Running(), len(m.results))
	}
	if p := w.presence(); p.Running != 0 || p.State != Serving {
		t.Errorf("presence %+v", p)
	}
}

func TestStopGivesJobsBackAtOnce(t *testing.T) {
	m, o := newMemory(), quick(t)
	e := newSimulated(t, simulated.Options{Simulated: config.Simulated{Tokens: 100, Latency: time.Second}})
	m.add(job(1, 4), job(2, 4))
	m.weights <- folder(t, 0)
	w := start(t, m, e, o)
	m.until(t, "samples in the engine", func() bool { return e.Running() == 8 })
	began := time.Now()
	w.stop()
	if err := w.end(t); err != nil {
		t.Errorf("stopped: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second || len(m.ready) != 2 || m.last().State != Stopping {
		t.Errorf("took %s, %d jobs given back, state %s; want little, 2, stopping", took, len(m.ready), m.last().State)
	}
}

// A lease is extended for as long as the job is worked on.
func TestLeasesAreExtended(t *testing.T) {
	m, o := newMemory(), quick(t)
	e := newSimulated(t, simulated.Options{Simulated: config.Simulated{Tokens: 50, Latency: 3 * time.Millisecond}})
	m.add(job(1, 1))
	m.weights <- folder(t, 0)
	start(t, m, e, o)
	m.settled(t, 1)
	if m.extended < 3 {
		t.Errorf("extended %d times in about 150 ms, one is due every 5", m.extended)
	}
}

// A job whose lease ran out comes again while it is worked on: it is not begun
// twice, and its new lease is the one that is settled.
func TestJobThatComesAgainIsNotBegunTwice(t *testing.T) {
	m, o := newMemory(), quick(t)
	e := &spy{Engine: newSimulated(t, simulated.Options{Simulated: config.Simulated{Latency: 5 * time.Millisecond}})}
	m.add(job(1, 4))
	m.weights <- folder(t, 0)
	start(t, m, e, o)
	m.until(t, "the job under way", func() bool { return len(e.log()) == 4 })
	m.add(job(1, 4), job(1, 4))
	m.until(t, "the copies fetched", func() bool { return len(m.ready) == 0 })
	whole(t, m, job(1, 4))
	if got := e.log(); len(got) != 4 {
		t.Errorf("requests %v, want 4", got)
	}
	if m.done[1] != 1 || m.twice > 0 {
		t.Errorf("done %d times, %d results twice", m.done[1], m.twice)
	}
}

func TestTokenizeIsServedBeforeWeights(t *testing.T) {
	m := newMemory()
	start(t, m, newSimulated(t, simulated.Options{}), quick(t))
	m.until(t, "the service", func() bool { return m.tokenize != nil })
	ids, err := m.tokenize(t.Context(), []data.Prompt{{Text: "ab"}, {Text: "c"}})
	if err != nil || len(ids) != 2 || !slices.Equal(ids[0], []int32{97, 98}) || !slices.Equal(ids[1], []int32{99}) {
		t.Errorf("%v, %v", ids, err)
	}
}
