// Package code grades programs by running them: see [Grader].
package code

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward/code/sandbox"
)

// Grader runs the program of a response on the tests of meta.tests in a sandbox.
// What a program prints or returns is compared here; what it should never enters
// the sandbox. Tests run in order up to the first that fails.
type Grader struct{ box *sandbox.Sandbox }

// New makes a grader that runs as many programs at a time as workers. Its
// sandbox starts with the first program.
func New(workers int) *Grader { return &Grader{sandbox.New(sandbox.Options{Workers: workers})} }

// Name is "code".
func (*Grader) Name() string { return "code" }

// Ready says whether programs can be run here; see [sandbox.Sandbox.Ready].
func (g *Grader) Ready() error {
	_, err := g.box.Ready()
	return err
}

// Close ends the sandbox.
func (g *Grader) Close() error { return g.box.Close() }

// Grade gives 1 to a program that passes all tests, 0 otherwise; with
// meta.score "fraction" the share of tests passed before the first failure.
func (g *Grader) Grade(ctx context.Context, p *data.Problem, response string) data.Verdict {
	m, err := readMeta(p.Meta)
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: err.Error()}
	}
	source, found := program(response)
	if !found {
		return data.Verdict{Status: data.NoAnswer, Reason: "no fenced block of code in the response"}
	}
	lacks, err := g.box.Ready()
	if err != nil {
		return data.Verdict{Status: data.Error, Reason: err.Error()}
	}
	blob, err := sandbox.NewBlob([]byte(source))
	if err != nil {
		return data.Verdict{Status: data.Error, Reason: err.Error()}
	}
	defer blob.Close()
	v := g.cases(ctx, m, blob)
	v.Answer = source
	if len(lacks) > 0 {
		v.Reason += "; sandbox: degraded (" + strings.Join(lacks, ", ") + ")"
	}
	v.Steps = append(v.Steps, "python "+g.box.Python())
	return v
}

// cases runs the tests in order.
func (g *Grader) cases(ctx context.Context, m *meta, blob sandbox.Blob) data.Verdict {
	ctx, own, cancel := withClock(ctx)
	defer cancel()
	for i, c := range m.Tests.Cases {
		out, err := g.box.Run(ctx, m.job(blob, c))
		own.add(&out)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return own.verdict(i, len(m.Tests.Cases))
		case out.End == sandbox.BadTests:
			return data.Verdict{Status: data.Ungradable, Reason: fmt.Sprintf("meta.tests.cases[%d]: %s", i, out.Message)}
		case err != nil:
			return data.Verdict{Status: data.Error, Reason: err.Error()}
		case out.End == sandbox.Starved:
			return data.Verdict{Status: data.Timeout, Reason: fmt.Sprintf("test %d: %s", i+1, out.Message)}
		}
		if why := m.judge(c, &out); why != "" {
			return m.failed(i, c, &out, why)
		}
	}
	n := len(m.Tests.Cases)
	return data.Verdict{Status: data.Scored, Score: 1, Reason: fmt.Sprintf("passed %d of %d tests", n, n)}
}

// judge says why a case failed, "" if it passed.
func (m *meta) judge(c testCase, out *sandbox.Outcome) string {
	if out.End != sandbox.Done {
		why := string(out.End) + ": " + out.Message
		if out.Line > 0 {
			why += fmt.Sprintf(" (line %d)", out.Line)
		}
		return why
	}
	same := m.Tests.Kind == kindAssert || m.Tests.Kind == kindStdin && sameOutput(string(out.Stdout), c.Output) ||
		m.Tests.Kind == kindFunction && sameValue(out.Value, c.Output)
	if !same {
		return "wrong answer"
	}
	return ""
}

// failed is the verdict on a program by the first test that it failed.
func (m *meta) failed(i int, c testCase, out *sandbox.Outcome, why string) data.Verdict {
	n := len(m.Tests.Cases)
	v := data.Verdict{Status: data.Scored, Reason: fmt.Sprintf("passed %d of %d tests; test %d: %s", i, n, i+1, why)}
	if m.Score == "fraction" {
		v.Score = float64(i) / float64(n)
	}
	got := string(out.Stdout)
	if m.Tests.Kind == kindFunction {
		got = out.Value
	}
	v.Steps = []string{"input " + show(c.Input)}
	if m.Tests.Kind != kindAssert {
		v.Steps = append(v.Steps, "expected "+show(c.Output), "got "+show(got))
	}
	if text := string(out.Stderr); text != "" {
		v.Steps = append(v.Steps, "standard error "+show(text))
	}
	return v
}

// show quotes untrusted text, cut, on one line.
func show(s string) string {
	const most = 400
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q… (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
}

// program is the content of the last closed fenced block, after the thinking.
func program(response string) (source string, found bool) {
	if i := strings.LastIndex(response, "</think>"); i >= 0 {
		response = response[i:]
	}
	var block []string
	open := false
	for line := range strings.Lines(response) {
		switch fence := strings.HasPrefix(strings.TrimSpace(line), "```"); {
		case fence && open:
			open, found = false, true
			source = strings.Join(block, "")
		case fence:
			open, block = true, nil
		case open:
			block = append(block, line)
		}
	}
	return source, found && strings.TrimSpace(source) != ""
}
