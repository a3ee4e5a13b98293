package onqueue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/enginetest"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
	"github.com/ropewalk/ropewalk/rollout/queue"
	"github.com/ropewalk/ropewalk/rollout/worker"
	"github.com/ropewalk/ropewalk/rollout/worker/onqueue"
)

const lease = 500 * time.Millisecond

// fleet is a server, a coordinator's connection, and what it heard.
type fleet struct {
	t      *testing.T
	server *queue.Server
	conn   *queue.Conn

	mu      sync.Mutex
	results map[data.RolloutID][]data.Rollout
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	server, err := queue.StartServer(queue.ServerOptions{Dir: t.TempDir(), Durability: queue.Interval, Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	f := &fleet{t: t, server: server, results: map[data.RolloutID][]data.Rollout{}}
	f.conn = f.connect()
	return f
}

func (f *fleet) connect() *queue.Conn {
	f.t.Helper()
	conn, err := queue.Connect(f.t.Context(), queue.Options{InProcess: f.server, Run: "test", Lease: lease})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(conn.Close)
	return conn
}

// setUp begins the run as its coordinator does.
func (f *fleet) setUp(version int) {
	f.t.Helper()
	if err := f.conn.Setup(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	go f.conn.Results(f.t.Context(), func(r data.Rollout, _ uint64) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.results[r.ID] = append(f.results[r.ID], r)
		return nil
	})
	f.announce(version)
}

func (f *fleet) announce(version int) {
	f.t.Helper()
	p := engine.Probe{Sequences: []engine.ProbeSequence{{IDs: []int32{65, 66}, Logprobs: []float64{-float64(version) - 1}}}}
	dir := enginetest.Weights(f.t, filepath.Join(f.t.TempDir(), fmt.Sprint(version)), version, p)
	if err := f.conn.Announce(f.t.Context(), queue.Weights{Version: version, Dir: dir}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) publish(from, to data.GroupID, minVersion int) {
	f.t.Helper()
	for g := from; g < to; g++ {
		job := data.Job{
			Group: g, Size: 4, PromptIDs: simulated.Encode(data.Prompt{Text: fmt.Sprint("problem ", g)}), Seed: 100 * int64(g), MinVersion: minVersion,
			Sampling: data.Sampling{Temperature: 1, MaxTokens: 100}, Hint: &data.Hint{Gold: "1"},
		}
		if err := f.conn.Publish(f.t.Context(), job); err != nil {
			f.t.Fatal(err)
		}
	}
}

// await waits for all samples of groups 0..n-1 and checks that each came once.
func (f *fleet) await(n int) {
	f.t.Helper()
	for end := time.Now().Add(30 * time.Second); f.count() < 4*n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("%d of %d results; workers: %+v", f.count(), 4*n, f.conn.Workers())
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, all := range f.results {
		if len(all) != 1 || all[0].Finish == data.FinishError {
			f.t.Errorf("%s came %d times, first %q %s", id, len(all), all[0].Finish, all[0].Err)
		}
	}
}

func (f *fleet) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.results)
}

// work starts a worker that stop ends and lost kills: its connection and its
// engine vanish with all leases held.
func (f *fleet) work(name string, o simulated.Options) (stop func() error, lost func()) {
	f.t.Helper()
	e, err := simulated.New(o)
	if err != nil {
		f.t.Fatal(err)
	}
	conn := f.connect()
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	w := worker.New(onqueue.New(conn, 10*time.Second), e, worker.Options{
		Name: name, Concurrency: 8, Beat: 50 * time.Millisecond, Health: 20 * time.Millisecond, Extend: lease / 3, Hold: 10 * time.Second,
		Log: slog.New(slog.NewTextHandler(f.t.Output(), nil)),
	})
	go func() { done <- w.Run(ctx) }()
	stop = func() error {
		cancel()
		select {
		case err := <-done:
			done <- err
			return err
		case <-time.After(15 * time.Second):
			return errors.New("the worker does not stop")
		}
	}
	f.t.Cleanup(func() {
		if err := stop(); err != nil {
			f.t.Log(err)
		}
	})
	return stop, conn.Close
}

var slow = simulated.Options{Simulated: config.Simulated{Tokens: 20, Latency: time.Millisecond}}

func TestFleetServesARun(t *testing.T) {
	f := newFleet(t)
	f.work("early", slow) // before the run is set up
	time.Sleep(300 * time.Millisecond)
	f.setUp(0)
	f.work("late", slow)
	f.publish(0, 20, 0)
	f.await(20)
	f.publish(20, 30, 1) // held until version 1 comes
	time.Sleep(100 * time.Millisecond)
	if n := f.count(); n != 80 {
		t.Errorf("%d results, though the weights of the last 10 groups are not there", n)
	}
	f.announce(1)
	f.await(30)
	for _, p := range f.conn.Workers() {
		if p.State != string(worker.Serving) || p.Done == 0 || p.Tokens < p.Done {
			t.Errorf("%+v; want it to serve, and to have done its part", p)
		}
	}
	if all := f.conn.Workers(); len(all) != 2 {
		t.Errorf("%d workers, want 2", len(all))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, all := range f.results {
		if want := map[bool]int{true: 1, false: 0}[all[0].Group >= 20]; all[0].VersionOldest != want || !all[0].Simulated {
			t.Errorf("%s is of version %d, simulated %v; want %d, true", id, all[0].VersionOldest, all[0].Simulated, want)
		}
	}
}

// Workers that vanish or leave in the middle cost time, and nothing else.
func TestWorkersVanishAndLeave(t *testing.T) {
	f := newFleet(t)
	f.setUp(0)
	f.publish(0, 60, 0)
	for i := range 3 {
		_, lost := f.work(fmt.Sprint("lost-", i), slow)
		stop, _ := f.work(fmt.Sprint("leaves-", i), slow)
		before := f.count()
		for end := time.Now().Add(10 * time.Second); f.count() < before+20 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		}
		lost()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	}
	f.work("last", slow)
	f.await(60)
}

func TestCancelledGroupLeavesTheQueue(t *testing.T) {
	f := newFleet(t)
	f.setUp(0)
	f.work("w", simulated.Options{Simulated: config.Simulated{Tokens: 50, Latency: time.Second}})
	f.publish(0, 2, 0)
	working := func(n int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if all := f.conn.Workers(); len(all) == 1 && all[0].Running == n {
				return
			} else if time.Now().After(end) {
				t.Fatalf("want one worker with %d samples: %+v", n, all)
			}
		}
	}
	working(8)
	if err := f.conn.CancelJobs(t.Context(), []data.GroupID{0, 1}); err != nil {
		t.Fatal(err)
	}
	working(0)
	f.publish(5, 6, 0)
	working(4) // and goes on
}
