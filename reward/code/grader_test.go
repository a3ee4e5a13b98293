package code_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/reward/code"
)

// newGrader makes a grader, or skips where the kernel refuses its sandbox.
func newGrader(t testing.TB, workers int) *code.Grader {
	t.Helper()
	g := code.New(workers)
	t.Cleanup(func() { g.Close() })
	if err := g.Ready(); err != nil {
		t.Skip(err)
	}
	return g
}

func problem(t testing.TB, meta any) *data.Problem {
	t.Helper()
	text, err := json.Marshal(meta)
	if err != nil {
		t.Fatal(err)
	}
	return &data.Problem{ID: "p", Grader: "code", Meta: text}
}

type object = map[string]any

func fenced(source string) string { return "```python\n" + source + "\n```" }

// echo is a problem whose program prints its input, over n tests.
func echo(t testing.TB, n int) *data.Problem {
	cases := make([]object, n)
	for i := range cases {
		cases[i] = object{"input": "7", "output": "7"}
	}
	return problem(t, object{"tests": object{"kind": "stdin", "cases": cases}})
}

// TestSlowIsNoTimeout: a program that sleeps its deadline away, in one test or
// over many, is scored, even through a set with a short deadline.
func TestSlowIsNoTimeout(t *testing.T) {
	set, err := reward.New(newGrader(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range map[string]string{
		"one test":   "import time; time.sleep(60)",
		"many tests": "import time; time.sleep(0.2); print(input())",
	} {
		v := set.Grade(t.Context(), echo(t, 50), fenced(program), 2*time.Second)
		if v.Status != data.Scored || v.Score != 0 {
			t.Errorf("%s: %s %v (%s)", name, v.Status, v.Score, v.Reason)
		}
	}
}

// TestBusyIsTimeout: a program that waited for the only worker is not at fault.
func TestBusyIsTimeout(t *testing.T) {
	g := newGrader(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan data.Verdict)
	go func() { done <- g.Grade(ctx, echo(t, 1), fenced("import time; time.sleep(60)")) }()
	time.Sleep(2 * time.Second) // until the worker is taken
	short, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if v := g.Grade(short, echo(t, 1), fenced("print(input())")); v.Status != data.Timeout {
		t.Errorf("waiting: %s (%s)", v.Status, v.Reason)
	}
	cancel()
	if v := <-done; v.Status != data.Error {
		t.Errorf("cancelled: %s (%s)", v.Status, v.Reason)
	}
	if v := g.Grade(t.Context(), echo(t, 1), fenced("print(input())")); v.Score != 1 {
		t.Errorf("after it: %s (%s)", v.Status, v.Reason)
	}
}
