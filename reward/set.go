package reward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward/code"
	"github.com/ropewalk/ropewalk/reward/external"
)

// MaxResponse is the longest response, in bytes, that a [Set] hands to a
// grader, and the longest gold. A longer response is scored 0 by its length
// alone; a longer gold is ungradable.
const MaxResponse = 1 << 20

// maxStuck is how many calls past their deadline one set keeps waiting for in
// the background. Beyond it grading fails at once, so that a grader that never
// returns costs a bounded number of goroutines.
const maxStuck = 256

// Set is a fixed collection of graders by name. It is safe for concurrent use.
type Set struct {
	names  []string
	byName map[string]Grader
	stuck  atomic.Int64 // calls past their deadline that have not returned
}

// Own is what the user grades with: programs for the grader "command", services
// for "http", by the names that rows use.
type Own struct {
	Programs map[string]external.Program
	Services map[string]external.Service
}

// Default lists the graders that ropewalk ships, without any of the user's own.
func Default() *Set { return With(Own{}) }

// With is [Default] with the user's own. A new grader is one line here.
func With(own Own) *Set {
	set := &Set{byName: map[string]Grader{}}
	err := set.add(
		Exact{},
		Number{},
		newMath(),
		Choice{},
		Regex{},
		JSON{},
		F1{},
		newGym(),
		List{set},
		All{set},
		Weighted{set},
		code.New(runtime.GOMAXPROCS(0)),
		external.NewCommand(own.Programs),
		external.NewHTTP(own.Services),
	)
	if err != nil {
		panic(err) // two graders above share a name
	}
	return set
}

// New makes a set. A nil grader, an empty name or a name used twice is an error.
func New(graders ...Grader) (*Set, error) {
	s := &Set{byName: make(map[string]Grader, len(graders))}
	if err := s.add(graders...); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Set) add(graders ...Grader) error {
	for i, g := range graders {
		if g == nil {
			return fmt.Errorf("grader %d of the set is nil", i)
		}
		name := g.Name()
		if name == "" {
			return fmt.Errorf("grader %d of the set (%T) has no name", i, g)
		}
		if other, dup := s.byName[name]; dup {
			return fmt.Errorf("two graders are named %q: %T and %T", name, other, g)
		}
		s.byName[name] = g
		s.names = append(s.names, name)
	}
	return nil
}

// Close ends what graders keep running: those that are an [io.Closer]. Processes
// end with this process in any case.
func (s *Set) Close() error {
	var all []error
	for _, name := range s.names {
		if c, ok := s.byName[name].(io.Closer); ok {
			all = append(all, c.Close())
		}
	}
	return errors.Join(all...)
}

// Names gives the graders' names in the order in which they were listed.
func (s *Set) Names() []string { return append([]string(nil), s.names...) }

// Get finds a grader. The error of an unknown name lists the known ones and
// suggests the nearest.
func (s *Set) Get(name string) (Grader, error) {
	if g, ok := s.byName[name]; ok {
		return g, nil
	}
	known := strings.Join(s.names, ", ")
	if name == "" {
		return nil, fmt.Errorf("no grader named; known graders: %s", known)
	}
	if near := nearest(name, s.names); near != "" {
		return nil, fmt.Errorf("unknown grader %s; did you mean %q? known graders: %s", show(name), near, known)
	}
	return nil, fmt.Errorf("unknown grader %s; known graders: %s", show(name), known)
}

// GoldAnswer is an answer that p's grader must give the full score; known is
// false if the problem does not say one, or names no grader of the set.
func (s *Set) GoldAnswer(p *data.Problem) (answer string, known bool) {
	g, err := s.Get(p.Grader)
	if err != nil {
		return "", false
	}
	if r, ok := g.(GoldReader); ok {
		return r.GoldAnswer(p)
	}
	return p.Gold, true
}

