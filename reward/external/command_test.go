package external_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward/external"
	"github.com/ropewalk/ropewalk/reward/rewardtest"
)

func command(t *testing.T, p external.Program) *external.Command {
	c := external.NewCommand(map[string]external.Program{"same": p})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func ask(t *testing.T, c *external.Command, response string, deadline time.Duration) data.Verdict {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	return c.Grade(ctx, &data.Problem{Gold: "5", Meta: []byte(`{"command":"same"}`)}, response)
}

func expect(t *testing.T, v data.Verdict, status data.Status, parts ...string) {
	t.Helper()
	if v.Status != status {
		t.Errorf("status %s (%s); expected %s", v.Status, v.Reason, status)
	}
	for _, part := range parts {
		if !strings.Contains(v.Reason, part) {
			t.Errorf("reason %q does not have %q", v.Reason, part)
		}
	}
}

func TestCommandContract(t *testing.T) {
	rewardtest.Run(t, command(t, self(2)), "testdata/command")
}

func TestCommandKeepsItsProcess(t *testing.T) {
	c := command(t, self(4))
	first := ask(t, c, "pid", time.Minute)
	expect(t, first, data.Scored)
	if again := ask(t, c, "pid", time.Minute); again.Answer != first.Answer {
		t.Errorf("asked one after the other, processes %s and %s", first.Answer, again.Answer)
	}
}

func TestCommandCrash(t *testing.T) {
	c := command(t, self(1))
	expect(t, ask(t, c, "crash", time.Minute), data.Error, "exit status 7", "out of luck")
	if v := ask(t, c, "5", time.Minute); v.Status != data.Scored || v.Score != 1 {
		t.Errorf("after the crash: %+v", v)
	}
	for range 6 {
		ask(t, c, "crash", time.Minute)
	}
	expect(t, ask(t, c, "5", time.Minute), data.Error, "not asked", "in a row", "out of luck")
	time.Sleep(2 * time.Second) // longer than the pause after so many
	expect(t, ask(t, c, "5", time.Minute), data.Scored)
}

func TestCommandTimeout(t *testing.T) {
	c := command(t, self(1))
	expect(t, ask(t, c, "hang", 300*time.Millisecond), data.Timeout, "killed")
	expect(t, ask(t, c, "5", time.Minute), data.Scored)
}

func TestCommandBusy(t *testing.T) {
	c := command(t, self(1))
	ask(t, c, "5", time.Minute)
	var hanging sync.WaitGroup
	hanging.Go(func() { ask(t, c, "hang", 2*time.Second) })
	time.Sleep(200 * time.Millisecond)
	expect(t, ask(t, c, "5", 300*time.Millisecond), data.Timeout, "busy")
	hanging.Wait()
}

func TestCommandReplies(t *testing.T) {
	c := command(t, self(1))
	for _, test := range []struct {
		say    string
		status data.Status
		part   string
	}{
		{`hello`, data.Error, "hello"},
		{`{"id":ID}`, data.Error, "score"},
		{`{"id":0,"score":1}`, data.Error, "id"},
		{`{"id":ID,"score":NaN}`, data.Error, "no reply"},
		{`{"id":ID,"score":1e999}`, data.Error, "no reply"},
		{`{"id":ID,"score":1,"status":"great"}`, data.Error, "great"},
		{`{"id":ID,"score":0.25,"reason":"two\nlines"}`, data.Scored, "two lines"},
		{`{"id":ID,"score":1,"status":"no_answer"}`, data.NoAnswer, ""},
		{`{"id":ID,"status":"error","reason":"no luck"}`, data.Error, "no luck"},
	} {
		expect(t, ask(t, c, "say "+test.say, time.Minute), test.status, test.part)
		expect(t, ask(t, c, "5", time.Minute), data.Scored)
	}
	expect(t, ask(t, c, "flood", time.Minute), data.Error, "more than")
}

func TestCommandUnknown(t *testing.T) {
	c := command(t, self(1))
	v := c.Grade(t.Context(), &data.Problem{Meta: []byte(`{"command":"rm -rf /"}`)}, "5")
	expect(t, v, data.Error, "same", "--command")
	c = command(t, external.Program{Argv: []string{"/no/such/program"}, Workers: 1})
	expect(t, ask(t, c, "5", time.Minute), data.Error, "/no/such/program")
	c = command(t, external.Program{Workers: 1})
	expect(t, ask(t, c, "5", time.Minute), data.Error, "no program")
}

func TestCommandClose(t *testing.T) {
	c := command(t, self(2))
	child, err := strconv.Atoi(ask(t, c, "spawn", time.Minute).Answer)
	if err != nil {
		t.Fatal(err)
	}
	var hanging sync.WaitGroup
	hanging.Go(func() { expect(t, ask(t, c, "hang", time.Minute), data.Error, "closed") })
	time.Sleep(200 * time.Millisecond)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	hanging.Wait()
	for range 50 { // until whoever adopts orphans has reaped it
		if err = syscall.Kill(child, 0); err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if state, alive := stateOf(child); alive && state != "Z" {
		t.Errorf("the program's child lives on (%s)", state)
	}
	expect(t, ask(t, c, "5", time.Minute), data.Error, "closed")
}
