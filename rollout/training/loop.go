// Package training holds the goroutines around the coordinator: it carries events in
// and effects out, starts and supervises engines, workers and the trainer, and
// keeps the run folder.
//
// Who waits for whom:
//
//	loop goroutine     events: rendered prompts, samples, verdicts, versions
//	render goroutines  a worker that tokenises
//	results goroutine  the queue
//	grader pool        graders, each answer within a deadline
//	writer goroutine   the disk
//	weights goroutine  the trainer's STABLE marker
//	watch goroutine    nothing happening for run.stall: it says who waits for whom
package training

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// Queue is what the loop needs of the queue.
type Queue interface {
	Publish(ctx context.Context, job data.Job) error
	// Results hands over every stored sample from the oldest on, then new ones as
	// they come, with its place in the stream, until ctx ends.
	Results(ctx context.Context, got func(r data.Rollout, seq uint64) error) error
	// Forget drops stored samples before a place in the stream.
	Forget(ctx context.Context, before uint64) error
}

// Grade judges one answer; it is total.
type Grade func(ctx context.Context, p *data.Problem, response string) data.Verdict

// Loop carries events to the coordinator and effects from it.
type Loop struct {
	Config      *config.Config
	Coordinator *rollout.Coordinator
	Queue       Queue
	Renderer    *rollout.Renderer
	Grade       Grade
	Store       *Store
	// Versions delivers each policy version once workers can have it.
	Versions <-chan int
	// Batch is told of every batch once it is on disk.
	Batch func(rollout.Batch)
	// Problem says, when the run stalls, what is known of its workers.
	Workers func() string
	Log     *slog.Logger

	inbox   *mailbox[message]
	writes  *mailbox[rollout.Batch]
	purge   *mailbox[uint64]
	seqs    map[data.GroupID]uint64 // place in the stream of a group's first sample
	lastSeq uint64
	lastSet atomic.Int64 // unix nanoseconds of the last event
	waiting atomic.Pointer[string]
}

// maxRenders bounds the prompts being tokenised at a time.
const maxRenders = 16

// errFinished ends the loop's goroutines when all batches are written.
var errFinished = errors.New("finished")

// Run works until all batches are written (nil), ctx ends, or the run fails.
func (l *Loop) Run(ctx context.Context) error {
	l.inbox, l.writes, l.purge = newMailbox[message](), newMailbox[rollout.Batch](), newMailbox[uint64]()
	l.seqs = map[data.GroupID]uint64{}
	l.touch()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.results(ctx) })
	group.Go(func() error { return l.versions(ctx) })
	group.Go(func() error { return l.write(ctx) })
	group.Go(func() error { return l.forget(ctx) })
	group.Go(func() error { return l.watch(ctx) })
	group.Go(func() error { return l.decide(ctx, group) })
	if err := group.Wait(); !errors.Is(err, errFinished) {
		return err
	}
	return nil
}

// message is what reaches the deciding goroutine: an event, with its place in the
// stream if it is a sample; or the news that groups below closed are on disk.
type message struct {
	event  rollout.Event
	seq    uint64
	closed data.GroupID
}

func (l *Loop) results(ctx context.Context) error {
	return l.Queue.Results(ctx, func(r data.Rollout, seq uint64) error {
		l.inbox.put(message{event: rollout.Arrived{Rollout: r}, seq: seq})
		return nil
	})
}

func (l *Loop) versions(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case v, ok := <-l.Versions:
			if !ok {
				return nil
			}
			l.inbox.put(message{event: rollout.Advanced{Version: v}})
		}
	}
}

// decide is the only goroutine that touches the coordinator.
func (l *Loop) decide(ctx context.Context, group *errgroup.Group) error {
	renders := semaphore.NewWeighted(maxRenders)
	graders := semaphore.NewWeighted(int64(max(1, l.Config.Grading.Workers)))
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.inbox.bell:
		}
		for _, m := range l.inbox.take() {
			l.place(m)
			if m.event == nil {
				continue
			}
			effects, err := l.Coordinator.Step(m.event)
			if err != nil {
				return err
			}
			for _, effect := range effects {
				l.carryOut(ctx, group, renders, graders, effect)
			}
		}
		waiting := l.Coordinator.Waiting()
		l.waiting.Store(&waiting)
		l.touch()
	}
}

