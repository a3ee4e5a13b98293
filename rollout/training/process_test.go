package training

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/rollout/config"
)

// shell makes a supervised child of a shell script, in a folder as a run has.
func shell(t *testing.T, dir, name, script string) *Process {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &Process{Name: name, Dir: dir, Log: slog.New(slog.DiscardHandler), Command: func() (*exec.Cmd, error) {
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = dir
		return cmd, nil
	}}
}

func lines(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	p := shell(t, dir, "flaky", `echo start >> starts; [ "$(wc -l < starts)" -ge 3 ]`)
	p.Over = func() bool { return true }
	if err := p.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := lines(t, filepath.Join(dir, "starts")); n != 3 {
		t.Errorf("started %d times, want 3: failing twice, then well", n)
	}
}

// TestEarlyEnd: a child that somebody else stopped, and that says 0 to it, is
// started again for as long as its work is not done.
func TestEarlyEnd(t *testing.T) {
	dir := t.TempDir()
	p := shell(t, dir, "engine", `trap 'exit 0' TERM; echo start >> starts; [ "$(wc -l < starts)" -ge 2 ] && exec sleep 60; kill -TERM $$`)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if text, _ := os.ReadFile(filepath.Join(dir, "starts")); strings.Count(string(text), "\n") == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it was not started again")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestPasswordStaysPrivate: what a URL of NATS holds is in no command line.
func TestPasswordStaysPrivate(t *testing.T) {
	f := &Fleet{Config: &config.Config{}, Folder: &Folder{Dir: t.TempDir()}, NATS: "nats://secret@host:4222"}
	f.Config.Queue.URL = f.NATS
	cmd, err := f.worker(0, "http://127.0.0.1:1").Command()
	if err != nil || strings.Contains(strings.Join(cmd.Args, " "), "secret") {
		t.Errorf("command %v, %v", cmd.Args, err)
	}
	f.Config.Queue.URL = ""
	if cmd, err = f.worker(0, "http://127.0.0.1:1").Command(); err != nil || !strings.Contains(strings.Join(cmd.Args, " "), f.NATS) {
		t.Errorf("a worker of an embedded server is not told where it is: %v, %v", cmd.Args, err)
	}
}

// TestTrained: the trainer's work is done with the last step, or with the last
// batch that END counts, not before.
func TestTrained(t *testing.T) {
	dir := t.TempDir()
	f := &Fleet{Config: &config.Config{Run: config.Run{Steps: 5}}, Folder: &Folder{Dir: dir}}
	want := func(over bool, when string) {
		t.Helper()
		if f.trained() != over {
			t.Errorf("%s: over is %v", when, !over)
		}
	}
	want(false, "nothing there")
	export := func(version int) {
		t.Helper()
		if err := exportSimulated(dir, f.Config, version); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range []string{"weights", "batches"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	export(2)
	want(false, "version 2 of 5")
	if err := os.WriteFile(f.Folder.Path("batches", "END"), []byte(`{"batches": 3}`), 0o644); err != nil {
		t.Fatal(err)
	}
	want(false, "version 2 of 3 batches")
	export(3)
	want(true, "version 3 of 3 batches")
	if err := os.Remove(f.Folder.Path("batches", "END")); err != nil {
		t.Fatal(err)
	}
	want(false, "version 3 of 5")
	export(5)
	want(true, "version 5 of 5")
}

// TestHopelessChild: what no restart can mend ends the run with the log's end.
func TestHopelessChild(t *testing.T) {
	dir := t.TempDir()
	p := shell(t, dir, "trainer", `echo start >> starts; echo "config.yaml: trainer.lr: expected a number"; exit 2`)
	err := p.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "expected a number") || !strings.Contains(err.Error(), "trainer failed") {
		t.Errorf("error %v, want the child's name and the end of its log", err)
	}
	if n := lines(t, filepath.Join(dir, "starts")); n != 1 {
		t.Errorf("started %d times, want once", n)
	}
}

// TestEngineOfWorker: a worker that exits with 7 has its engine restarted.
func TestEngineOfWorker(t *testing.T) {
	dir := t.TempDir()
	engine := shell(t, dir, "engine", `echo start >> engine-starts; sleep 60`)
	worker := shell(t, dir, "worker", `while [ ! -s engine-starts ]; do sleep 0.01; done; echo start >> worker-starts; [ "$(wc -l < worker-starts)" -ge 2 ] || exit 7`)
	worker.Needs, worker.Over = engine, func() bool { return true }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	if err := worker.Run(ctx); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); lines(t, filepath.Join(dir, "engine-starts")) < 2; {
		if time.Now().After(deadline) {
			t.Fatal("the engine was not restarted")
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestStopTakesGrandchildren: ending a child ends what it started.
func TestStopTakesGrandchildren(t *testing.T) {
	dir := t.TempDir()
	p := shell(t, dir, "parent", `sleep 61 & echo $! > grandchild; wait`)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	pid := waitForPid(t, filepath.Join(dir, "grandchild"))
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(5 * time.Second); syscall.Kill(pid, 0) == nil && !zombie(pid); {
		if time.Now().After(deadline) {
			t.Fatalf("process %d outlived its parent's end", pid)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func waitForPid(t *testing.T, path string) int {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(path)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return pid
		}
	}
	t.Fatal("no process id in " + path)
	return 0
}

func zombie(pid int) bool {
	fields, err := statFields(pid)
	return err == nil && fields[0] == "Z"
}

// TestLeftovers: the next coordinator ends what a killed one left, and nothing
// that merely has the same number.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	left := exec.Command("sleep", "62")
	left.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := left.Start(); err != nil {
		t.Fatal(err)
	}
	if err := rememberGroup(dir, "engine-0", left.Process.Pid); err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "63")
	other.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	stranger := strconv.Itoa(other.Process.Pid) + " 1\n" // a start time that is not its own
	if err := os.WriteFile(pidFile(dir, "worker-0"), []byte(stranger), 0o644); err != nil {
		t.Fatal(err)
	}
	if ended := EndLeftovers(dir); len(ended) != 1 || ended[0] != "engine-0" {
		t.Errorf("ended %v, want engine-0 alone", ended)
	}
	var exit *exec.ExitError
	if err := left.Wait(); !errors.As(err, &exit) {
		t.Errorf("the left-over process ended with %v, want killed", err)
	}
	if syscall.Kill(other.Process.Pid, 0) != nil {
		t.Error("a stranger was killed")
	}
}

func TestFolder(t *testing.T) {
	c := config.Default()
	c.Run.Dir, c.Run.Steps = filepath.Join(t.TempDir(), "My run"), 3
	c.Data.Train = []config.Source{{Path: "x.jsonl"}}
	c.Engine.Kind = "simulated"
	if _, err := OpenFolder(&c, true); !errors.Is(err, ErrNoRun) {
		t.Errorf("resuming nothing: %v", err)
	}
	f, err := OpenFolder(&c, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(&c, false); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("opening it twice: %v, want ErrInUse naming the process", err)
	}
	if err := os.MkdirAll(f.Path("weights", "000000"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(&c, false); !errors.Is(err, ErrHasRun) {
		t.Errorf("starting over a run: %v", err)
	}
	other := c
	other.Recipe.GroupSize++
	if _, err := OpenFolder(&other, true); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), "group_size") {
		t.Errorf("resuming with another recipe: %v, want the key named", err)
	}
	if f.ID == "" {
		t.Error("the folder has no id")
	}
	longer := c
	longer.Run.Steps = 9
	again, err := OpenFolder(&longer, true)
	if err != nil {
		t.Fatalf("resuming with more steps: %v", err)
	}
	if again.ID != f.ID {
		t.Errorf("resumed with the id %q, begun with %q", again.ID, f.ID)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestNewest(t *testing.T) {
	dir := t.TempDir()
	if _, ok, err := Newest(dir); ok || err != nil {
		t.Errorf("an empty folder: %v, %v", ok, err)
	}
	for name, marker := range map[string]string{"000000": `{"version":0}`, "000002": `{"version":2}`, "000003": "", ".tmp-000004": `{"version":4}`} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if marker == "" {
			continue // being written: no marker yet
		}
		if err := os.WriteFile(filepath.Join(dir, name, "STABLE"), []byte(marker), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if e, ok, err := Newest(dir); !ok || err != nil || e.Version != 2 {
		t.Errorf("got %+v, %v, %v; want version 2", e, ok, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "000003", "STABLE"), []byte(`{"version":7}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Newest(dir); err == nil || !strings.Contains(err.Error(), "000003") {
		t.Errorf("a marker of another version gave %v", err)
	}
}
