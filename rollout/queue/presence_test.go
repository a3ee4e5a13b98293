package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWorkersAreSeenUntilTheyFallSilent(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		c := setUp(t, Options{})
		worker := connect(t, c.options)
		if present := c.Workers(); len(present) != 0 {
			t.Errorf("present before any: %v", present)
		}
		ctx, leave := context.WithCancel(t.Context())
		stays := Presence{Worker: "b", State: "serving", Version: 3, Running: 12}
		dies := Presence{Worker: "a host.with/odd name", State: "loading", Version: -1}
		gone := make(chan bool)
		go func() {
			worker.KeepBeating(ctx, func() Presence { return stays })
			close(gone)
		}()
		check(t, worker.Beat(t.Context(), dies))
		time.Sleep(3*BeatEvery - time.Second)
		if diff := cmp.Diff([]Presence{dies, stays}, c.Workers()); diff != "" {
			t.Error(diff)
		}
		time.Sleep(2 * time.Second)
		if diff := cmp.Diff([]Presence{stays}, c.Workers()); diff != "" {
			t.Error("after a silence:\n", diff)
		}
		leave()
		<-gone
		time.Sleep(time.Second)
		synctest.Wait()
		if present := c.Workers(); len(present) != 0 {
			t.Errorf("present after saying goodbye: %v", present)
		}
	})
}

func TestForgedHeartbeatsAreBounded(t *testing.T) {
	p := &presence{last: map[string]beat{}}
	for i := range maxPresent + 10 {
		p.beat(beat{Presence: Presence{Worker: string(rune(i + 1))}, at: time.Now()})
	}
	if len(p.last) > maxPresent {
		t.Errorf("%d workers remembered", len(p.last))
	}
}
