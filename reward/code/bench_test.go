package code_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"testing"
)

// benchCases are the numbers of tests of a problem that are timed.
var benchCases = []int{1, 20, 100}

// baseline is a harness of the common kind: an interpreter for each submission,
// imports, an alarm, and all tests in that one process with patched streams.
const baseline = `import sys, io, signal
from string import *; from re import *; from datetime import *; from collections import *; from heapq import *
from bisect import *; from copy import *; from math import *; from random import *; from statistics import *
from itertools import *; from functools import *; from operator import *; from json import *; from typing import *
source, n = sys.stdin.read(), int(sys.argv[1])
import builtins
code = builtins.compile(source, "program", "exec")
for _ in range(n):
    signal.alarm(6)
    sys.stdin, sys.stdout, keep = io.StringIO("7"), io.StringIO(), sys.stdout
    exec(code, {"__name__": "__main__"})
    text, sys.stdout = sys.stdout.getvalue(), keep
    signal.alarm(0)
    assert text.split() == ["7"]
`

// BenchmarkSubmission times one worker on a trivial program, beside the baseline.
// Run it by scripts/bench-code.
func BenchmarkSubmission(b *testing.B) {
	g := newGrader(b, 1)
	const program = "print(input())"
	g.Grade(b.Context(), echo(b, 1), fenced(program)) // warm
	// A launcher in PATH (pyenv's, say) would cost the baseline time that is not its own.
	python, err := exec.Command("python3", "-c", "import os, sys; print(os.path.realpath(sys.executable), end='')").Output()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range benchCases {
		p := echo(b, n)
		b.Run(fmt.Sprintf("sandbox/cases=%d", n), func(b *testing.B) {
			for b.Loop() {
				if v := g.Grade(b.Context(), p, fenced(program)); v.Score != 1 {
					b.Fatal(v.Reason)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "tests/s")
		})
		b.Run(fmt.Sprintf("process/cases=%d", n), func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(string(python), "-c", baseline, fmt.Sprint(n))
				cmd.Stdin = bytes.NewBufferString(program)
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v %s", err, out)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "tests/s")
		})
	}
}
