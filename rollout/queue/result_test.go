package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
)

func TestTheFirstWriteOfASlotWins(t *testing.T) {
	first := setUp(t, Options{})
	const writers, slots = 16, 40
	conns := []*Conn{first}
	for range writers - 1 {
		conns = append(conns, connect(t, first.options))
	}
	var stored [slots]atomic.Int32
	var winner [slots]atomic.Value
	var group sync.WaitGroup
	for w, c := range conns {
		group.Go(func() {
			for i := range slots {
				slot := (i + w) % slots
				won, err := c.PublishResult(t.Context(), newResult(1, slot, fmt.Sprint(w)))
				if err != nil {
					t.Error(err)
				}
				if won {
					stored[slot].Add(1)
					winner[slot].Store(fmt.Sprint(w))
				}
			}
		})
	}
	group.Wait()
	results, _ := read(t, first, slots)
	seen := map[int]bool{}
	for _, r := range results {
		if seen[r.Slot] || stored[r.Slot].Load() != 1 || r.Worker != winner[r.Slot].Load() {
			t.Errorf("slot %d: there twice %v, %d winners, kept that of %s", r.Slot, seen[r.Slot], stored[r.Slot].Load(), r.Worker)
		}
		seen[r.Slot] = true
	}
	// And it still does when all have been read, and the server has restarted.
	if won, err := first.PublishResult(t.Context(), newResult(1, 0, "late")); won || err != nil {
		t.Errorf("a late write: %v, %v", won, err)
	}
}

func TestResultsAreReplayedThenFollowed(t *testing.T) {
	dir := t.TempDir()
	server, err := StartServer(ServerOptions{Dir: dir})
	check(t, err)
	c := connect(t, Options{InProcess: server})
	check(t, c.Setup(t.Context()))
	for slot := range 10 {
		store(t, c, newResult(1, slot, "w"))
	}
	c.Close()
	server.Close()

	c = connect(t, Options{InProcess: startServer(t, ServerOptions{Dir: dir})})
	check(t, c.Setup(t.Context()))
	if won, err := c.PublishResult(t.Context(), newResult(1, 3, "late")); won || err != nil {
		t.Errorf("a second write after the restart: %v, %v", won, err)
	}
	go func() {
		time.Sleep(50 * time.Millisecond)
		for slot := 10; slot < 20; slot++ {
			_, _ = c.PublishResult(t.Context(), newResult(1, slot, "w"))
		}
	}()
	results, places := read(t, c, 20)
	for i, r := range results {
		if diff := cmp.Diff(newResult(1, i, "w"), r); diff != "" {
			t.Error(diff)
		}
		if places[i] != uint64(i+1) {
			t.Errorf("result %d at place %d", i, places[i])
		}
	}
}

func TestForgottenResultsAreGone(t *testing.T) {
	c := setUp(t, Options{})
	for g := range 3 * shards {
		for slot := range 2 {
			store(t, c, newResult(g, slot, "w"))
		}
	}
	results, places := read(t, c, 6*shards)
	first := map[data.GroupID]uint64{}
	for i, r := range results {
		if _, seen := first[r.Group]; !seen {
			first[r.Group] = places[i]
		}
	}
	// Groups below 5 are closed: the smallest place still needed is that of a later one.
	needed := uint64(1 << 60)
	for g, place := range first {
		if g >= 5 {
			needed = min(needed, place)
		}
	}
	check(t, c.Forget(t.Context(), 0))
	check(t, c.Forget(t.Context(), needed))
	check(t, c.Forget(t.Context(), 1))
	left := map[data.RolloutID]bool{}
	for _, r := range readAll(t, c) {
		left[r.ID] = true
	}
	for i, r := range results {
		if kept := left[r.ID]; !kept && places[i] >= needed {
			t.Errorf("%s at place %d is gone, %d was still needed", r.ID, places[i], needed)
		} else if kept && places[i] < needed {
			t.Errorf("%s at place %d is still there, %d is the first needed", r.ID, places[i], needed)
		}
	}
	check(t, c.Forget(t.Context(), 1<<60))
	if left := readAll(t, c); len(left) != 0 {
		t.Errorf("%d results left of none needed", len(left))
	}
}

