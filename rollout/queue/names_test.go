package queue

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ropewalk/ropewalk/data"
)

func TestRunID(t *testing.T) {
	for _, safe := range []string{"demo", "run-1_B", strings.Repeat("x", 64)} {
		if got := RunID(safe); got != safe {
			t.Errorf("RunID(%q) = %q, want it as it is", safe, got)
		}
	}
	if RunID("a b") == RunID("a.b") || RunID("a b") == "a-b" {
		t.Errorf("different names meet: %q, %q", RunID("a b"), RunID("a.b"))
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		id := RunID(name)
		if err := checkRun(id); err != nil {
			t.Fatalf("RunID(%q): %v", name, err)
		}
		if RunID(id) != id {
			t.Fatalf("RunID(%q) = %q changes again", name, id)
		}
	})
}

func TestPlaceOfASubject(t *testing.T) {
	n := names{"r"}
	for _, g := range []data.GroupID{0, 7, 1234567} {
		group, slot, err := n.sample(n.result(g, 3))
		if err != nil || group != g || slot != 3 {
			t.Errorf("%s: %d, %d, %v", n.result(g, 3), group, slot, err)
		}
	}
	for _, bad := range []string{"", "rw.r.res.1.g000001", "rw.r.res.0.x.1", "rw.other.res.1.g000001.1",
		"rw.r.res.1.g000001.x", "rw.r.res.1.g000001.-1", "rw.r.res.2.g000001.1", "rw.r.res.1.g1.1", "rw.r.res.1.g000001.1.1"} {
		if _, _, err := n.sample(bad); err == nil {
			t.Errorf("%q has a place", bad)
		}
	}
	if got := runOf(n.jobs()); got != "r" {
		t.Errorf("run of %s is %q", n.jobs(), got)
	}
	if got := runOf(n.results(0)) + runOf("KV_x") + runOf("RW__JOBS"); got != "" {
		t.Errorf("found run %q in foreign streams", got)
	}
}
