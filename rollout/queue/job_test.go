package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
)

func TestAJobIsQueuedOnce(t *testing.T) {
	c := setUp(t, Options{})
	job := newJob(1, 2)
	for range 3 {
		check(t, c.Publish(t.Context(), job))
	}
	lease := fetch(t, c, 1)[0]
	if diff := cmp.Diff(job, lease.Job()); diff != "" {
		t.Error(diff)
	}
	check(t, c.Publish(t.Context(), job)) // open still: a worker holds it
	noJob(t, c)
	check(t, lease.Done(t.Context()))
	noJob(t, c)
}

// A job that was closed with results missing can be queued again.
func TestAJobCanBeQueuedAgainWhenDone(t *testing.T) {
	c := setUp(t, Options{})
	check(t, c.Publish(t.Context(), newJob(1, 2)))
	lease := fetch(t, c, 1)[0]
	store(t, c, newResult(1, 0, "w"))
	check(t, lease.Done(t.Context()))
	check(t, c.Publish(t.Context(), newJob(1, 2)))
	again := fetch(t, c, 1)[0]
	have, err := c.Stored(t.Context(), 1, 2)
	check(t, err)
	if !slices.Equal(have, []bool{true, false}) || again.Deliveries() != 1 {
		t.Errorf("stored %v, delivery %d", have, again.Deliveries())
	}
}

func store(t testing.TB, c *Conn, r data.Rollout) {
	t.Helper()
	stored, err := c.PublishResult(t.Context(), r)
	check(t, err)
	if !stored {
		t.Fatalf("%s was there already", r.ID)
	}
}

// A server that comes back has no jobs; the coordinator's connection puts those in
// again that are open, and no others.
func TestAServerThatComesBackGetsTheOpenJobsAgain(t *testing.T) {
	o := ServerOptions{Dir: t.TempDir(), Listen: freeAddress(t)}
	server, err := StartServer(o)
	check(t, err)
	c := connect(t, Options{URL: server.ClientURL()})
	check(t, c.Setup(t.Context()))
	for g := range 5 {
		check(t, c.Publish(t.Context(), newJob(g, 2)))
	}
	check(t, c.CancelJobs(t.Context(), []data.GroupID{3}))
	for _, g := range []int{0, 1} { // 0 is complete, 1 is not; both are closed
		lease := fetch(t, c, 1)[0]
		for slot := range 2 - g {
			store(t, c, newResult(g, slot, "w"))
		}
		check(t, lease.Done(t.Context()))
	}
	read(t, c, 3)
	held := fetch(t, c, 1)[0] // group 2
	server.Close()
	server, err = StartServer(o)
	check(t, err)
	defer server.Close()

	var again []data.GroupID
	for _, lease := range fetchPatiently(t, c, 3) {
		again = append(again, lease.Job().Group)
		if lease.Job().Group != 4 {
			check(t, lease.Done(t.Context()))
		}
	}
	slices.Sort(again)
	if !slices.Equal(again, []data.GroupID{1, 2, 4}) {
		t.Errorf("jobs of groups %v, want 1, 2 and 4", again)
	}
	check(t, held.Done(t.Context())) // done by another lease, no error
	noJob(t, c)
}

// fetchPatiently takes n jobs from a server that is just coming back.
func fetchPatiently(t *testing.T, c *Conn, n int) (leases []*Lease) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); len(leases) < n && time.Now().Before(deadline); {
		more, _ := c.Fetch(t.Context(), n-len(leases), 200*time.Millisecond)
		leases = append(leases, more...)
	}
	return leases
}

// A worker dies after one of three samples: after its lease, and not before,
// another gets the job and is asked for the two that are missing.
func TestALostWorkerCostsWhatItHadNotFinished(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		const lease = 20 * time.Minute
		c := setUp(t, Options{Lease: lease})
		check(t, c.Publish(t.Context(), newJob(1, 3)))
		begun := time.Now()
		_ = fetch(t, c, 1) // and never heard of again
		store(t, c, newResult(1, 1, "lost"))

		again := fetchWithin(t, c, lease+time.Minute)
		if waited := time.Since(begun); waited < lease || waited > lease+5*time.Second {
			t.Errorf("handed out again after %s, want %s", waited, lease)
		}
		if again.Deliveries() != 2 {
			t.Errorf("delivery %d, want 2", again.Deliveries())
		}
		have, err := c.Stored(t.Context(), 1, 3)
		check(t, err)
		if !slices.Equal(have, []bool{false, true, false}) {
			t.Errorf("stored: %v", have)
		}
	})
}

