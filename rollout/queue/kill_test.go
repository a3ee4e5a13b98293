package queue

import (
	order "cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
)

var (
	killSeed  = flag.Uint64("queue-kill-seed", 0, "seed of the moments at which servers are killed; 0 draws one")
	killCount = flag.Int("queue-kills", 6, "how often the server is killed")
)

// child is a server in a process of its own: this test binary again.
type child struct {
	dir, listen string
	cmd         *exec.Cmd
}

func (c *child) start(t *testing.T) {
	t.Helper()
	c.cmd = exec.Command(os.Args[0])
	c.cmd.Env = append(os.Environ(), serverDir+"="+c.dir, serverListen+"="+c.listen)
	c.cmd.Stderr = os.Stderr
	_, err := c.cmd.StdinPipe() // whose end tells it that we are gone
	check(t, err)
	check(t, c.cmd.Start())
}

func (c *child) kill(t *testing.T) {
	t.Helper()
	check(t, c.cmd.Process.Kill())
	_ = c.cmd.Wait() // says that it was killed
}

// TestKilledServers: with the server killed at random moments under load, every
// job comes to an end, every result that was reported as stored is there, once and
// unchanged, and a reader that was there all along sees each of them, in order.
func TestKilledServers(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -queue-kill-seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	server := &child{dir: t.TempDir(), listen: freeAddress(t)}
	server.start(t)
	t.Cleanup(func() { server.kill(t) })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := Options{URL: "nats://" + server.listen, Lease: time.Second}
	coordinator := connect(t, o)
	check(t, coordinator.Setup(ctx))

	const groups, size, workers = 400, 4, 8
	l := &load{groups: groups, size: size}
	var running sync.WaitGroup
	for w := range workers {
		c := connect(t, o)
		crashes := rand.New(rand.NewPCG(seed, uint64(w+2)))
		running.Go(func() { l.work(ctx, t, c, fmt.Sprint("worker-", w), crashes) })
	}
	running.Go(func() {
		for g := range groups {
			if err := coordinator.Publish(ctx, newJob(g, size)); err != nil {
				t.Error(err)
			}
		}
	})
	running.Go(func() { l.read(ctx, t, coordinator) })
	for range *killCount {
		time.Sleep(time.Duration(random.IntN(250)) * time.Millisecond)
		server.kill(t)
		time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
		server.start(t)
	}
	running.Wait()
	l.verify(t, coordinator)
	noJob(t, coordinator)
}

// load is work for a queue, and what must be true of it.
type load struct {
	groups, size int
	acked        sync.Map // "group/slot" of results reported as stored, to their worker
	finished     atomic.Int64
	seen         []data.Rollout // by the reader
}

// work is a worker that forgets one job in twenty, before or after some of its
// samples.
func (l *load) work(ctx context.Context, t *testing.T, c *Conn, name string, random *rand.Rand) {
	for int(l.finished.Load()) < l.groups && ctx.Err() == nil {
		leases, _ := c.Fetch(ctx, 1+random.IntN(3), 100*time.Millisecond) // errors are expected here
		for _, lease := range leases {
			l.do(ctx, t, c, lease, name, random)
		}
	}
}

func (l *load) do(ctx context.Context, t *testing.T, c *Conn, lease *Lease, name string, random *rand.Rand) {
	job := lease.Job()
	have, err := c.Stored(ctx, job.Group, job.Size)
	if err != nil {
		t.Error(err)
		return
	}
	for slot := range job.Size {
		if random.IntN(20*l.size) == 0 {
			return // dies here
		}
		if have[slot] {
			continue
		}
		r := newResult(int(job.Group), slot, name)
		stored, err := c.PublishResult(ctx, r)
		if err != nil {
			t.Error(err)
			return
		}
		if stored {
			if other, twice := l.acked.LoadOrStore(r.ID, name); twice {
				t.Errorf("%s was stored for %s and for %s", r.ID, other, name)
			}
		}
	}
	if err := lease.Done(ctx); err != nil {
		t.Error(err)
	}
}

// read is a coordinator's reader; it counts groups as finished.
func (l *load) read(ctx context.Context, t *testing.T, c *Conn) {
	enough := fmt.Errorf("enough")
	perGroup := make([]int, l.groups)
	last := uint64(0)
	err := c.Results(ctx, func(r data.Rollout, seq uint64) error {
		if seq <= last {
			t.Errorf("place %d after %d", seq, last)
		}
		last = seq
		l.seen = append(l.seen, r)
		if perGroup[r.Group]++; perGroup[r.Group] == l.size {
			l.finished.Add(1)
		}
		if len(l.seen) == l.groups*l.size {
			return enough
		}
		return nil
	})
	if err != enough {
		t.Errorf("the reader saw %d of %d results: %v", len(l.seen), l.groups*l.size, err)
		l.finished.Store(int64(l.groups))
	}
}

// verify compares what is stored with what was promised and what was seen.
func (l *load) verify(t *testing.T, c *Conn) {
	t.Helper()
	if t.Failed() {
		return
	}
	stored, _ := read(t, c, l.groups*l.size)
	for _, list := range [][]data.Rollout{stored, l.seen} { // groups may come in any order
		slices.SortStableFunc(list, func(a, b data.Rollout) int { return order.Compare(a.Group, b.Group) })
	}
	if diff := cmp.Diff(stored, l.seen); diff != "" {
		t.Error("the reader saw something else than what is stored:\n", diff)
	}
	seen := map[data.RolloutID]bool{}
	for _, r := range stored {
		if seen[r.ID] {
			t.Errorf("%s is there twice", r.ID)
		}
		seen[r.ID] = true
		// A publish that was cut off may have been stored, unreported; but none may be
		// another's than reported.
		if worker, reported := l.acked.Load(r.ID); reported && worker != r.Worker {
			t.Errorf("%s is of %s, reported as stored for %s", r.ID, r.Worker, worker)
		}
		if diff := cmp.Diff(newResult(int(r.Group), r.Slot, r.Worker), r); diff != "" {
			t.Error(diff)
		}
	}
}
