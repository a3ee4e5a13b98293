// Package sandbox runs untrusted programs, each in a fresh process from which
// nothing comes out but bytes: see [Sandbox].
//
// A worker is one warm Python interpreter, the zygote, first process of user,
// mount, pid, network, ipc, uts and cgroup namespaces of its own, with a small
// read-only view of the machine. For each job it forks a child into a further
// pid namespace, so that with the child everything dies that it started. The
// child gives up its capabilities and its user id, takes limits, a Landlock rule
// set and a filter of system calls, and only then runs the program. Output goes
// to files in memory that the caller holds; what a program should print never
// enters.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Options say how a sandbox is made.
type Options struct {
	// Workers is how many programs run at a time; at least 1.
	Workers int
	// Python is the interpreter: a path or a name in PATH; "" for python3.
	Python string
	// Degraded consents to a sandbox that lacks what this kernel does not offer.
	Degraded bool
}

// ErrClosed is returned for work brought to a closed [Sandbox].
var ErrClosed = errors.New("the sandbox is closed")

// Sandbox runs jobs on a fixed number of workers, which start when they are
// first needed and live until Close, or until this process ends, however it
// ends. It is safe for concurrent use.
type Sandbox struct {
	opts  Options
	idle  chan *worker // nil for a worker that has yet to start
	ready func() (*plan, error)

	mu     sync.Mutex
	closed bool
	all    map[*worker]bool
}

// New makes a sandbox. It starts nothing, and finds out what the kernel offers
// only when it is first used.
func New(o Options) *Sandbox {
	o.Workers = max(o.Workers, 1)
	s := &Sandbox{opts: o, idle: make(chan *worker, o.Workers), all: map[*worker]bool{}}
	s.ready = sync.OnceValues(func() (*plan, error) { return makePlan(o) })
	for range o.Workers {
		s.idle <- nil
	}
	return s
}

// Ready says whether programs can be run, and what the sandbox lacks: nothing
// unless Options.Degraded allowed it. The error of an incomplete sandbox is an
// [*Incomplete].
func (s *Sandbox) Ready() (lacks []string, err error) {
	p, err := s.ready()
	if err != nil {
		return nil, err
	}
	return p.lacks, nil
}

// Python is the version of the interpreter, "" before the first worker started.
func (s *Sandbox) Python() string {
	if p, err := s.ready(); err == nil {
		return p.python.Version
	}
	return ""
}

// Run waits for a worker and runs a job on it. An error is trouble outside the
// program: the sandbox cannot start, ctx ended (the outcome then
// tells what the job had used). A program that takes its worker
// down with it twice is at fault itself: the outcome is [Crashed].
func (s *Sandbox) Run(ctx context.Context, job Job) (Outcome, error) {
	p, err := s.ready()
	if err != nil {
		return Outcome{}, err
	}
	began := time.Now()
	for range 2 {
		w, err := s.take(ctx, p)
		if err != nil {
			return Outcome{Queued: time.Since(began)}, err
		}
		waited := time.Since(began)
		out, err := w.run(ctx, &job)
		s.give(w)
		if !errors.Is(err, errLost) {
			out.Queued = waited // also of a job that ctx ended
			return out, err
		}
	}
	return Outcome{End: Crashed, Message: "the program took the sandbox's process down with it, twice"}, nil
}

// take waits for an idle worker, and starts it where it is not running.
func (s *Sandbox) take(ctx context.Context, p *plan) (*worker, error) {
	var w *worker
	select {
	case w = <-s.idle:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if w != nil && !w.lost {
		return w, nil
	}
	w, err := s.start(p)
	if err != nil {
		s.idle <- nil
		return nil, err
	}
	return w, nil
}

func (s *Sandbox) start(p *plan) (*worker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	w, err := startWorker(p)
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	s.all[w] = true
	return w, nil
}

// give brings a worker back, or its empty place if it is lost.
func (s *Sandbox) give(w *worker) {
	if w.lost {
		w.close()
		s.mu.Lock()
		delete(s.all, w)
		s.mu.Unlock()
		w = nil
	}
	s.idle <- w
}

// Close ends all workers and what they run. Jobs under way give an error or
// [Crashed]; later ones give [ErrClosed]. It may be called again.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for w := range s.all {
		w.close()
	}
	clear(s.all)
	return nil
}

// Pids are the processes of the running workers, in this process's pid
// namespace: for tests and for doctor.
func (s *Sandbox) Pids() (pids []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.all {
		pids = append(pids, w.process.Pid)
	}
	return pids
}

// Incomplete is why a sandbox refuses to run programs.
type Incomplete struct {
	Lacks []string // what is missing, each with its reason
}

func (e *Incomplete) Error() string {
	text := "the sandbox is incomplete here"
	for i, l := range e.Lacks {
		text += map[bool]string{true: ": ", false: "; "}[i == 0] + l
	}
	return text + "; docs/operations.md says what each needs; ROPEWALK_SANDBOX=degraded runs programs all the same"
}

// degradedByEnv reports whether the environment consents to a degraded sandbox.
func degradedByEnv() bool { return os.Getenv("ROPEWALK_SANDBOX") == "degraded" }
