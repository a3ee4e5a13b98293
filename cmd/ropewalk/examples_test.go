package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The dataset beside the examples is what the command in examples/simulated.yaml
// writes.
func TestExampleDatasetIsGenerated(t *testing.T) {
	again := filepath.Join(t.TempDir(), "addition.jsonl")
	var stdout, stderr bytes.Buffer
	args := []string{"data", "generate", "addition", "-n", "200", "-o", again}
	if code := run(t.Context(), func() {}, args, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	want, err := os.ReadFile(again)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../examples/addition.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("examples/addition.jsonl is not what `ropewalk data generate addition -n 200` writes")
	}
}

// Every command tells by example how it is used.
func TestEveryCommandHasExamples(t *testing.T) {
	root := newRootCommand()
	for _, c := range root.Commands() {
		for _, cmd := range append(c.Commands(), c) {
			if name := cmd.CommandPath(); cmd.Runnable() && !strings.Contains(cmd.Example, name) {
				t.Errorf("%s has no example", name)
			}
			if cmd.Short == "" {
				t.Errorf("%s does not say what it does", cmd.CommandPath())
			}
		}
	}
}
