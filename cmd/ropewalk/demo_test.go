package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestQuickDemo runs the demo's stages, all arms, and again: then nothing is left
// to do and the report is the same.
func TestQuickDemo(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "demo")
	first := runDemo(t, bin, dir)
	if !first.Quick || first.Problems != quickDemo.problems || first.RSA != (demoRSA{quickDemo.n, quickDemo.k, quickDemo.t}) {
		t.Errorf("report says quick %v, %d problems, %+v", first.Quick, first.Problems, first.RSA)
	}
	for _, arm := range []string{"reference", "standard", "aggregation_aware", "recursive"} {
		rounds := first.Arms[arm]
		if len(rounds) != quickDemo.t {
			t.Fatalf("%s: %d rounds, want %d", arm, len(rounds), quickDemo.t)
		}
		for i, r := range rounds {
			if r.Round != i || r.Mean < 0 || r.Mean > r.PassN || r.PassN > 1 || r.CI95[0] > r.Mean || r.CI95[1] < r.Mean {
				t.Errorf("%s, round %d: %+v", arm, i, r)
			}
		}
		if b := first.Budget[arm]; arm != "reference" && (b.Tokens < quickDemo.tokens || b.Rollouts != b.Steps*quickDemo.groups*8) {
			t.Errorf("%s: budget %+v, want at least %d tokens", arm, b, quickDemo.tokens)
		}
	}
	again := runDemo(t, bin, dir)
	first.Seconds, again.Seconds = 0, 0
	a, _ := json.Marshal(first)
	b, _ := json.Marshal(again)
	if string(a) != string(b) {
		t.Errorf("the finished demo, run again, reports\n%s\nbefore it was\n%s", b, a)
	}
}

func runDemo(t *testing.T, bin, dir string) *demoReport {
	t.Helper()
	cmd := exec.Command(bin, "demo", "--quick", "--out", dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, stderr.String())
	}
	if !strings.Contains(string(out), "mean nothing") || !strings.Contains(string(out), "recursive") {
		t.Errorf("what the demo shows:\n%s", out)
	}
	if picture, err := os.Stat(filepath.Join(dir, "rsa.png")); err != nil || picture.Size() < 1000 {
		t.Errorf("rsa.png: %v", err)
	}
	var report demoReport
	if err := readJSON(filepath.Join(dir, "report.json"), &report); err != nil {
		t.Fatal(err)
	}
	return &report
}
