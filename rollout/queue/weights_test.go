package queue

import (
	"context"
	"testing"
	"time"
)

func TestWeightsAreFollowedAcrossRestarts(t *testing.T) {
	o := ServerOptions{Dir: t.TempDir(), Listen: freeAddress(t)}
	server, err := StartServer(o)
	check(t, err)
	c := connect(t, Options{URL: server.ClientURL()})
	check(t, c.Setup(t.Context()))
	if _, ok, err := c.Current(t.Context()); ok || err != nil {
		t.Errorf("weights before the first: %v, %v", ok, err)
	}
	watch, err := c.WatchWeights(t.Context())
	check(t, err)
	for version := range 3 {
		want := Weights{Version: version, Dir: "/weights", SHA: "ab"}
		check(t, c.Announce(t.Context(), want))
		awaitWeights(t, watch, want)
		if got, ok, err := c.Current(t.Context()); got != want || !ok || err != nil {
			t.Errorf("current: %+v, %v, %v", got, ok, err)
		}
		server.Close()
		server, err = StartServer(o)
		check(t, err)
	}
	defer server.Close()
	// Whoever comes late gets the last, and only the last, though nobody looked.
	for version := 3; version < 50; version++ {
		check(t, c.Announce(t.Context(), Weights{Version: version}))
	}
	late, err := connect(t, Options{URL: server.ClientURL()}).WatchWeights(t.Context())
	check(t, err)
	if first := <-late; first.Version != 49 {
		t.Errorf("the late one sees version %d first", first.Version)
	}
	awaitWeights(t, watch, Weights{Version: 49})
}

func awaitWeights(t *testing.T, watch <-chan Weights, want Weights) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for last := -1; ; {
		select {
		case w, ok := <-watch:
			if !ok || w.Version < last {
				t.Fatalf("version %d after %d, channel open: %v", w.Version, last, ok)
			}
			if last = w.Version; w == want {
				return
			}
		case <-deadline:
			t.Fatalf("still at version %d, want %d", last, want.Version)
		}
	}
}

func TestWatchingEndsWithItsContext(t *testing.T) {
	c := setUp(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	watch, err := c.WatchWeights(ctx)
	check(t, err)
	cancel()
	if _, open := <-watch; open {
		t.Error("weights from nowhere")
	}
}
