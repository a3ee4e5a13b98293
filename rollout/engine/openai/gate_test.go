package openai

import (
	"context"
	"errors"
	"testing"
	"time"
)

// enterNow takes a turn that is free; nil if there is none.
func enterNow(t *testing.T, g *gate) *pass {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	p, err := g.enter(ctx, 1)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return p
}

// round fills the gate and ends all that got in.
func round(t *testing.T, g *gate, o outcome) (n int) {
	t.Helper()
	var in []*pass
	for p := enterNow(t, g); p != nil; p = enterNow(t, g) {
		in = append(in, p)
	}
	for _, p := range in {
		p.done(o, o == putOff)
	}
	return len(in)
}

func TestGateDoublesThenHalvesThenCreeps(t *testing.T) {
	g := newGate(50, 0, 0)
	for i, want := range []int{8, 16, 32, 50, 50} {
		if got := round(t, g, answered); got != want {
			t.Fatalf("round %d: %d in flight, want %d", i, got, want)
		}
	}
	round(t, g, putOff)
	if got := g.now(); got != 25 {
		t.Fatalf("a whole round of refusals leaves %d, want it halved once, 25", got)
	}
	time.Sleep(time.Millisecond)
	round(t, g, answered)
	if got := g.now(); got != 25 && got != 26 {
		t.Fatalf("a round of answers after a refusal gives %d, want about 26", got)
	}
	for range 12 {
		time.Sleep(time.Millisecond)
		round(t, g, putOff)
	}
	if got := round(t, g, answered); got != 1 {
		t.Errorf("after many refusals %d in flight, want 1 and never none", got)
	}
}

func TestGateIsClosedForAWhile(t *testing.T) {
	g := newGate(4, 0, 0)
	g.close(60 * time.Millisecond)
	if enterNow(t, g) != nil {
		t.Fatal("let in although closed")
	}
	began := time.Now()
	if _, err := g.enter(t.Context(), 1); err != nil || time.Since(began) < 20*time.Millisecond {
		t.Fatalf("%v after %s", err, time.Since(began))
	}
}

// A waiter that gives up takes no turn with it.
func TestGateLosesNoTurn(t *testing.T) {
	g := newGate(1, 0, 0)
	first := enterNow(t, g)
	for range 20 {
		if enterNow(t, g) != nil {
			t.Fatal("two in flight where one may be")
		}
	}
	first.done(answered, false)
	if enterNow(t, g) == nil {
		t.Error("the turn is lost")
	}
}

// Nothing is said here of how fast it is, only of how slow.
func TestRequestsAndTokensAMinute(t *testing.T) {
	for name, c := range map[string]struct {
		gate   *gate
		tokens int
	}{
		"requests": {newGate(100, 300, 0), 1},    // 5 at once, 5 a second
		"tokens":   {newGate(100, 0, 12000), 60}, // 200 at once, 200 a second
	} {
		began := time.Now()
		for range 7 {
			if _, err := c.gate.enter(t.Context(), c.tokens); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 240*time.Millisecond {
			t.Errorf("%s: 7 requests within %s", name, took)
		}
	}
}
