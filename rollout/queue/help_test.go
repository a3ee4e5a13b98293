package queue

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"

	"github.com/ropewalk/ropewalk/data"
)

// serverDir makes the test binary a NATS server in that folder, for tests that
// kill one; serverListen is where it listens.
const (
	serverDir    = "ROPEWALK_TEST_SERVER_DIR"
	serverListen = "ROPEWALK_TEST_SERVER_LISTEN"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(serverDir); dir != "" {
		if _, err := StartServer(ServerOptions{Dir: dir, Listen: os.Getenv(serverListen)}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, os.Stdin) // until killed, or without a parent
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// startServer runs a server until the test ends, in a folder of its own unless
// o names one.
func startServer(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := StartServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func connect(t testing.TB, o Options) *Conn {
	t.Helper()
	if o.Run == "" {
		o.Run = "test"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := Connect(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// setUp gives a connection of a run that is set up on a server of its own, which
// writes without fsync.
func setUp(t testing.TB, o Options) *Conn {
	t.Helper()
	o.InProcess = startServer(t, ServerOptions{Durability: Interval})
	o.Durability = Interval
	c := connect(t, o)
	check(t, c.Setup(t.Context()))
	return c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inVirtualTime runs a test, servers and clients included, in a bubble whose
// clock runs as fast as the work in it allows.
func inVirtualTime(t *testing.T, test func(t *testing.T)) {
	// The server's clock for access times must live outside of the bubble, or the
	// bubble never comes to rest.
	ats.Register()
	defer ats.Unregister()
	synctest.Test(t, test)
}

func newJob(g, size int) data.Job {
	return data.Job{Group: data.GroupID(g), Size: size, PromptIDs: []int32{1, 2, int32(g)}, Seed: int64(g)}
}

// newResult makes a result that names its writer and whose numbers follow from
// group and slot.
func newResult(g, slot int, worker string) data.Rollout {
	random := rand.New(rand.NewPCG(uint64(g), uint64(slot)))
	n := 1 + random.IntN(100)
	r := data.Rollout{ID: data.NewRolloutID(data.GroupID(g), slot), Group: data.GroupID(g), Slot: slot,
		Text: fmt.Sprint("answer ", slot), Finish: data.FinishStop, VersionOldest: 1, VersionNewest: 2, Model: "m", Worker: worker}
	for range n {
		r.CompletionIDs = append(r.CompletionIDs, random.Int32N(1000))
		r.Logprobs = append(r.Logprobs, -random.Float32())
	}
	return r
}

// fetch takes exactly n jobs, or fails.
func fetch(t testing.TB, c *Conn, n int) []*Lease {
	t.Helper()
	var leases []*Lease
	for deadline := time.Now().Add(time.Minute); len(leases) < n; {
		more, err := c.Fetch(t.Context(), n-len(leases), 200*time.Millisecond)
		check(t, err)
		leases = append(leases, more...)
		if time.Now().After(deadline) {
			t.Fatalf("%d jobs after a minute, want %d", len(leases), n)
		}
	}
	return leases
}

func noJob(t testing.TB, c *Conn) {
	t.Helper()
	leases, err := c.Fetch(t.Context(), 1, 100*time.Millisecond)
	check(t, err)
	if len(leases) != 0 {
		t.Fatalf("got job %s, want none", leases[0].Job().Group)
	}
}

// read collects the first n results that c hands over.
func read(t testing.TB, c *Conn, n int) (results []data.Rollout, places []uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	enough := fmt.Errorf("enough")
	if n == 0 {
		return nil, nil
	}
	err := c.Results(ctx, func(r data.Rollout, seq uint64) error {
		results, places = append(results, r), append(places, seq)
		if len(results) == n {
			return enough
		}
		return nil
	})
	if err != enough {
		t.Fatalf("%d results of %d: %v", len(results), n, err)
	}
	return results, places
}
