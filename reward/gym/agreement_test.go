package gym_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/reward/gym"
)

// agreement is what the comparison of one task found.
type agreement struct {
	answers, same, explained, unexplained int
	ours, theirs                          time.Duration // to score count answers once
	count                                 int
	shown                                 []string
}

func (a *agreement) add(b agreement) {
	a.answers, a.same, a.explained, a.unexplained = a.answers+b.answers, a.same+b.same, a.explained+b.explained, a.unexplained+b.unexplained
	a.ours, a.theirs, a.count = a.ours+b.ours, a.theirs+b.theirs, a.count+b.count
}

// TestAgreement compares with the package's scores, each answer by default and
// under compat: strict. It takes the golden vectors, or, if ROPEWALK_GYM_CASES
// names their folder, all of what scripts/compare-gym made; then it also prints
// the table and the speeds.
func TestAgreement(t *testing.T) {
	dir, all := os.LookupEnv("ROPEWALK_GYM_CASES")
	if !all {
		dir = vectorFolder
	}
	var total agreement
	used := map[string]int{}
	for _, task := range gym.Tasks() {
		lines, err := readLines(filepath.Join(dir, task.Name+".jsonl"))
		if all && os.IsNotExist(err) {
			continue // --tasks asked for others
		}
		if err != nil {
			t.Error(err)
			continue
		}
		a := compareTask(t, task, lines, used)
		for _, s := range a.shown {
			t.Error(s)
		}
		if a.answers == 0 {
			t.Errorf("%s: no answers to compare", task.Name)
		}
		if all {
			timeTask(t, task, lines, &a)
			fmt.Println(a.row(task.Name))
		}
		total.add(a)
	}
	if !all {
		return
	}
	fmt.Println(total.row("all"))
	fmt.Println("\nanswers that may differ:")
	for why, n := range used {
		fmt.Printf("%6d  %s\n", n, why)
	}
}

func (a *agreement) row(name string) string {
	s := fmt.Sprintf("| %-26s | %6d | %6d | %5d | %4d |", name, a.answers, a.same, a.explained, a.unexplained)
	if a.count > 0 && a.ours > 0 {
		rate := func(d time.Duration) float64 { return float64(a.count) / d.Seconds() }
		s += fmt.Sprintf(" %9.0f | %9.0f | %8.1f |", rate(a.theirs), rate(a.ours), float64(a.theirs)/float64(a.ours))
	}
	return s
}

func compareTask(t *testing.T, task gym.Task, lines []line, used map[string]int) (a agreement) {
	t.Helper()
	for i := range lines {
		for _, c := range lines[i].Answers {
			a.judge(task, &lines[i].Entry, c, used)
		}
	}
	return a
}

// judge compares the two scores of one answer.
func (a *agreement) judge(task gym.Task, e *gym.Entry, c answer, used map[string]int) {
	a.answers++
	explained := ""
	for _, strict := range []bool{false, true} {
		theirs := c.Score
		if strict && c.Strict != nil {
			theirs = c.Strict
		}
		r := task.Score(e, c.Answer, strict)
		want, ok := theirs.(float64)
		if ok && r.Bad == nil && math.Abs(min(max(want, 0), 1)-r.Score) <= 1e-9 {
			continue
		}
		explained = deviation(task.Name, e, c.Answer, theirs, r.Score, strict)
		if explained == "" || r.Bad != nil {
			a.unexplained++
			if len(a.shown) < 6 {
				a.shown = append(a.shown, fmt.Sprintf("%s (strict %v): answer %.160q: package %v, ours %v (%s) bad %v; stored %.80q, metadata %.300s",
					task.Name, strict, c.Answer, theirs, r.Score, r.Reason(), r.Bad, deref(e.Answer), e.Metadata))
			}
			return
		}
	}
	if explained != "" {
		used[task.Name+": "+explained]++
		a.explained++
		return
	}
	a.same++
}

// timeTask measures how long the answers of a task take. Each entry's answers
// are scored until the clock has something to measure.
func timeTask(t *testing.T, task gym.Task, lines []line, a *agreement) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the package has one core too
	for i := range lines {
		if l := &lines[i]; l.Count > 0 {
			a.count, a.theirs = l.Count, time.Duration(l.Seconds*float64(time.Second))
			continue
		}
		runtime.GC()
		began, rounds, took := processorTime(t), 0, time.Duration(0)
		for ; took < 3*time.Millisecond; took = processorTime(t) - began {
			for range 20 {
				for _, c := range lines[i].Answers {
					task.Score(&lines[i].Entry, c.Answer, false)
				}
			}
			rounds += 20
		}
		a.ours += took / time.Duration(rounds)
	}
}

// processorTime is what this process has used, other programs aside.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
