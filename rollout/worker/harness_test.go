package worker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
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
