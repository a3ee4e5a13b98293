package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// BenchmarkPlain is what BenchmarkCycle is to be compared with, on the same
// machine at the same time: the cycle written straight down with JetStream's usual
// means (deduplicated publishes, Next, DoubleAck, a durable consumer of results
// that acknowledges each), one result per job.
func BenchmarkPlain(b *testing.B) {
	for _, o := range []cycle{
		{durability: Fsync, tokens: 16 << 10, group: 1},
		{durability: Interval, tokens: 16 << 10, group: 1},
		{durability: Interval, tokens: 16 << 10, group: 1, tcp: true},
		{durability: Fsync, tokens: 512, group: 1},
		{durability: Interval, tokens: 512, group: 1},
	} {
		b.Run(o.String(), o.plain)
	}
}

func (o cycle) plain(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	server := startServer(b, ServerOptions{Durability: o.durability, Listen: "127.0.0.1:0"})
	dial := func() jetstream.JetStream {
		options := []nats.Option{nats.InProcessServer(server.nats)}
		if o.tcp {
			options = nil
		}
		nc, err := nats.Connect(server.ClientURL(), options...)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(nc.Close)
		js, err := jetstream.New(nc)
		if err != nil {
			b.Fatal(err)
		}
		return js
	}
	js := dial()
	jobs, results := plainSetup(ctx, b, js)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	for range benchWorkers {
		js := dial()
		jobs, err := js.Consumer(ctx, "JOBS", jobs)
		if err != nil {
			b.Fatal(err)
		}
		group.Go(func() { o.plainWork(ctx, b, js, jobs) })
	}
	room := make(chan struct{}, benchAhead)
	done := make(chan struct{})
	var seen, next atomic.Int64
	consuming, err := results.Consume(func(m jetstream.Msg) {
		if err := m.Ack(); err != nil {
			b.Error(err)
		}
		<-room
		if seen.Add(1) == int64(b.N) {
			close(done)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer consuming.Stop()
	b.ResetTimer()
	start := time.Now()
	for range 16 {
		group.Go(func() {
			for g := next.Add(1); g <= int64(b.N); g = next.Add(1) {
				room <- struct{}{}
				if _, err := js.Publish(ctx, fmt.Sprint("job.", g), make([]byte, 1<<10)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	<-done
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "results/s")
	b.StopTimer()
}

func plainSetup(ctx context.Context, b *testing.B, js jetstream.JetStream) (jobs string, results jetstream.Consumer) {
	jobStream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "JOBS", Subjects: []string{"job.*"}, Retention: jetstream.WorkQueuePolicy,
		Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxMsgsPerSubject: 1})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := jobStream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "jobs", MaxAckPending: maxPending}); err != nil {
		b.Fatal(err)
	}
	resultStream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "RES", Subjects: []string{"res.*"}})
	if err != nil {
		b.Fatal(err)
	}
	results, err = resultStream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "coordinator", MaxAckPending: maxPending})
	if err != nil {
		b.Fatal(err)
	}
	return "jobs", results
}

func (o cycle) plainWork(ctx context.Context, b *testing.B, js jetstream.JetStream, jobs jetstream.Consumer) {
	result := make([]byte, o.tokens*8)
	for ctx.Err() == nil {
		m, err := jobs.Next(jetstream.FetchMaxWait(time.Second))
		if err != nil {
			if !errors.Is(err, nats.ErrTimeout) && ctx.Err() == nil {
				b.Error(err)
			}
			continue
		}
		id := m.Subject()[len("job."):]
		if _, err := js.Publish(ctx, "res."+id, result, jetstream.WithMsgID(id)); err != nil && ctx.Err() == nil {
			b.Error(err)
		}
		if err := m.DoubleAck(ctx); err != nil && ctx.Err() == nil {
			b.Error(err)
		}
	}
}
