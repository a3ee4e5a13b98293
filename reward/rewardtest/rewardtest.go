// Package rewardtest is the contract that every grader keeps, as a test suite.
//
// A grader brings a folder of cases, files *.jsonl with one case a line (see
// [Case]); [Run] checks the verdict of each and then, on the same problems,
// what no case can list: any bytes in, a verdict out, the same every time and
// from every goroutine, in bounded time.
package rewardtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
)

// Guard is how long one answer may take at most. Graders are bounded by counted
// work; this only tells an answer that takes milliseconds from one that hangs.
const Guard = 5 * time.Second

// Case is one problem with one response and the verdict that it must get.
type Case struct {
	Name     string          `json:"name"`
	Gold     string          `json:"gold"`
	Meta     json.RawMessage `json:"meta"`
	Response string          `json:"response"`
	Status   data.Status     `json:"status"`
	Score    float64         `json:"score"`
	// Answer is what must be extracted; nil where it is of no interest.
	Answer *string `json:"answer"`
}

// Problem is the case's problem for a grader of the given name.
func (c *Case) Problem(grader string) *data.Problem {
	return &data.Problem{ID: data.ProblemID(c.Name), Gold: c.Gold, Grader: grader, Meta: c.Meta}
}

// Load reads the cases of a folder. An empty folder or a bad line is an error.
func Load(dir string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("cases in %s: %w", dir, err)
	}
	var cases []Case
	for _, file := range files {
		more, err := loadFile(file)
		if err != nil {
			return nil, err
		}
		cases = append(cases, more...)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("no cases in %s: a grader needs a file *.jsonl there", dir)
	}
	return cases, nil
}

func loadFile(file string) ([]Case, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	var cases []Case
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 4<<20)
	for n := 1; lines.Scan(); n++ {
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.DisallowUnknownFields()
		var c Case
		if err := dec.Decode(&c); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		cases = append(cases, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return cases, nil
}

// Run checks a grader against its cases and against the contract.
func Run(t *testing.T, g reward.Grader, dir string) {
	t.Helper()
	cases, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("covers", func(t *testing.T) { covers(t, cases) })
	t.Run("cases", func(t *testing.T) {
		for i := range cases {
			t.Run(cases[i].Name, func(t *testing.T) { check(t, g, &cases[i]) })
		}
	})
	t.Run("hostile responses", func(t *testing.T) { hostileResponses(t, g, cases) })
	t.Run("hostile problems", func(t *testing.T) { hostileProblems(t, g, cases) })
	t.Run("concurrent", func(t *testing.T) { concurrent(t, g, cases) })
	t.Run("comparer", func(t *testing.T) { comparer(t, g, cases) })
}

// covers demands a case of each kind of outcome that a grader can decide.
func covers(t *testing.T, cases []Case) {
	var full, zero, none, bad bool
	for _, c := range cases {
		full = full || c.Status == data.Scored && c.Score == 1
		zero = zero || c.Status == data.Scored && c.Score == 0
		none = none || c.Status == data.NoAnswer
		bad = bad || c.Status == data.Ungradable
	}
	if !full || !zero || !none || !bad {
		t.Errorf("cases must hold a score of 1 (%v), a score of 0 (%v), a no_answer (%v) and an ungradable (%v)", full, zero, none, bad)
	}
}

func check(t *testing.T, g reward.Grader, c *Case) {
	v := grade(t, g, c.Problem(g.Name()), c.Response)
	if v.Status != c.Status || v.Score != c.Score {
		t.Errorf("got %s %v (%s), want %s %v\nsteps: %q", v.Status, v.Score, v.Reason, c.Status, c.Score, v.Steps)
	}
	if c.Answer != nil && v.Answer != *c.Answer {
		t.Errorf("extracted %q, want %q", v.Answer, *c.Answer)
	}
}

// grade asks once, under the guard, and checks what holds of every verdict.
func grade(t *testing.T, g reward.Grader, p *data.Problem, response string) data.Verdict {
	t.Helper()
	began := time.Now()
	v := g.Grade(context.Background(), p, response)
	if took := time.Since(began); took > Guard {
		t.Errorf("took %v; bounded work takes far less than %v", took, Guard)
	}
	if why := invalid(v); why != "" {
		t.Errorf("bad verdict %+v: %s", v, why)
	}
	if again := g.Grade(context.Background(), p, response); !cmp.Equal(v, again) {
		t.Errorf("not deterministic:\n%s", cmp.Diff(v, again))
	}
	return v
}

// invalid says what in a verdict breaks the contract, "" if nothing does.
func invalid(v data.Verdict) string {
	switch {
	case v.Status == data.Timeout || v.Status == data.Error:
		return "timeout and error are for trouble outside the response, and there was none"
	case v.Status != data.Scored && v.Status != data.NoAnswer && v.Status != data.Ungradable:
		return "unknown status"
	case v.Score != v.Score || v.Score < 0 || v.Score > 1:
		return "score outside 0 to 1"
	case v.Status != data.Scored && v.Score != 0:
		return "a score without the status scored"
	case v.Reason == "":
		return "no reason"
	case len(v.Reason) > 4096 || bytes.ContainsAny([]byte(v.Reason), "\n\r"):
		return "the reason is not one short line"
	}
	return ""
}