// readAll collects what is stored now.
func readAll(t *testing.T, c *Conn) []data.Rollout {
	t.Helper()
	n := 0
	for shard := range shards {
		stream, err := c.js.Stream(t.Context(), c.names.results(shard))
		check(t, err)
		n += int(stream.CachedInfo().State.Msgs)
	}
	results, _ := read(t, c, n)
	return results
}

// One bad message must not stop a run for good: the sample counts as failed.
func TestAnUnreadableResultIsAFailedSample(t *testing.T) {
	c := setUp(t, Options{})
	foreign, err := encodeResult(&data.Rollout{Group: 9, Slot: 9})
	check(t, err)
	for slot, payload := range [][]byte{[]byte("no frame"), foreign} {
		_, err := c.js.Publish(t.Context(), c.names.result(1, slot), payload)
		check(t, err)
	}
	_, err = c.js.Publish(t.Context(), c.names.subject("res.1.x.y"), nil) // names no sample at all
	check(t, err)
	store(t, c, newResult(1, 2, "w"))
	results, _ := read(t, c, 3)
	for slot, r := range results {
		if r.Group != 1 || r.Slot != slot || r.ID != data.NewRolloutID(1, slot) {
			t.Errorf("result %d is %s", slot, r.ID)
		}
		if failed := r.Finish == data.FinishError && r.Err != ""; failed != (slot < 2) {
			t.Errorf("slot %d: finish %q, error %q", slot, r.Finish, r.Err)
		}
	}
}

func TestReadingEndsWithItsReaderOrContext(t *testing.T) {
	c := setUp(t, Options{})
	store(t, c, newResult(1, 0, "w"))
	mine := errors.New("mine")
	if err := c.Results(t.Context(), func(data.Rollout, uint64) error { return mine }); err != mine {
		t.Errorf("reader's error: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := c.Results(ctx, func(data.Rollout, uint64) error { return nil }); err != context.Canceled {
		t.Errorf("at the end of ctx: %v", err)
	}
}

func TestAResultTooLargeSaysSo(t *testing.T) {
	c := setUp(t, Options{})
	r := newResult(1, 0, "w")
	r.Text = string(make([]byte, MaxMessage))
	if _, err := c.PublishResult(t.Context(), r); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error: %v", err)
	}
}

// Results lost with a server's memory must not be waited for in silence.
func TestLostStreamsAreNoticed(t *testing.T) {
	address := freeAddress(t)
	start := func() *Server {
		s, err := StartServer(ServerOptions{Dir: t.TempDir(), Listen: address})
		check(t, err)
		return s
	}
	server := start()
	o := Options{URL: "nats://" + address, Durability: Memory}
	c, setter := connect(t, o), connect(t, o)
	check(t, setter.Setup(t.Context()))
	store(t, setter, newResult(1, 0, "w"))
	failed, got := make(chan error, 1), make(chan bool, 10)
	go func() {
		failed <- c.Results(t.Context(), func(data.Rollout, uint64) error { got <- true; return nil })
	}()
	<-got
	server.Close()
	defer start().Close()
	if err := <-failed; !errors.Is(err, ErrNotSetUp) && !errors.Is(err, ErrLost) {
		t.Errorf("error: %v", err)
	}
}

// TestBoundsSpareWhatIsOnItsWay: what follows the last result that was handed over
// may be stored already, and must not be dropped with it.
func TestBoundsSpareWhatIsOnItsWay(t *testing.T) {
	var p places
	p.add(1, 5)
	p.add(1, 7)
	p.add(2, 4)
	if got, want := p.bounds(4), [shards]uint64{1: 8, 2: 5}; got != want {
		t.Errorf("nothing needed: bounds %v, want %v", got, want)
	}
	if got, want := p.bounds(2), [shards]uint64{1: 7, 2: 4}; got != want {
		t.Errorf("needed from the second on: bounds %v, want %v", got, want)
	}
}
