package external

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// After a crash a process starts again at once; after more without a reply in
// between, it waits twice as long each time.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 10 * time.Second
	maxPatience  = 4 // crashes in a row up to which an answer waits for the restart
)

var errClosed = errors.New("the grader is closed")

// pool is the processes of one program.
type pool struct {
	name string
	argv []string
	room chan struct{} // as many as there are idle seats
	size int
	mu   sync.Mutex
	idle []*seat         // the one used last on top, so that no more processes start than are needed
	ctx  context.Context // ends with the pool
	end  context.CancelCauseFunc
	once sync.Once
}

// seat is room for one process, and what is remembered of those before it.
type seat struct {
	running *process
	crashes int // in a row
	notTill time.Time
	last    error // of the last crash
}

func newPool(name string, p Program) *pool {
	q := &pool{name: name, argv: p.Argv, room: make(chan struct{}, p.Workers), size: p.Workers}
	q.ctx, q.end = context.WithCancelCause(context.Background())
	for range p.Workers {
		q.release(&seat{})
	}
	return q
}

// take gives a seat to a caller that has received from room.
func (q *pool) take() *seat {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.idle[len(q.idle)-1]
	q.idle = q.idle[:len(q.idle)-1]
	return s
}

func (q *pool) release(s *seat) {
	q.mu.Lock()
	q.idle = append(q.idle, s)
	q.mu.Unlock()
	q.room <- struct{}{}
}

// grade waits for a process and asks it.
func (q *pool) grade(outer context.Context, line []byte, id int64) data.Verdict {
	ctx, cancel := inside(outer)
	defer cancel()
	select {
	case <-q.room:
		s := q.take()
		defer q.release(s)
		return q.ask(ctx, s, line, id)
	case <-ctx.Done():
		return gaveUp(ctx, "command %q: all %d processes were busy", q.name, q.size)
	case <-q.ctx.Done():
		return failed("command %q: %v", q.name, errClosed)
	}
}

func (q *pool) ask(ctx context.Context, s *seat, line []byte, id int64) data.Verdict {
	if err := q.ready(ctx, s); err != nil {
		if ctx.Err() != nil {
			return gaveUp(ctx, "command %q: %v", q.name, err)
		}
		return failed("command %q: %v", q.name, err)
	}
	p := s.running
	hurried := context.AfterFunc(ctx, p.hurry)
	closed := context.AfterFunc(q.ctx, p.hurry)
	defer closed()
	text, err := p.talk(line)
	if !hurried() {
		// The reply, if there is one, came too late to be sure that it was read whole.
		s.running = nil
		p.kill()
		return gaveUp(ctx, "command %q was not done by its deadline and was killed", q.name)
	}
	var v data.Verdict
	if err == nil {
		v, err = decode(text, id)
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = errClosed
		}
		return failed("command %q %v", q.name, s.crashed(p.autopsy(err)))
	}
	s.crashes = 0
	return v
}

// ready sees to it that the seat has a process that runs.
func (q *pool) ready(ctx context.Context, s *seat) error {
	if q.ctx.Err() != nil {
		return errClosed
	}
	if s.running != nil && s.running.gone() {
		s.running.kill() // it ended between two answers: for its pipes, and what it left behind
		s.running = nil
	}
	if s.running != nil {
		return nil
	}
	if wait := time.Until(s.notTill); wait > 0 {
		if s.crashes > maxPatience {
			return fmt.Errorf("not asked: it failed %d times in a row and starts again in %v; it %w", s.crashes, wait.Round(time.Millisecond), s.last)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("waiting to start again after %d failures in a row; it %w", s.crashes, s.last)
		case <-q.ctx.Done():
			return errClosed
		}
	}
	p, err := startProcess(q.argv)
	if err != nil {
		return s.crashed(fmt.Errorf("cannot be started: %w", err))
	}
	s.running = p
	return nil
}

// crashed remembers a failure and gives it back.
func (s *seat) crashed(err error) error {
	s.running = nil
	s.last = err
	s.crashes++
	if s.crashes > 1 {
		s.notTill = time.Now().Add(min(firstBackoff<<min(s.crashes-2, 20), maxBackoff))
	}
	return err
}

// close ends the processes, those that are being asked too.
func (q *pool) close() {
	q.once.Do(func() {
		q.end(errClosed)
		var ending sync.WaitGroup
		for range q.size { // each one comes back, for the talks have been cut short
			<-q.room
			if p := q.take().running; p != nil {
				ending.Go(p.end)
			}
		}
		ending.Wait()
	})
}
