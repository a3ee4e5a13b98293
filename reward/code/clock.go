package code

import (
	"context"
	"fmt"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward/code/sandbox"
)

// clock tells a program that is slow over its tests from a machine that is busy:
// only the latter is a timeout, for a program that could bring one about would
// have its sample dropped from the baseline.
type clock struct {
	began  time.Time
	waited time.Duration // for workers and for cores
	cpu    time.Duration // of the program and what it started
}

// add counts what a test took.
func (c *clock) add(out *sandbox.Outcome) {
	c.waited += out.Queued + out.Delay
	c.cpu += out.CPU
}

// withClock starts a clock, and ends ctx a tenth before its own deadline, so that
// the verdict comes from here and not from whoever set the deadline.
func withClock(ctx context.Context) (context.Context, *clock, context.CancelFunc) {
	c := &clock{began: time.Now()}
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, c, func() {}
	}
	early := deadline.Add(-time.Until(deadline) / 10)
	ctx, cancel := context.WithDeadline(ctx, early)
	return ctx, c, cancel
}

// verdict is of a program that was not done with n tests by the deadline.
func (c *clock) verdict(passed, n int) data.Verdict {
	total := time.Since(c.began)
	// A program that waits for cores which its own processes keep busy shows by their time.
	if c.waited > total/2 && c.cpu <= total/2 {
		return data.Verdict{Status: data.Timeout, Reason: fmt.Sprintf("not done by the answer's deadline: it waited %v of %v for the machine",
			c.waited.Round(time.Millisecond), total.Round(time.Millisecond))}
	}
	return data.Verdict{Status: data.Scored, Reason: fmt.Sprintf("passed %d of %d tests; time limit: all tests together took longer than the answer's deadline allows", passed, n)}
}
