package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data/batch"
	"github.com/ropewalk/ropewalk/rollout/training"
)

// realConfig trains a tiny random model on whatever it babbles: an answer with a
// digit in it is right, which about half of them are.
const realConfig = `
run: {steps: 3, give_up: 4m}
model: {dtype: float32}
recipe:
  group_size: 8
  groups_per_batch: 8
  mix:
    - {kind: direct, weight: 1}
    - {kind: aggregate, weight: 1, k: 3, source: policy}
prompt: {format: text, answer: plain, max_tokens: 150}
sampling: {max_tokens: 8}
engine: {context: 256, start_timeout: 5m}
trainer: {lr: 1.0e-3, checkpoint_every: 2}
`

// realRun prepares a run with real engine, trainer and model. The model is tied,
// which is where a weight load can go wrong unseen.
func realRun(t *testing.T, engine string, sets ...string) *killRun {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	k := &killRun{t: t, bin: bin, dir: filepath.Join(root, "run"), config: filepath.Join(root, "config.yaml"), r: rand.New(rand.NewPCG(1, 2))}
	python, err := training.Python("", "trainer")
	if err != nil {
		t.Fatal(err)
	}
	model, problems := filepath.Join(root, "model"), filepath.Join(root, "problems.jsonl")
	tiny := training.PythonCommand(python, "ropewalk_trainer.tiny", "--out", model, "--layers", "2", "--width", "64", "--tied", "--seed", "3")
	if out, err := tiny.CombinedOutput(); err != nil {
		t.Fatalf("making the model: %v\n%s", err, out)
	}
	var lines strings.Builder
	for i := range 40 {
		fmt.Fprintf(&lines, `{"id":"p%d","question":"%d+%d=","gold":"0","grader":"number","meta":{"tolerance":1e15}}`+"\n", i, i, 2*i)
	}
	for path, text := range map[string]string{k.config: realConfig, problems: lines.String()} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k.extra = []string{"--set", "run.dir=" + k.dir, "--set", "data.train=[{path: " + problems + "}]",
		"--set", "model.path=" + model, "--set", "engine.kind=" + engine}
	for _, set := range sets {
		k.extra = append(k.extra, "--set", set)
	}
	return k
}

// trainerStep is a line of metrics/trainer.jsonl.
type trainerStep struct {
	Step     int     `json:"step"`
	GradNorm float64 `json:"grad_norm"`
	Mismatch float64 `json:"kl_sampler_trainer"`
}

// checkTrained: every batch has a signal, the sampler's log-probabilities are the
// trainer's, and the exports differ from one another.
func checkTrained(t *testing.T, dir string, steps int, mismatch float64) {
	t.Helper()
	ledger, err := batch.List(filepath.Join(dir, "batches"))
	if err == nil {
		err = batch.CheckLedger(ledger)
	}
	if err != nil || len(ledger) != steps {
		t.Fatalf("%d batches, want %d: %v", len(ledger), steps, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "metrics", "trainer.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if len(lines) != steps {
		t.Fatalf("%d lines of trainer metrics, want %d:\n%s", len(lines), steps, text)
	}
	for i, line := range lines {
		var s trainerStep
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		if s.Step != i+1 || s.GradNorm <= 0 || s.Mismatch > mismatch {
			t.Errorf("step %d: %+v: want a gradient, and a mismatch below %g", i+1, s, mismatch)
		}
	}
	if a, b := weights(t, dir, 0), weights(t, dir, steps); bytes.Equal(a, b) {
		t.Error("the weights after the last step are the first ones")
	}
}

func weights(t *testing.T, dir string, version int) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "weights", fmt.Sprintf("%06d", version), "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTrainOnSmallEngine(t *testing.T) {
	k := realRun(t, "small", "engine.concurrency=64")
	k.start(false)
	k.await()
	checkTrained(t, k.dir, 3, 1e-6)
}

// TestTrainOnVLLM is a short run on real vLLM: a tied model, reloaded after each
// step, proven each time.
func TestTrainOnVLLM(t *testing.T) {
	if testing.Short() && os.Getenv("ROPEWALK_VLLM_PYTHON") == "" {
		t.Skip("short, and ROPEWALK_VLLM_PYTHON names no vLLM")
	}
	k := realRun(t, "vllm", "engine.args=[--enforce-eager]")
	k.start(false)
	k.await()
	checkTrained(t, k.dir, 3, 1e-4)
}

// TestKillRealParts kills trainer, engine, worker and coordinator of a run with
// a real model. Nothing is lost, and the trainer replays to the same weights.
func TestKillRealParts(t *testing.T) {
	const steps = 10
	k := realRun(t, "small", "run.steps=10", "engine.concurrency=64", "queue.lease=3s")
	k.start(false)
	deadline := time.Now().Add(2 * time.Minute)
	for _, role := range []string{"trainer", "engine-0", "worker-0", "coordinator"} {
		for k.strike(role) == "" {
			if time.Now().After(deadline) {
				t.Fatalf("no %s to kill\n%s", role, k.stderr)
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Duration(500+k.r.IntN(3000)) * time.Millisecond)
	}
	k.await()
	checkTrained(t, k.dir, steps, 1e-6)
	again := filepath.Join(t.TempDir(), "again")
	replay(t, k.dir, again)
	if !bytes.Equal(weights(t, k.dir, steps), weights(t, again, steps)) {
		t.Error("the trainer, replaying the run's batches in one go, made other weights")
	}
}

// replay trains the batches of a run again, in a folder of their own.
func replay(t *testing.T, dir, again string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(again, "batches"), os.DirFS(filepath.Join(dir, "batches"))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(dir), []byte(again), 1)
	if err := os.WriteFile(filepath.Join(again, "config.yaml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	trainer, err := training.TrainerCommand("", again)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := trainer.CombinedOutput(); err != nil {
		t.Fatalf("replaying: %v\n%s", err, out)
	}
}
