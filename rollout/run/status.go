package run

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/queue"
)

// status tells people how the run goes: a line per batch and, on a terminal, a
// last line that lives.
type status struct {
	out  io.Writer
	tty  bool
	cfg  *config.Config
	mu   sync.Mutex
	from time.Time
	done int // batches of this attempt
	base int // batches of earlier attempts
	last time.Time
	ver  int
	sum  int64 // completion tokens of the run
}

func newStatus(out io.Writer, tty bool, cfg *config.Config, l rollout.Ledger) *status {
	now := time.Now()
	return &status{out: out, tty: tty, cfg: cfg, from: now, last: now, base: l.Batches, ver: -1, sum: l.TotalTokens}
}

func (s *status) version(v int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ver = v
}

// batch prints one line: step, rewards by kind, what was dropped, speed, time left.
func (s *status) batch(b rollout.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	seconds := now.Sub(s.last).Seconds()
	tokens := b.TotalTokens - s.sum
	s.last, s.sum = now, b.TotalTokens
	s.done++
	line := fmt.Sprintf("step %d/%d  %s  dropped %s  %.0f tok/s  %.1fs", b.Number+1, s.cfg.Run.Steps,
		describeRewards(b.Groups), describeDropped(b.Dropped), float64(tokens)/seconds, seconds)
	if left := s.left(now); left > 0 {
		line += fmt.Sprintf("  %s left", left.Round(time.Second))
	}
	s.clear()
	fmt.Fprintln(s.out, line)
}

func (s *status) left(now time.Time) time.Duration {
	if s.done == 0 {
		return 0
	}
	per := now.Sub(s.from) / time.Duration(s.done)
	return per * time.Duration(s.cfg.Run.Steps-s.base-s.done)
}

func describeRewards(groups []*data.Group) string {
	sum, n := map[data.Kind]float64{}, map[data.Kind]float64{}
	for _, g := range groups {
		for _, m := range g.Members {
			if m.Counts {
				sum[g.Kind] += m.Reward
				n[g.Kind]++
			}
		}
	}
	var parts []string
	for _, kind := range []data.Kind{data.Direct, data.Refine, data.Aggregate} {
		if n[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%s %.3f", kind, sum[kind]/n[kind]))
		}
	}
	return "reward " + strings.Join(parts, " ")
}

func describeDropped(groups []*data.Group) string {
	if len(groups) == 0 {
		return "0"
	}
	counts := map[string]int{}
	for _, g := range groups {
		counts[g.Dropped]++
	}
	var parts []string
	for reason, n := range counts {
		parts = append(parts, fmt.Sprintf("%d %s", n, reason))
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

// live keeps the last line of a terminal current, until ctx ends.
func (s *status) live(ctx context.Context, conn *queue.Conn) error {
	if !s.tty {
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			s.clear()
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
		workers := describeWorkers(conn.Workers())
		s.mu.Lock()
		s.clear()
		fmt.Fprintf(s.out, "policy version %d · %s", s.ver, workers)
		s.mu.Unlock()
	}
}

func (s *status) clear() {
	if s.tty {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
}

// describeWorkers is "2 workers: worker-0 serving version 3, 64 samples; …".
func describeWorkers(workers []queue.Presence) string {
	if len(workers) == 0 {
		return "no workers"
	}
	var parts []string
	for _, w := range workers {
		parts = append(parts, fmt.Sprintf("%s %s version %d, %d samples", w.Worker, w.State, w.Version, w.Running))
	}
	const shown = 4
	if len(parts) > shown {
		parts = append(parts[:shown], fmt.Sprintf("%d more", len(parts)-shown))
	}
	return fmt.Sprintf("%d workers: %s", len(workers), strings.Join(parts, "; "))
}
