package sandbox

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

// newSandbox makes a sandbox of two workers, or skips where the kernel refuses one.
func newSandbox(t testing.TB, o Options) *Sandbox {
	t.Helper()
	if o.Workers == 0 {
		o.Workers = 2
	}
	s := New(o)
	t.Cleanup(func() { s.Close() })
	var incomplete *Incomplete
	if _, err := s.Ready(); errors.As(err, &incomplete) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return s
}

func job(t testing.TB, mode Mode, program, input string) Job {
	t.Helper()
	b, err := NewBlob([]byte(program))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	l := DefaultLimits()
	l.CPU, l.Wall = time.Second, 4*time.Second
	return Job{Mode: mode, Program: b, Input: []byte(input), Limits: l}
}

func run(t testing.TB, s *Sandbox, j Job) Outcome {
	t.Helper()
	out, err := s.Run(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestStdin(t *testing.T) {
	s := newSandbox(t, Options{})
	for name, c := range map[string]struct {
		program, input, want string
		end                  End
	}{
		"echo":      {"print(int(input())+1)", "41\n", "42\n", Done},
		"main":      {"def f():\n  print('hi')\nif __name__ == '__main__':\n  f()", "", "hi\n", Done},
		"prelude":   {"print(Counter('aab').most_common(1), gcd(4,6))", "", "[('a', 2)] 2\n", Done},
		"exit":      {"print(1); sys.exit(0)", "", "1\n", Done},
		"raises":    {"1/0", "", "", RuntimeError},
		"syntax":    {"def", "", "", SyntaxError},
		"loop":      {"while True: pass", "", "", TimeLimit},
		"sleep":     {"import time; time.sleep(100)", "", "", TimeLimit},
		"memory":    {"x = bytearray(2<<30)", "", "", MemoryLimit},
		"flood":     {"while True: print('x'*100000)", "", "", OutputLimit},
		"exit code": {"import os; os._exit(3)", "", "", RuntimeError},
	} {
		t.Run(name, func(t *testing.T) {
			out := run(t, s, job(t, Stdin, c.program, c.input))
			if out.End != c.end || c.end == Done && string(out.Stdout) != c.want {
				t.Errorf("%s %q, message %q, stderr %s", out.End, out.Stdout, out.Message, out.Stderr)
			}
		})
	}
}

func TestCall(t *testing.T) {
	s := newSandbox(t, Options{})
	j := job(t, Call, "class Solution:\n  def add(self, a, b):\n    return (a+b, [a], str(b))", "1\n2")
	j.Entry = "add"
	if out := run(t, s, j); out.End != Done || out.Value != `[3, [1], "2"]` {
		t.Errorf("%+v %s", out, out.Stderr)
	}
}

func TestWorkersAreReused(t *testing.T) {
	s := newSandbox(t, Options{Workers: 1})
	j := job(t, Stdin, "print(1)", "")
	run(t, s, j)
	pids := s.Pids()
	began := time.Now()
	for range 50 {
		run(t, s, j)
	}
	t.Logf("%v a run", time.Since(began)/50)
	if now := s.Pids(); len(now) != len(pids) || now[0] != pids[0] {
		t.Errorf("workers %v became %v", pids, now)
	}
	s.Close()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", pids[0])); err == nil {
		t.Errorf("process %d is there after Close", pids[0])
	}
}
