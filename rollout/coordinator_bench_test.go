package rollout

import (
	"testing"
	"time"
)

// BenchmarkCoordinator is the coordinator's own work for one rollout, from the
// decision about its group to its batch, and how long the last verdict of a
// batch takes to become the Write effect.
func BenchmarkCoordinator(b *testing.B) {
	cfg := testConfig()
	cfg.Recipe.GroupSize, cfg.Recipe.GroupsPerBatch, cfg.Recipe.MaxDrops = 8, 64, 1000
	cfg.Run.Steps = 1 << 30
	w := newWorld(cfg, 1)
	c := w.start(b)
	var last time.Duration
	batches := 0
	b.ResetTimer()
	for rollouts := 0; rollouts < b.N; {
		e := w.events[0]
		w.events = w.events[1:]
		if _, ok := e.(Judged); ok {
			rollouts++
		}
		before := time.Now()
		effects, err := c.Step(e)
		if err != nil {
			b.Fatal(err)
		}
		step := time.Since(before)
		for _, effect := range effects {
			if _, ok := effect.(Write); ok {
				last += step
				batches++
			}
			w.do(effect)
		}
		w.batches = w.batches[:0]
		clear(w.asked)
	}
	b.ReportMetric(float64(last.Microseconds())/float64(max(1, batches)), "µs/batch-assembly")
}
