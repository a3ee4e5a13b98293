package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// maxCells bounds the rows of --stats: the names come from the input.
const maxCells = 1000

// gradeCell is what --stats counts by.
type gradeCell struct{ grader, dataset string }

// gradeSummary counts what was written.
type gradeSummary struct {
	lines  int
	counts map[data.Status]int
	score  float64                     // sum over those that count
	first  string                      // reason of the first failure
	cells  map[gradeCell]*gradeSummary // by grader and dataset, with --stats
}

func (s *gradeSummary) add(r *gradeRecord) {
	if s.counts == nil {
		s.counts = map[data.Status]int{}
	}
	s.lines++
	s.counts[r.Status]++
	s.score += r.Score
	if s.first == "" && r.Line > 0 {
		s.first = r.Reason
		if !strings.HasPrefix(s.first, "line ") {
			s.first = fmt.Sprintf("line %d: %s", r.Line, r.Reason)
		}
	}
}

// merge adds what another counted, of later lines.
func (s *gradeSummary) merge(o *gradeSummary) {
	if s.counts == nil {
		s.counts = map[data.Status]int{}
	}
	s.lines += o.lines
	s.score += o.score
	s.first = cmp.Or(s.first, o.first)
	for status, n := range o.counts {
		s.counts[status] += n
	}
	for cell, part := range o.cells {
		s.cell(cell).merge(part)
	}
}

// String is the line for people.
func (s *gradeSummary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d answers:", s.lines)
	for _, status := range []data.Status{data.Scored, data.NoAnswer, data.Ungradable, data.Timeout, data.Error} {
		fmt.Fprintf(&b, " %d %s,", s.counts[status], status)
	}
	if n := s.counts[data.Scored] + s.counts[data.NoAnswer]; n > 0 {
		fmt.Fprintf(&b, " mean score %.4f of %d,", s.score/float64(n), n)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// err is the exit of a run in which some lines were not graded.
func (s *gradeSummary) err(input string) error {
	failed := s.counts[data.Error] + s.counts[data.Timeout]
	if failed == 0 {
		return nil
	}
	return fail(exitPartial, "the records with status error or timeout name their lines",
		fmt.Errorf("%s: %d of %d answers could not be graded; the first: %s", input, failed, s.lines, s.first))
}

// count is for --stats.
func (s *gradeSummary) count(item *gradeItem, r *gradeRecord) {
	s.cell(gradeCell{item.Problem.Grader, item.Problem.Dataset}).add(r)
}

// cell finds the counts of a grader and dataset; beyond maxCells, those of the rest.
func (s *gradeSummary) cell(at gradeCell) *gradeSummary {
	if s.cells == nil {
		s.cells = map[gradeCell]*gradeSummary{}
	}
	if s.cells[at] == nil && len(s.cells) >= maxCells {
		at = gradeCell{"(others)", "(others)"}
	}
	if s.cells[at] == nil {
		s.cells[at] = &gradeSummary{}
	}
	return s.cells[at]
}

// report prints what the options ask for.
func (s *gradeSummary) report(stderr io.Writer, o gradeOptions, began time.Time) {
	if o.stats {
		fmt.Fprint(stderr, s.table())
	}
	if o.summary {
		fmt.Fprintf(stderr, "%s in %v\n", s, time.Since(began).Round(time.Millisecond))
	}
}

// table is --stats: a row by grader and dataset.
func (s *gradeSummary) table() string {
	var b strings.Builder
	t := newTable(&b, "grader", "dataset", "answers", "mean", "scored", "no_answer", "ungradable", "timeout", "error")
	order := slices.SortedFunc(maps.Keys(s.cells), func(a, b gradeCell) int {
		return cmp.Or(strings.Compare(a.grader, b.grader), strings.Compare(a.dataset, b.dataset))
	})
	for _, at := range order {
		c, mean := s.cells[at], "-"
		if n := c.counts[data.Scored] + c.counts[data.NoAnswer]; n > 0 {
			mean = fmt.Sprintf("%.4f", c.score/float64(n))
		}
		t.row(cmp.Or(at.grader, "-"), cmp.Or(at.dataset, "-"), c.lines, mean, c.counts[data.Scored], c.counts[data.NoAnswer],
			c.counts[data.Ungradable], c.counts[data.Timeout], c.counts[data.Error])
	}
	_ = t.flush() // a builder takes everything
	return b.String()
}

// gradeProgress is a line that tells a person how far grade is.
type gradeProgress struct {
	out         io.Writer // nil for nobody
	began, last time.Time
}

// newGradeProgress shows something only where it disturbs nothing: on a terminal,
// while the verdicts go elsewhere.
func newGradeProgress(stdout, stderr io.Writer) *gradeProgress {
	p := &gradeProgress{began: time.Now(), last: time.Now()}
	if isTerminal(stderr) && !isTerminal(stdout) {
		p.out = stderr
	}
	return p
}

func (p *gradeProgress) show(lines int) {
	if p.out == nil || time.Since(p.last) < 500*time.Millisecond {
		return
	}
	p.last = time.Now()
	fmt.Fprintf(p.out, "\r\x1b[K%d answers graded, %.0f a second", lines, float64(lines)/time.Since(p.began).Seconds())
}

func (p *gradeProgress) end() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
