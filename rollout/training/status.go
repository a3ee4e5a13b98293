package training

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
	// before is the share of the run that earlier attempts did.
	before float64
}

func newStatus(out io.Writer, tty bool, cfg *config.Config, l rollout.Ledger) *status {
	now := time.Now()
	s := &status{out: out, tty: tty, cfg: cfg, from: now, last: now, base: l.Batches, ver: -1, sum: l.TotalTokens}
	s.before = s.share()
	return s
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
	line := fmt.Sprintf("step %s  %s  dropped %s  %.0f tok/s  %.1fs", s.progress(b),
		describeRewards(b.Groups), describeDropped(b.Dropped), float64(tokens)/seconds, seconds)
	if left := s.left(now); left > 0 {
		line += fmt.Sprintf("  %s left", left.Round(time.Second))
	}
	s.clear()
	fmt.Fprintln(s.out, line)
}

// progress is "12/200", or "12 (34 %)" where the budget of tokens ends the run.
func (s *status) progress(b rollout.Batch) string {
	if s.cfg.Run.Tokens > 0 {
		return fmt.Sprintf("%d (%.0f %%)", b.Number+1, 100*s.share())
	}
	return fmt.Sprintf("%d/%d", b.Number+1, s.cfg.Run.Steps)
}

// share is how much of the run is done, by whichever limit ends it first.
func (s *status) share() float64 {
	share := float64(s.base+s.done) / float64(s.cfg.Run.Steps)
	if limit := s.cfg.Run.Tokens; limit > 0 {
		share = max(share, float64(s.sum)/float64(limit))
	}
	return min(1, share)
}

// left extrapolates from this attempt's share of the work.
func (s *status) left(now time.Time) time.Duration {
	worked := s.share() - s.before
	if worked <= 0 {
		return 0
	}
	return time.Duration(float64(now.Sub(s.from)) * (1 - s.share()) / worked)
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
