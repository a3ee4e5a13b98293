package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// BenchmarkCycle is the whole way of a sample, repeated: job published, fetched,
// result published, job closed, result at the coordinator. 64 workers, each with
// a connection of its own, work on one group at a time; server, coordinator and
// workers share the machine. One operation is one result.
//
// In names, G is the results of a job, and "together" means that a worker
// publishes a group's results at the same time, as an engine given the whole
// group does; otherwise one after the other.
func BenchmarkCycle(b *testing.B) {
	for _, o := range []cycle{
		{durability: Fsync, tokens: 16 << 10, group: 1},
		{durability: Interval, tokens: 16 << 10, group: 1},
		{durability: Memory, tokens: 16 << 10, group: 1},
		{durability: Interval, tokens: 16 << 10, group: 1, tcp: true},
		{durability: Fsync, tokens: 512, group: 1},
		{durability: Interval, tokens: 512, group: 1},
		{durability: Fsync, tokens: 16 << 10, group: 8},
		{durability: Fsync, tokens: 16 << 10, group: 8, together: true},
		{durability: Interval, tokens: 16 << 10, group: 8, together: true},
		{durability: Fsync, tokens: 512, group: 8},
		{durability: Fsync, tokens: 512, group: 8, together: true},
		{durability: Interval, tokens: 512, group: 8, together: true},
		{durability: Fsync, tokens: 16 << 10, group: 8, together: true, tcp: true},
	} {
		b.Run(o.String(), o.run)
	}
}

type cycle struct {
	durability string
	tokens     int // of a result; 8 bytes each
	group      int
	together   bool
	tcp        bool
}

func (o cycle) String() string {
	name := fmt.Sprintf("%s/%dKB/G%d", o.durability, o.tokens*8>>10, o.group)
	if o.together {
		name += "together"
	}
	if o.tcp {
		name += "/tcp"
	}
	return name
}

const (
	benchWorkers = 64
	benchAhead   = 256 // jobs open at a time
)

func (o cycle) run(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	server := startServer(b, ServerOptions{Durability: o.durability, Listen: "127.0.0.1:0"})
	connect := func(name string) *Conn {
		options := Options{Run: "bench", Durability: o.durability, Name: name, InProcess: server}
		if o.tcp {
			options.InProcess, options.URL = nil, server.ClientURL()
		}
		return connect(b, options)
	}
	coordinator := connect("coordinator")
	if err := coordinator.Setup(ctx); err != nil {
		b.Fatal(err)
	}
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for i := range benchWorkers {
		worker := connect(fmt.Sprint("worker-", i))
		group.Go(func() { o.work(ctx, b, worker) })
	}
	jobs := (b.N + o.group - 1) / o.group
	room := make(chan struct{}, benchAhead)
	var next atomic.Int64
	b.ResetTimer()
	start := time.Now()
	for range 16 {
		group.Go(func() {
			for {
				g := next.Add(1)
				if g > int64(jobs) {
					return
				}
				room <- struct{}{}
				job := data.Job{Group: data.GroupID(g), Size: o.group, PromptIDs: make([]int32, 256)}
				if err := coordinator.Publish(ctx, job); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	o.collect(ctx, b, coordinator, jobs, room)
	b.ReportMetric(float64(jobs*o.group)/time.Since(start).Seconds(), "results/s")
	b.StopTimer()
}

func (o cycle) collect(ctx context.Context, b *testing.B, c *Conn, jobs int, room chan struct{}) {
	enough := fmt.Errorf("all there")
	open, seen := map[data.GroupID]int{}, 0
	err := c.Results(ctx, func(r data.Rollout, seq uint64) error {
		if len(r.CompletionIDs) != o.tokens {
			return fmt.Errorf("%s has %d tokens", r.ID, len(r.CompletionIDs))
		}
		if open[r.Group]++; open[r.Group] == o.group {
			delete(open, r.Group)
			<-room
		}
		if seen++; seen == jobs*o.group {
			return enough
		}
		return nil
	})
	if err != enough {
		b.Error(err)
	}
}

func (o cycle) work(ctx context.Context, b *testing.B, c *Conn) {
	ids, logprobs := make([]int32, o.tokens), make([]float32, o.tokens)
	for i := range ids {
		ids[i], logprobs[i] = rand.Int32N(150_000), -rand.Float32()
	}
	for ctx.Err() == nil {
		leases, err := c.Fetch(ctx, 1, time.Second)
		if err != nil && ctx.Err() == nil {
			b.Error(err)
			return
		}
		for _, lease := range leases {
			var samples sync.WaitGroup
			for slot := range o.group {
				publish := func() {
					r := data.Rollout{Group: lease.Job().Group, Slot: slot, CompletionIDs: ids, Logprobs: logprobs, Finish: data.FinishStop}
					if stored, err := c.PublishResult(ctx, r); (err != nil || !stored) && ctx.Err() == nil {
						b.Error(stored, err)
					}
				}
				if o.together {
					samples.Go(publish)
				} else {
					publish()
				}
			}
			samples.Wait()
			if err := lease.Done(ctx); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		}
	}
}

// BenchmarkCodec is a result of 4,096 tokens and 16 KB of text there and back.
func BenchmarkCodec(b *testing.B) {
	r := data.Rollout{CompletionIDs: make([]int32, 4096), Logprobs: make([]float32, 4096), Text: string(make([]byte, 16<<10)), Finish: data.FinishStop}
	frame, err := encodeResult(&r)
	check(b, err)
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(frame)))
		for b.Loop() {
			_, _ = encodeResult(&r)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(frame)))
		for b.Loop() {
			_, _ = decodeResult(frame)
		}
	})
}
