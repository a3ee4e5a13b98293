package reward

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

func TestPoolGradesAll(t *testing.T) {
	pool := NewPool(Default(), 4, time.Minute)
	defer pool.Close()
	const n = 500
	got := make([]<-chan data.Verdict, n)
	for i := range n {
		p := &data.Problem{Grader: "number", Gold: strconv.Itoa(i)}
		ch, err := pool.Grade(t.Context(), p, strconv.Itoa(i-i%2))
		if err != nil {
			t.Fatal(err)
		}
		got[i] = ch
	}
	for i, ch := range got {
		if v := <-ch; v.Score != float64(1-i%2) {
			t.Errorf("%d: got %+v", i, v)
		}
	}
}

// blocked is a pool whose one worker is busy until release is closed, with its
// queue full.
func blocked(t *testing.T) (pool *Pool, calls *atomic.Int64, release chan struct{}) {
	t.Helper()
	release, calls = make(chan struct{}), new(atomic.Int64)
	entered := make(chan struct{}, 100)
	slow := fake{"slow", func(context.Context) data.Verdict {
		entered <- struct{}{}
		<-release
		return data.Verdict{Status: data.Scored}
	}}
	pool = NewPool(newSet(t, slow), 1, time.Minute)
	for i := range 1 + queuePerWorker {
		if err := pool.Submit(t.Context(), &data.Problem{Grader: "slow"}, "", func(data.Verdict) { calls.Add(1) }); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			<-entered
		}
	}
	return pool, calls, release
}

func TestPoolIsBounded(t *testing.T) {
	pool, calls, release := blocked(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := pool.Submit(ctx, &data.Problem{Grader: "slow"}, "", func(data.Verdict) { t.Error("called for work that was not accepted") })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("submitting to a full queue: got %v", err)
	}
	close(release)
	pool.Close()
	if n := calls.Load(); n != 1+queuePerWorker {
		t.Errorf("%d verdicts, want %d", n, 1+queuePerWorker)
	}
	if err := pool.Submit(t.Context(), &data.Problem{}, "", func(data.Verdict) {}); !errors.Is(err, ErrPoolClosed) {
		t.Errorf("submitting to a closed pool: got %v", err)
	}
	pool.Close()
}

// Accepted work is answered even if its context ends while it waits.
func TestPoolAnswersCancelledWork(t *testing.T) {
	release := make(chan struct{})
	slow := fake{"slow", func(context.Context) data.Verdict { <-release; return data.Verdict{Status: data.Scored} }}
	pool := NewPool(newSet(t, slow, Exact{}), 1, time.Minute)
	defer pool.Close()
	if _, err := pool.Grade(t.Context(), &data.Problem{Grader: "slow"}, ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ch, err := pool.Grade(ctx, &data.Problem{Grader: "exact", Gold: "1"}, "1")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	close(release)
	if v := <-ch; v.Status != data.Error {
		t.Errorf("got %+v", v)
	}
}

// A grader that never returns costs each answer its deadline, not the pool.
func TestPoolOutlivesStuckGrader(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	stuck := fake{"stuck", func(context.Context) data.Verdict { <-release; return data.Verdict{} }}
	pool := NewPool(newSet(t, stuck, Exact{}), 2, 10*time.Millisecond)
	defer pool.Close()
	for range 10 {
		ch, err := pool.Grade(t.Context(), &data.Problem{Grader: "stuck"}, "")
		if err != nil {
			t.Fatal(err)
		}
		if v := <-ch; v.Status != data.Timeout {
			t.Fatalf("got %+v", v)
		}
	}
	ch, err := pool.Grade(t.Context(), &data.Problem{Grader: "exact", Gold: "1"}, "1")
	if err != nil {
		t.Fatal(err)
	}
	if v := <-ch; v.Score != 1 {
		t.Errorf("got %+v", v)
	}
}

func TestPoolCloseRaces(t *testing.T) {
	pool := NewPool(Default(), 2, time.Minute)
	var accepted, answered atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				err := pool.Submit(t.Context(), &data.Problem{Grader: "exact", Gold: "1"}, "1", func(data.Verdict) { answered.Add(1) })
				if err == nil {
					accepted.Add(1)
				} else if !errors.Is(err, ErrPoolClosed) {
					t.Error(err)
				}
			}
		})
	}
	time.Sleep(time.Millisecond)
	pool.Close()
	all.Wait()
	if accepted.Load() != answered.Load() {
		t.Errorf("accepted %d, answered %d", accepted.Load(), answered.Load())
	}
}
