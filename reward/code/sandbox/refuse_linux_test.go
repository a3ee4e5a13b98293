package sandbox

import (
	"errors"
	"strings"
	"testing"
)

// A kernel that refuses namespaces is told, and nothing runs without consent.
func TestIncompleteRefuses(t *testing.T) {
	t.Setenv("ROPEWALK_SANDBOX_REFUSE", "namespaces")
	s := New(Options{})
	defer s.Close()
	_, err := s.Run(t.Context(), job(t, Stdin, "print(1)", ""))
	var incomplete *Incomplete
	if !errors.As(err, &incomplete) || !strings.Contains(err.Error(), "no namespaces") {
		t.Fatalf("got %v", err)
	}
}

func TestDegradedRunsAndSaysSo(t *testing.T) {
	t.Setenv("ROPEWALK_SANDBOX_REFUSE", "namespaces")
	s := New(Options{Degraded: true})
	defer s.Close()
	if out := run(t, s, job(t, Stdin, "print(1)", "")); out.End != Done || string(out.Stdout) != "1\n" {
		t.Errorf("%+v %s", out, out.Stderr)
	}
	if lacks, err := s.Ready(); err != nil || len(lacks) == 0 {
		t.Errorf("lacks %q, %v", lacks, err)
	}
}