// Grade judges one response and always answers. A grader that panics, breaks
// its contract or is unknown gives data.Error; one that takes longer than
// deadline gives data.Timeout and is left behind, never waited for. A deadline
// of 0 or less leaves only ctx to end the wait: its own deadline is a
// data.Timeout too, its cancellation a data.Error.
func (s *Set) Grade(ctx context.Context, p *data.Problem, response string, deadline time.Duration) data.Verdict {
	g, err := s.Get(p.Grader)
	if err != nil {
		return failed("%v", err)
	}
	if len(p.Gold) > MaxResponse {
		return ungradable("gold has %d bytes; the limit is %d", len(p.Gold), MaxResponse)
	}
	if len(response) > MaxResponse {
		return wrong("", "response has %d bytes; the limit is %d", len(response), MaxResponse)
	}
	if n := s.stuck.Load(); n >= maxStuck {
		return failed("grader %s not asked: %d earlier calls are past their deadline and still running", g.Name(), n)
	}
	if deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, deadline)
		defer cancel()
	}
	if err := ctx.Err(); err != nil {
		return gaveUp(g, err)
	}
	return s.await(ctx, g, p, response)
}

// await runs the grader beside the caller, so that a grader that ignores its
// context cannot hold the caller.
func (s *Set) await(ctx context.Context, g Grader, p *data.Problem, response string) data.Verdict {
	done := make(chan data.Verdict, 1)
	var state atomic.Int32 // 0 running, 1 returned, 2 left behind
	go func() {
		v := call(ctx, g, p, response)
		if !state.CompareAndSwap(0, 1) {
			s.stuck.Add(-1)
		}
		done <- v
	}()
	select {
	case v := <-done:
		return v
	case <-ctx.Done():
	}
	// Counted before it is marked, so that the grader's return takes off what was added.
	s.stuck.Add(1)
	if !state.CompareAndSwap(0, 2) {
		s.stuck.Add(-1) // it returned in this very moment
		return <-done
	}
	return gaveUp(g, ctx.Err())
}

// call runs a grader, turns a panic into an error and holds the verdict to the
// contract.
func call(ctx context.Context, g Grader, p *data.Problem, response string) (v data.Verdict) {
	defer func() {
		if r := recover(); r != nil {
			v = failed("grader %s panicked: %s", g.Name(), clip(fmt.Sprint(r)))
		}
	}()
	v = g.Grade(ctx, p, response)
	if why := broken(v); why != "" {
		return failed("grader %s broke its contract: %s", g.Name(), why)
	}
	return v
}

// broken says what is wrong with a verdict, "" if nothing is.
func broken(v data.Verdict) string {
	switch v.Status {
	case data.Scored:
		if math.IsNaN(v.Score) || math.IsInf(v.Score, 0) {
			return fmt.Sprintf("score %v is not a number", v.Score)
		}
		return ""
	case data.NoAnswer, data.Ungradable, data.Timeout, data.Error:
		if v.Score != 0 {
			return fmt.Sprintf("score %v with status %s", v.Score, v.Status)
		}
		return ""
	}
	return fmt.Sprintf("unknown status %s", show(string(v.Status)))
}

// gaveUp is the verdict of a call that the clock or the caller ended.
func gaveUp(g Grader, cause error) data.Verdict {
	if errors.Is(cause, context.DeadlineExceeded) {
		return data.Verdict{Status: data.Timeout, Reason: fmt.Sprintf("grader %s was not done by its deadline", g.Name())}
	}
	return failed("grader %s was not waited for: %v", g.Name(), cause)
}

// SameAnswer reports whether a and b, as extracted by p's grader, are the same
// answer: by the grader itself if it is a [Comparer], else as strings. It is
// false for an unknown grader or one that panics.
func (s *Set) SameAnswer(p *data.Problem, a, b string) (same bool) {
	if len(a) > MaxResponse || len(b) > MaxResponse {
		return false
	}
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	g, err := s.Get(p.Grader)
	if err != nil {
		return false
	}
	if c, ok := g.(Comparer); ok {
		return c.SameAnswer(p, a, b)
	}
	return a == b
}