func fetchWithin(t *testing.T, c *Conn, limit time.Duration) *Lease {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		leases, err := c.Fetch(t.Context(), 1, 5*time.Second)
		check(t, err)
		if len(leases) > 0 {
			return leases[0]
		}
	}
	t.Fatalf("no job within %s", limit)
	return nil
}

func TestALivingWorkerKeepsItsJob(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		c := setUp(t, Options{Lease: 30 * time.Second})
		check(t, c.Publish(t.Context(), newJob(1, 1)))
		lease := fetch(t, c, 1)[0]
		for range 30 { // ten leases long
			time.Sleep(10 * time.Second)
			check(t, lease.Extend())
			noJob(t, c)
		}
		check(t, lease.Done(t.Context()))
		time.Sleep(time.Minute)
		noJob(t, c)
	})
}

func TestJobsGivenBackAndRejected(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		c := setUp(t, Options{Lease: time.Hour})
		check(t, c.Publish(t.Context(), newJob(1, 1)))
		begun := time.Now()
		check(t, fetch(t, c, 1)[0].Retry(time.Minute, "engine restarts"))
		again := fetchWithin(t, c, 2*time.Minute)
		if waited := time.Since(begun); waited < time.Minute || waited > time.Minute+10*time.Second {
			t.Errorf("handed out again after %s, want a minute", waited)
		}
		check(t, again.Reject("no engine can take it"))
		time.Sleep(2 * time.Hour)
		noJob(t, c)
	})
}

// Fetch gives what there is without waiting for more.
func TestFetchDoesNotHoldJobsBack(t *testing.T) {
	c := setUp(t, Options{})
	for g := range 3 {
		check(t, c.Publish(t.Context(), newJob(g, 1)))
	}
	begun := time.Now()
	leases, err := c.Fetch(t.Context(), 10, time.Minute)
	check(t, err)
	if len(leases) != 3 || time.Since(begun) > 10*time.Second {
		t.Errorf("%d jobs after %s", len(leases), time.Since(begun))
	}
	go func() {
		time.Sleep(50 * time.Millisecond)
		_ = c.Publish(context.WithoutCancel(t.Context()), newJob(7, 1))
	}()
	leases, err = c.Fetch(t.Context(), 10, time.Minute)
	check(t, err)
	if len(leases) != 1 || time.Since(begun) > 10*time.Second {
		t.Errorf("%d jobs after %s", len(leases), time.Since(begun))
	}
	if none, err := c.Fetch(t.Context(), 0, time.Hour); len(none) != 0 || err != nil {
		t.Errorf("a fetch of none: %d, %v", len(none), err)
	}
}

// A worker that stops while it waits does not take a job with it.
func TestAStoppedFetchLosesNothing(t *testing.T) {
	c := setUp(t, Options{Lease: time.Hour})
	for g := range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan []*Lease)
		go func() {
			leases, _ := c.Fetch(ctx, 1, time.Minute)
			done <- leases
		}()
		time.Sleep(10 * time.Millisecond)
		go cancel()
		check(t, c.Publish(t.Context(), newJob(g, 1)))
		leases := <-done
		if len(leases) == 0 {
			leases = fetch(t, c, 1)
		}
		check(t, leases[0].Done(t.Context()))
		cancel()
	}
}

func TestCancelledJobsAreGoneAndWorkersHearOfThem(t *testing.T) {
	c := setUp(t, Options{Lease: time.Second})
	heard := make(chan []data.GroupID, 1)
	check(t, c.OnCancel(t.Context(), func(g []data.GroupID) { heard <- g }))
	for g := 1; g <= 3; g++ {
		check(t, c.Publish(t.Context(), newJob(g, 1)))
	}
	held := fetch(t, c, 1)[0] // group 1, in a worker's hands
	check(t, c.CancelJobs(t.Context(), nil))
	check(t, c.CancelJobs(t.Context(), []data.GroupID{1, 3}))
	select {
	case groups := <-heard:
		if !slices.Equal(groups, []data.GroupID{1, 3}) {
			t.Errorf("heard of %v", groups)
		}
	case <-time.After(10 * time.Second):
		t.Error("workers were not told")
	}
	if left := fetch(t, c, 1)[0]; left.Job().Group != 2 {
		t.Errorf("left is %s, want group 2", left.Job().Group)
	} else {
		check(t, left.Done(t.Context()))
	}
	check(t, held.Done(t.Context())) // no error for what is gone
	time.Sleep(1500 * time.Millisecond)
	noJob(t, c)
	check(t, c.Publish(t.Context(), newJob(1, 1)))
	fetch(t, c, 1)
}

