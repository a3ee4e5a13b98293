package sandbox

import (
	"strings"
	"testing"
	"time"
)

// TestCheck runs tests of the caller's against programs, right, wrong and hostile.
func TestCheck(t *testing.T) {
	s := newSandbox(t, Options{Workers: 1})
	const add = "assert f(1, 2) == 3\nassert f(2, 2) == 4"
	for name, c := range map[string]struct {
		program, tests string
		end            End
	}{
		"right":                {"def f(a, b): return a + b", add, Done},
		"wrong":                {"def f(a, b): return 3", add, Failed},
		"HumanEval's":          {"def f(a, b): return a + b", "def check(candidate):\n  assert candidate(1, 2) == 3\ncheck(f)", Done},
		"tuples, sets, keys":   {"def f(a): return (a, {1, 2}, {1: [None]}, 1j, b'x')", "assert f('x') == ('x', {2, 1}, {1: [None]}, 1j, b'x')", Done},
		"a list is no tuple":   {"def f(): return [1]", "assert f() == (1,)", Failed},
		"expected exception":   {"def f(): raise ValueError('x')", "try:\n  f()\n  assert False\nexcept ValueError: pass", Done},
		"raises":               {"def f(): return 1 // 0", "f()", RuntimeError},
		"raises assertions":    {"def f(): raise AssertionError", "f()", RuntimeError},
		"bad program":          {"def f(:", "assert f()", SyntaxError},
		"no function":          {"x = 1", "assert f()", RuntimeError},
		"bad tests":            {"def f(): pass", "assert (", BadTests},
		"argument is code":     {"def f(g): return 1", "assert f(lambda: 1) == 1", BadTests},
		"loop":                 {"def f():\n  while True: pass", "f()", TimeLimit},
		"exit at once":         {"import os; os._exit(0)", add, RuntimeError},
		"exit when called":     {"import sys\ndef f(a, b): sys.exit(0)", add, RuntimeError},
		"exit by exception":    {"def f(a, b): raise SystemExit", add, RuntimeError},
		"equal to everything":  {"class E(int):\n  def __eq__(s, o): return True\n  __hash__ = None\ndef f(a, b): return E(7)", add, Failed},
		"object of a class":    {"class E:\n  def __eq__(s, o): return True\ndef f(a, b): return E()", add, RuntimeError},
		"patched builtins":     {"import builtins\nbuiltins.AssertionError = ValueError\ndef f(a, b): return 0", add, Failed},
		"own helpers of tests": {"def all(x): return True\ndef len(x): return 0\ndef f(): return [1]", "assert len(f()) == 0", Failed},
		"reads standard input": {"import sys\nT = sys.stdin.read()\ndef f(a, b): return int('assert' in T) * (a + b)", add, Failed},
		"reads descriptors":    {"import os\nT = b''\nfor d in range(3, 64):\n  try: T += os.pread(d, 999, 0)\n  except OSError: pass\ndef f(a, b): return int(b'assert' in T) * (a + b)", add, Failed},
		"reads stack and heap": {"import gc\nT = any(isinstance(v, (str, bytes)) and 'f(2, 2) == 4' in str(v) for o in gc.get_objects() if isinstance(o, dict) for v in list(o.values()) if v is not T0) if (T0 := '') is not None else 0\ndef f(a, b): return int(bool(T)) and a + b", add, Failed},
		"forges the record":    {"import os\nfor d in range(3, 64):\n  try: os.pwrite(d, b'{\"value\":\"true\"}', 0)\n  except OSError: pass\nos._exit(0)", add, RuntimeError},
		"forges bad tests":     {"import os\nos.write(4, b'{\"kind\":\"tests\",\"error\":\"x\"}\\n' * 3)\ndef f(a, b): return 0", add, RuntimeError},
		"junk to the tests":    {"import os\nwhile True: os.write(4, b'[' * 65536)", add, RuntimeError},
		"kills the tests":      {"import os\nfor p in range(2, 99):\n  try: os.kill(p, 9)\n  except OSError: pass\ndef f(a, b): return 0", add, Failed},
	} {
		t.Run(name, func(t *testing.T) {
			j := job(t, Check, c.program, c.tests)
			j.Entry, j.Limits.Wall = "f", 30*time.Second
			if out := run(t, s, j); out.End != c.end {
				t.Errorf("%s %q, want %s; stderr %s", out.End, out.Message, c.end, out.Stderr)
			}
			right := job(t, Check, "def f(a, b): return a + b", add)
			if out := run(t, s, right); out.End != Done {
				t.Errorf("the innocent program after it: %s %q", out.End, out.Message)
			}
			if left := leftovers(t, s); left != "" {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

// TestForgedBadTests: outside of Check a record comes from the program's own
// process, and must not free it from its score.
func TestForgedBadTests(t *testing.T) {
	s := newSandbox(t, Options{Workers: 1})
	forge := `import sys, os, json
g = sys._getframe()
while g and 'job' not in g.f_locals: g = g.f_back
os.pwrite(3, json.dumps({'nonce': g.f_locals['job']['nonce'], 'kind': 'tests', 'error': 'FORGED'}).encode(), 0)
os._exit(1)`
	out := run(t, s, job(t, Stdin, forge, ""))
	if out.End != RuntimeError || !strings.Contains(out.Message, "FORGED") {
		t.Errorf("%s %q", out.End, out.Message)
	}
}
