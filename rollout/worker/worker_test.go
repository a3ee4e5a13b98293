package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/enginetest"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

// quick makes the worker's clocks fit a test.
func quick(t *testing.T) Options {
	return Options{
		Name: "w", Concurrency: 16, StartTimeout: 5 * time.Second, WeightsTimeout: 5 * time.Second, Hold: 5 * time.Second,
		Beat: 5 * time.Millisecond, Health: 5 * time.Millisecond, Extend: 5 * time.Millisecond, Backoff: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// running is a worker under test.
type running struct {
	*Worker
	stop context.CancelFunc
	done chan error
}

func start(t *testing.T, q Queue, e engine.Engine, o Options) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{Worker: New(q, e, o), stop: cancel, done: make(chan error, 1)}
	over := make(chan struct{})
	go func() {
		defer close(over)
		r.done <- r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-over:
		case <-time.After(10 * time.Second):
			t.Error("the worker does not stop")
		}
	})
	return r
}

// end waits for the worker's own end.
func (r *running) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("the worker does not end")
		return nil
	}
}

func newSimulated(t *testing.T, o simulated.Options) *simulated.Engine {
	t.Helper()
	e, err := simulated.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// folder makes weights of a version; ids name what the probe asks.
func folder(t *testing.T, version int) Weights {
	dir := filepath.Join(t.TempDir(), fmt.Sprint(version))
	p := engine.Probe{Sequences: []engine.ProbeSequence{{IDs: []int32{65, 66, 67}, Logprobs: []float64{-float64(version) - 0.25, -1.5}}}}
	return Weights{Version: version, Dir: enginetest.Weights(t, dir, version, p)}
}

func job(g data.GroupID, size int) data.Job {
	return data.Job{
		Group: g, Size: size, PromptIDs: simulated.Encode(data.Prompt{Text: fmt.Sprintf("problem %d", g)}), Seed: 1000 * int64(g),
		Sampling: data.Sampling{Temperature: 1, MaxTokens: 200}, Hint: &data.Hint{Gold: "7"},
	}
}

// want is what the simulated engine says to a slot, however it was asked.
func want(t *testing.T, j data.Job, slot int) string {
	var text string
	err := newSimulated(t, simulated.Options{}).Generate(t.Context(), engine.Request{PromptIDs: j.PromptIDs, N: 1, Seed: j.Seed + int64(slot), Sampling: j.Sampling, Hint: j.Hint},
		func(s engine.Sample) { text = s.Text })
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// whole checks that every slot of the jobs has the one right result.
func whole(t *testing.T, m *memory, jobs ...data.Job) {
	t.Helper()
	results := m.settled(t, len(jobs))
	total := 0
	for _, j := range jobs {
		total += j.Size
		for slot := range j.Size {
			r, ok := results[data.NewRolloutID(j.Group, slot)]
			if !ok {
				t.Errorf("%s/%d is missing", j.Group, slot)
				continue
			}
			if err := r.Check(); err != nil || r.Finish == data.FinishError {
				t.Errorf("%s: %v %s", r.ID, err, r.Err)
			}
			if r.Text != want(t, j, slot) {
				t.Errorf("%s is not the sample of its seed", r.ID)
			}
			if !r.Simulated || r.Worker != "w" || r.Model == "" || r.Group != j.Group || r.Slot != slot {
				t.Errorf("%s is badly labelled: %+v", r.ID, r)
			}
		}
	}
	if len(results) != total {
		t.Errorf("%d results, want %d", len(results), total)
	}
}

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

// spy notes requests and can get in their way.
type spy struct {
	engine.Engine
	mu       sync.Mutex
	requests []string
	most     int // samples at a time
	now      int
	before   func(r engine.Request) error
	load     func(dir string) error
	score    func(lp []float32)
	healthy  func() error
}

func (s *spy) Generate(ctx context.Context, r engine.Request, got func(engine.Sample)) error {
	s.mu.Lock()
	s.requests = append(s.requests, fmt.Sprintf("%d+%d", r.Seed, r.N))
	s.now += r.N
	s.most = max(s.most, s.now)
	before := s.before
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now -= r.N
	}()
	if before != nil {
		if err := before(r); err != nil {
			return err
		}
	}
	return s.Engine.Generate(ctx, r, got)
}

func (s *spy) Load(ctx context.Context, dir string) error {
	if s.load != nil {
		if err := s.load(dir); err != nil {
			return err
		}
	}
	return s.Engine.Load(ctx, dir)
}

func (s *spy) Score(ctx context.Context, ids []int32) ([]float32, error) {
	lp, err := s.Engine.Score(ctx, ids)
	if err == nil && s.score != nil {
		lp = slices.Clone(lp)
		s.score(lp)
	}
	return lp, err
}

func (s *spy) Healthy(ctx context.Context) error {
	if s.healthy != nil {
		if err := s.healthy(); err != nil {
			return err
		}
	}
	return s.Engine.Healthy(ctx)
}

func (s *spy) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.requests))
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

// server is a simulated engine's that can be killed and started again in place.
type server struct {
	t    *testing.T
	addr string
	http *http.Server
}

func (s *server) start(o simulated.Options) {
	s.t.Helper()
	addr := s.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.http = &http.Server{Handler: simulated.NewServer(newSimulated(s.t, o), 0)}
	go s.http.Serve(l)
}

func (s *server) kill() { s.http.Close() }

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

func TestTokenizeIsServedBeforeWeights(t *testing.T) {
	m := newMemory()
	start(t, m, newSimulated(t, simulated.Options{}), quick(t))
	m.until(t, "the service", func() bool { return m.tokenize != nil })
	ids, err := m.tokenize(t.Context(), []data.Prompt{{Text: "ab"}, {Text: "c"}})
	if err != nil || len(ids) != 2 || !slices.Equal(ids[0], []int32{97, 98}) || !slices.Equal(ids[1], []int32{99}) {
		t.Errorf("%v, %v", ids, err)
	}
}
