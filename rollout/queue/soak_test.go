package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestSoak: 64 workers, of whom one job in twenty dies, and 2,000 groups.
func TestSoak(t *testing.T) {
	server := startServer(t, ServerOptions{Durability: Interval, Listen: "127.0.0.1:0"})
	o := Options{InProcess: server, Durability: Interval, Lease: time.Second}
	coordinator := connect(t, o)
	check(t, coordinator.Setup(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l := &load{groups: 2000, size: 2}
	var running sync.WaitGroup
	for w := range 64 {
		o := o
		if w%2 == 0 {
			o.InProcess, o.URL = nil, server.ClientURL()
		}
		c := connect(t, o)
		running.Go(func() { l.work(ctx, t, c, fmt.Sprint("worker-", w), rand.New(rand.NewPCG(7, uint64(w)))) })
	}
	running.Go(func() { l.read(ctx, t, coordinator) })
	for p := range 8 {
		running.Go(func() {
			for g := p; g < l.groups; g += 8 {
				if err := coordinator.Publish(ctx, newJob(g, l.size)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	l.verify(t, coordinator)
}
