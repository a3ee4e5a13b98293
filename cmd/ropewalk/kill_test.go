package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data/batch"
)

var (
	killCount = flag.Int("kills", 25, "kills that TestKills spreads over all roles")
	killSeed  = flag.Uint64("kill-seed", 0, "seed of TestKills; 0 draws one and prints it")
)

// binary builds the program once for all tests that need processes to kill.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ropewalk-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "ropewalk")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// killRun is one training run that is killed at random moments.
type killRun struct {
	t      *testing.T
	r      *rand.Rand
	bin    string
	dir    string // run folder
	config string
	extra  []string // arguments of train
	train  *exec.Cmd
	done   chan error
	stderr *bytes.Buffer
	nats   *natsProcess // external server, or nil
}

// killsPerRun spreads the kills over runs: every second one has an external server.
const killsPerRun = 9

const killConfig = `
run: {steps: 30, stall: 5s, give_up: 60s}
recipe:
  group_size: 4
  groups_per_batch: 8
  mix:
    - {kind: direct, weight: 1}
    - {kind: aggregate, weight: 1, k: 3, source: policy, rounds: 2}
    - {kind: refine, weight: 0.5, source: cache}
prompt: {format: text, answer: plain, max_tokens: 400}
sampling: {max_tokens: 64}
queue: {lease: 2s}
engine:
  kind: simulated
  workers: 2
  concurrency: 16
  context: 512
  simulated: {tokens: 16, latency: 2ms, fail_rate: 0.002}
`

func newKillRun(t *testing.T, seed uint64) *killRun {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	k := &killRun{t: t, r: rand.New(rand.NewPCG(seed, 1)), bin: bin, dir: filepath.Join(root, "run"), config: filepath.Join(root, "config.yaml")}
	// One file for all runs: its path is part of the configuration that batches name.
	problems := filepath.Join(filepath.Dir(bin), "problems.jsonl")
	if out, err := exec.Command(bin, "data", "generate", "addition", "-n", "100", "--seed", "5", "-o", problems).CombinedOutput(); err != nil {
		t.Fatalf("data generate: %v\n%s", err, out)
	}
	if err := os.WriteFile(k.config, []byte(killConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	k.extra = []string{"--set", "run.dir=" + k.dir, "--set", "data.train=[{path: " + problems + "}]"}
	return k
}

func (k *killRun) start(resume bool) {
	args := append([]string{"train", k.config}, k.extra...)
	if resume {
		args = append(args, "--resume")
	}
	k.stderr = &bytes.Buffer{}
	k.train = exec.Command(k.bin, args...)
	k.train.Stderr = k.stderr
	if err := k.train.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.done = make(chan error, 1)
	go func() { k.done <- k.train.Wait() }()
}

// await gives the end of the run within a deadline that no healthy run needs.
func (k *killRun) await() {
	select {
	case err := <-k.done:
		if err != nil {
			k.t.Fatalf("train: %v\n%s", err, k.stderr)
		}
	case <-time.After(3 * time.Minute):
		_ = k.train.Process.Signal(syscall.SIGKILL)
		k.t.Fatalf("the run hangs:\n%s", k.stderr)
	}
}

// strike kills one role, if it is alive, and brings back what nobody else does.
// It reports the role, "" if there was nothing to kill.
func (k *killRun) strike(role string) string {
	switch role {
	case "coordinator":
		_ = k.train.Process.Signal(syscall.SIGKILL)
		<-k.done
		if k.finished() {
			return ""
		}
		k.start(k.resumable())
		return role
	case "nats":
		if k.nats == nil {
			return ""
		}
		k.nats.restart(k.t)
		return role
	}
	text, err := os.ReadFile(filepath.Join(k.dir, "logs", role+".pid"))
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.Fields(string(text))[0])
	if err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		return ""
	}
	return role
}

// resumable: killed before its first weights, a run has to be started.
func (k *killRun) resumable() bool {
	entries, err := os.ReadDir(filepath.Join(k.dir, "weights"))
	return err == nil && len(entries) > 0
}

func (k *killRun) finished() bool {
	_, err := os.Stat(filepath.Join(k.dir, "weights", "000030", "STABLE"))
	return err == nil
}

// torment kills until the run ends or enough kills are done; it returns them.
func (k *killRun) torment(limit int) map[string]int {
	roles := []string{"coordinator", "worker-0", "worker-1", "engine-0", "engine-1", "trainer"}
	if k.nats != nil {
		roles = append(roles, "nats")
	}
	kills := map[string]int{}
	k.start(false)
	for n := 0; n < limit; {
		select {
		case err := <-k.done:
			if err != nil {
				k.t.Fatalf("train: %v\n%s", err, k.stderr)
			}
			return kills
		case <-time.After(time.Duration(50+k.r.IntN(700)) * time.Millisecond):
		}
		if role := k.strike(roles[k.r.IntN(len(roles))]); role != "" {
			kills[role]++
			n++
		}
	}
	k.await()
	return kills
}

// natsProcess is an external server: the same program, in a process of its own.
type natsProcess struct {
	bin, dir, listen string
	cmd              *exec.Cmd
}

func startNATS(t *testing.T, bin string) *natsProcess {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &natsProcess{bin: bin, dir: t.TempDir(), listen: l.Addr().String()}
	_ = l.Close()
	n.start(t)
	t.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
	})
	return n
}

func (n *natsProcess) start(t *testing.T) {
	n.cmd = exec.Command(n.bin, "nats", "--dir", n.dir, "--listen", n.listen)
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

func (n *natsProcess) restart(t *testing.T) {
	_ = n.cmd.Process.Signal(syscall.SIGKILL)
	_ = n.cmd.Wait()
	n.start(t)
}

// snapshot is what must be equal: every batch file and manifest.
func snapshot(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	paths, err := filepath.Glob(filepath.Join(dir, "batches", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, path)
		files[name] = text
	}
	return files
}

// TestKills: with every role killed at random moments, the batches are byte for
// byte those of a quiet run.
func TestKills(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -kill-seed %d", seed)
	quiet := newKillRun(t, seed)
	quiet.start(false)
	quiet.await()
	want := snapshot(t, quiet.dir)
	if len(want) != 60 {
		t.Fatalf("quiet run: %d files in batches, want 60", len(want))
	}
	total := map[string]int{}
	for n, attempt := *killCount, uint64(0); n > 0; attempt++ {
		k := newKillRun(t, seed+attempt)
		if attempt%2 == 1 {
			k.nats = startNATS(t, k.bin)
			k.extra = append(k.extra, "--set", "queue.url=nats://"+k.nats.listen)
		}
		for role, count := range k.torment(min(n, killsPerRun)) {
			total[role] += count
			n -= count
		}
		compare(t, want, snapshot(t, k.dir))
		ledger, err := batch.List(filepath.Join(k.dir, "batches"))
		if err == nil {
			err = batch.CheckLedger(ledger)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("kills: %v", total)
}

func compare(t *testing.T, want, got map[string][]byte) {
	t.Helper()
	for name := range want {
		if !bytes.Equal(want[name], got[name]) {
			t.Errorf("%s differs from that of the quiet run (%d and %d bytes)", name, len(want[name]), len(got[name]))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, the quiet run has %d", len(got), len(want))
	}
}