func TestAnUnreadableJobIsLeftToOthers(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		c := setUp(t, Options{})
		other, _ := encodeJob(&data.Job{Group: 5, Size: 1})
		for subject, payload := range map[string][]byte{c.names.job(1): []byte("rwj\x02future"), c.names.job(2): other} {
			_, err := c.js.Publish(t.Context(), subject, payload)
			check(t, err)
		}
		check(t, c.Publish(t.Context(), newJob(3, 1)))
		leases, err := c.Fetch(t.Context(), 3, time.Second)
		if len(leases) != 1 || leases[0].Job().Group != 3 {
			t.Errorf("%d jobs are good, want group 3", len(leases))
		}
		if !errors.Is(err, ErrFrame) {
			t.Errorf("error: %v", err)
		}
		time.Sleep(unreadable + time.Second)
		if _, err := c.Fetch(t.Context(), 3, time.Second); !errors.Is(err, ErrFrame) {
			t.Errorf("they did not come again: %v", err)
		}
	})
}

func TestAJobTooLargeIsAnErrorAtOnce(t *testing.T) {
	c := setUp(t, Options{})
	job := newJob(1, 1)
	job.PromptIDs = make([]int32, MaxMessage/4)
	if err := c.Publish(t.Context(), job); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error: %v", err)
	}
	job.PromptIDs = job.PromptIDs[:MaxMessage/4-2000]
	check(t, c.Publish(t.Context(), job))
	if got := fetch(t, c, 1)[0].Job().PromptIDs; len(got) != len(job.PromptIDs) {
		t.Errorf("%d ids, want %d", len(got), len(job.PromptIDs))
	}
}

func TestSetupChecksWhatIsThere(t *testing.T) {
	server := startServer(t, ServerOptions{})
	first := connect(t, Options{InProcess: server, Durability: Fsync})
	check(t, first.Setup(t.Context()))
	check(t, first.Publish(t.Context(), newJob(1, 1)))
	check(t, connect(t, Options{InProcess: server, Durability: Interval, Lease: time.Minute}).Setup(t.Context()))
	fetch(t, first, 1) // what was there is there
	consumer, err := first.js.Consumer(t.Context(), first.names.jobs(), workers)
	check(t, err)
	if lease := consumer.CachedInfo().Config.AckWait; lease != time.Minute {
		t.Errorf("the lease is %s after it was set to a minute", lease)
	}

	err = connect(t, Options{InProcess: server, Durability: Memory}).Setup(t.Context())
	if !errors.Is(err, ErrOtherConfig) {
		t.Errorf("memory where files were: %v", err)
	}
	if err := connect(t, Options{InProcess: server, Run: "three", Replicas: 3}).Setup(t.Context()); err == nil || !strings.Contains(err.Error(), "replicas") {
		t.Errorf("three replicas on one server: %v", err)
	}
	if _, err := connect(t, Options{InProcess: server, Run: "other"}).Fetch(t.Context(), 1, time.Second); !errors.Is(err, ErrNotSetUp) {
		t.Errorf("a run nobody set up: %v", err)
	}
	check(t, connect(t, Options{InProcess: server, Run: "other", Durability: Memory}).Setup(t.Context()))
	runs, err := Runs(t.Context(), Options{InProcess: server})
	slices.Sort(runs)
	if err != nil || !slices.Equal(runs, []string{"other", "test"}) {
		t.Errorf("runs %v, %v", runs, err)
	}
}

// TestSetupRefusesAnotherRun: of two runs of one name the second must not take the
// first's samples for its own.
func TestSetupRefusesAnotherRun(t *testing.T) {
	server := startServer(t, ServerOptions{})
	check(t, connect(t, Options{InProcess: server, Origin: "a"}).Setup(t.Context()))
	check(t, connect(t, Options{InProcess: server, Origin: "a"}).Setup(t.Context()))
	if err := connect(t, Options{InProcess: server, Origin: "b"}).Setup(t.Context()); !errors.Is(err, ErrOtherRun) {
		t.Errorf("another run of the name was set up: %v", err)
	}
}