// place notes where in the stream a group's samples begin and, once groups are
// closed on disk, asks for what lies before the oldest open group to be dropped.
func (l *Loop) place(m message) {
	if a, ok := m.event.(rollout.Arrived); ok {
		l.lastSeq = max(l.lastSeq, m.seq)
		if first, known := l.seqs[a.Rollout.Group]; !known || m.seq < first {
			l.seqs[a.Rollout.Group] = m.seq
		}
	}
	if m.event != nil {
		return
	}
	before := l.lastSeq + 1
	for group, seq := range l.seqs {
		if group < m.closed {
			delete(l.seqs, group)
		} else {
			before = min(before, seq)
		}
	}
	l.purge.put(before)
}

func (l *Loop) carryOut(ctx context.Context, group *errgroup.Group, renders, graders *semaphore.Weighted, effect rollout.Effect) {
	switch e := effect.(type) {
	case rollout.Render:
		group.Go(func() error { return l.render(ctx, renders, e) })
	case rollout.Publish:
		group.Go(func() error { return l.Queue.Publish(ctx, e.Job) })
	case rollout.Judge:
		group.Go(func() error { return l.judge(ctx, graders, e) })
	case rollout.Write:
		l.writes.put(e.Batch)
	case rollout.Finish:
		l.Log.Info("all batches decided", "batches", e.Batches, "because", e.Why)
		l.writes.put(rollout.Batch{Number: -1})
	}
}

// render retries for as long as the run lives: no worker may be there yet. Only
// a prompt that can never fit is reported as such.
func (l *Loop) render(ctx context.Context, limit *semaphore.Weighted, e rollout.Render) error {
	if err := limit.Acquire(ctx, 1); err != nil {
		return err
	}
	defer limit.Release(1)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		ids, cut, err := l.Renderer.Render(ctx, &e.Spec, e.Problem)
		if err == nil || rollout.IsTooLong(err) {
			l.inbox.put(message{event: rollout.Rendered{Group: e.Spec.Group, PromptIDs: ids, Cut: cut, Err: err}})
			return nil
		}
		level := slog.LevelDebug // no worker yet, as at every start
		if pause >= 2*time.Second {
			level = slog.LevelWarn
		}
		l.Log.Log(ctx, level, "rendering again", "group", e.Spec.Group, "because", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (l *Loop) judge(ctx context.Context, limit *semaphore.Weighted, e rollout.Judge) error {
	if err := limit.Acquire(ctx, 1); err != nil {
		return err
	}
	defer limit.Release(1)
	verdict := l.Grade(reward.WithTokens(ctx, len(e.Rollout.CompletionIDs)), e.Problem, e.Rollout.Text)
	if ctx.Err() != nil {
		return ctx.Err() // a verdict made while stopping says nothing about the answer
	}
	judged := rollout.Judged{Rollout: e.Rollout.ID, Group: e.Rollout.Group, Slot: e.Rollout.Slot, Verdict: verdict}
	l.inbox.put(message{event: judged})
	return nil
}

// write makes batches durable, in order.
func (l *Loop) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.writes.bell:
		}
		for _, b := range l.writes.take() {
			if b.Number < 0 {
				return errFinished
			}
			if err := l.Store.Write(b); err != nil {
				return fmt.Errorf("writing batch %d: %w", b.Number, err)
			}
			l.inbox.put(message{closed: b.Next})
			l.Batch(b)
		}
	}
}

// forget drops samples of closed groups from the queue. It is housekeeping:
// failing, it is retried with the next batch.
func (l *Loop) forget(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.purge.bell:
		}
		var before uint64
		for _, seq := range l.purge.take() {
			before = max(before, seq)
		}
		if err := l.Queue.Forget(ctx, before); err != nil && ctx.Err() == nil {
			l.Log.Warn("samples of closed groups stay in the queue for now", "error", err)
		}
	}
}

// watch says who waits for whom when nothing happens, and ends a run that waits
// beyond hope.
func (l *Loop) watch(ctx context.Context) error {
	tick := time.NewTicker(max(10*time.Millisecond, l.Config.Run.Stall/4))
	defer tick.Stop()
	said := time.Now()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		idle := time.Since(time.Unix(0, l.lastSet.Load()))
		if idle > l.Config.Run.GiveUp {
			return fmt.Errorf("gave up: nothing has happened for %s (run.give_up); waiting for %s; %s", idle.Round(time.Second), l.waitingFor(), l.Workers())
		}
		if idle > l.Config.Run.Stall && time.Since(said) > l.Config.Run.Stall {
			said = time.Now()
			l.Log.Warn("stalled", "for", idle.Round(time.Second), "waiting_for", l.waitingFor(), "workers", l.Workers())
		}
	}
}

func (l *Loop) waitingFor() string {
	if s := l.waiting.Load(); s != nil {
		return *s
	}
	return "the trainer, for version 0"
}

func (l *Loop) touch() { l.lastSet.Store(time.Now().UnixNano()) }
