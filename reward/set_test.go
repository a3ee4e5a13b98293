package reward

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// fake is a grader that does what a test tells it.
type fake struct {
	name  string
	grade func(ctx context.Context) data.Verdict
}

func (f fake) Name() string { return f.name }
func (f fake) Grade(ctx context.Context, _ *data.Problem, _ string) data.Verdict {
	return f.grade(ctx)
}

// always gives one verdict.
func always(v data.Verdict) func(context.Context) data.Verdict {
	return func(context.Context) data.Verdict { return v }
}

func newSet(t testing.TB, graders ...Grader) *Set {
	t.Helper()
	s, err := New(graders...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewRefuses(t *testing.T) {
	for want, graders := range map[string][]Grader{
		`two graders are named "exact"`: {Exact{}, Number{}, Exact{}},
		"grader 1 of the set is nil":    {Exact{}, nil},
		"has no name":                   {fake{}},
	} {
		if _, err := New(graders...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

func TestGetSuggests(t *testing.T) {
	s := Default()
	for name, want := range map[string]string{
		"maths": `did you mean "math"?`, "exat": `did you mean "exact"?`, "numbr": `did you mean "number"?`,
		"sudoku": "unknown grader `sudoku`; known graders: exact, number, math", "": "no grader named",
		strings.Repeat("math", 1000): "known graders: exact",
	} {
		if _, err := s.Get(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got error %v, want one with %q", name, err, want)
		}
	}
	if g, err := s.Get("math"); err != nil || g.Name() != "math" {
		t.Errorf("got %v, %v", g, err)
	}
}

func TestSetGrade(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	s := newSet(t,
		Exact{},
		fake{"panics", func(context.Context) data.Verdict { panic("oh no") }},
		fake{"stuck", func(context.Context) data.Verdict { <-stuck; return data.Verdict{Status: data.Scored} }},
		fake{"odd", always(data.Verdict{Status: "great"})},
		fake{"generous", always(data.Verdict{Status: data.NoAnswer, Score: 1})},
		fake{"undefined", always(data.Verdict{Status: data.Scored, Score: nan()})},
	)
	long := strings.Repeat("x", MaxResponse+1)
	for _, c := range []struct {
		name, grader, gold, response string
		status                       data.Status
		reason                       string
	}{
		{"right", "exact", "1", "1", data.Scored, "equal to the gold"},
		{"unknown", "exakt", "1", "1", data.Error, `did you mean "exact"?`},
		{"panic", "panics", "1", "1", data.Error, "grader panics panicked: oh no"},
		{"stuck", "stuck", "1", "1", data.Timeout, "not done by its deadline"},
		{"bad status", "odd", "1", "1", data.Error, "unknown status `great`"},
		{"score without status", "generous", "1", "1", data.Error, "score 1 with status no_answer"},
		{"NaN", "undefined", "1", "1", data.Error, "score NaN"},
		{"long response", "exact", "1", long, data.Scored, "response has 1048577 bytes"},
		{"long response to a broken grader", "panics", "1", long, data.Scored, "response has 1048577 bytes"},
		{"longest response", "exact", long[1:], long[1:], data.Scored, "equal to the gold"},
		{"long gold", "exact", long, "1", data.Ungradable, "gold has 1048577 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &data.Problem{Grader: c.grader, Gold: c.gold}
			deadline := time.Minute
			if c.status == data.Timeout {
				deadline = 5 * time.Millisecond
			}
			v := s.Grade(t.Context(), p, c.response, deadline)
			if v.Status != c.status || !strings.Contains(v.Reason, c.reason) {
				t.Errorf("got %s (%s), want %s with %q", v.Status, v.Reason, c.status, c.reason)
			}
			if wantScore := c.reason == "equal to the gold"; (v.Score == 1) != wantScore {
				t.Errorf("score %v", v.Score)
			}
		})
	}
}

func nan() float64 {
	var zero float64
	return zero / zero
}

func TestGradeCancelled(t *testing.T) {
	entered := make(chan struct{})
	release := make(chan struct{})
	defer close(release)
	s := newSet(t, fake{"slow", func(context.Context) data.Verdict { close(entered); <-release; return data.Verdict{} }})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if v := s.Grade(ctx, &data.Problem{Grader: "slow"}, "", 0); v.Status != data.Error || !strings.Contains(v.Reason, "canceled") {
		t.Errorf("got %+v", v)
	}
	if v := s.Grade(ctx, &data.Problem{Grader: "slow"}, "", 0); v.Status != data.Error {
		t.Errorf("a context that has ended: got %+v", v)
	}
}

// Calls that never return are counted, bounded and forgiven when they do return.
func TestStuckCallsAreBounded(t *testing.T) {
	release := make(chan struct{})
	s := newSet(t, Exact{}, fake{"stuck", func(context.Context) data.Verdict { <-release; return data.Verdict{Status: data.Scored} }})
	p := &data.Problem{Grader: "stuck"}
	for s.stuck.Load() < maxStuck {
		if v := s.Grade(t.Context(), p, "", 100*time.Microsecond); v.Status != data.Timeout {
			t.Fatalf("got %+v", v)
		}
	}
	if v := s.Grade(t.Context(), p, "", time.Minute); v.Status != data.Error || !strings.Contains(v.Reason, "still running") {
		t.Errorf("beyond the bound: got %+v", v)
	}
	close(release)
	exact := &data.Problem{Grader: "exact", Gold: "1"}
	for end := time.Now().Add(10 * time.Second); s.stuck.Load() > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if v := s.Grade(t.Context(), exact, "1", time.Minute); v.Score != 1 {
		t.Errorf("after they returned: got %+v", v)
	}
}

func TestSameAnswer(t *testing.T) {
	s := newSet(t, Exact{}, Number{}, newMath(), panicky{})
	for _, c := range []struct {
		grader, a, b string
		want         bool
	}{
		{"exact", "1", "1", true}, {"exact", "1", "1.0", false},
		{"number", "1/2", "0.50", true}, {"number", "50%", "0.5", true}, {"number", "50%", "50", false}, {"number", "1", "2", false}, {"number", "one", "one", true},
		{"math", `\frac12`, "0.5", true}, {"math", `\sqrt{2}`, `\sqrt 2`, true}, {"math", "0.333", "1/3", false}, {"math", "1, 2", "1,2", true}, {"math", "1", "2", false},
		{"panicky", "1", "1", false}, {"nobody", "1", "1", false},
		{"exact", strings.Repeat("x", MaxResponse+1), strings.Repeat("x", MaxResponse+1), false},
	} {
		if got := s.SameAnswer(&data.Problem{Grader: c.grader}, c.a, c.b); got != c.want {
			t.Errorf("%s: %.20q and %.20q: got %v", c.grader, c.a, c.b, got)
		}
	}
}

type panicky struct{ Exact }

func (panicky) Name() string                                  { return "panicky" }
func (panicky) SameAnswer(*data.Problem, string, string) bool { panic("no") }
