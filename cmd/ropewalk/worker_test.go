package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/enginetest"
	"github.com/ropewalk/ropewalk/rollout/queue"
)

// fleetRun is a run set up on a server of this process, with one job in it.
type fleetRun struct {
	t    *testing.T
	url  string
	conn *queue.Conn
}

func newFleetRun(t *testing.T, size int) *fleetRun {
	t.Helper()
	server, err := queue.StartServer(queue.ServerOptions{Dir: t.TempDir(), Listen: "127.0.0.1:0", Durability: queue.Interval})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	conn, err := queue.Connect(t.Context(), queue.Options{InProcess: server, Run: "trial", Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	probe := engine.Probe{Sequences: []engine.ProbeSequence{{IDs: []int32{65, 66}, Logprobs: []float64{-1}}}}
	dir := enginetest.Weights(t, filepath.Join(t.TempDir(), "w"), 0, probe)
	job := data.Job{Group: 1, Size: size, PromptIDs: []int32{65, 66, 67}, Sampling: data.Sampling{Temperature: 1, MaxTokens: 50}, Hint: &data.Hint{Gold: "1"}}
	if err := errors.Join(conn.Setup(t.Context()), conn.Announce(t.Context(), queue.Weights{Dir: dir}), conn.Publish(t.Context(), job)); err != nil {
		t.Fatal(err)
	}
	return &fleetRun{t: t, url: server.ClientURL(), conn: conn}
}

// lease is the run's; workers are told so.
const lease = 5 * time.Second

// stored counts the samples that are there.
func (r *fleetRun) stored(size int) (n int) {
	r.t.Helper()
	have, err := r.conn.Stored(r.t.Context(), 1, size)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, there := range have {
		if there {
			n++
		}
	}
	return n
}

// eventually polls for at most 20 s.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// child is the program as a process.
type child struct {
	cmd    *exec.Cmd
	first  string // line of standard output
	stdin  io.Closer
	stderr *lockedBuffer
	exit   chan int
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// startChild runs the program until the test ends; with talks it waits for its
// first line.
func startChild(t *testing.T, talks bool, args ...string) *child {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(path, args...), stderr: &lockedBuffer{}, exit: make(chan int, 1)}
	c.cmd.Stderr = c.stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // it may have left
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(args, " "), c.stderr)
		}
	})
	if talks {
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatalf("%v: no first line: %v\n%s", args, err, c.stderr)
		}
		c.first = strings.TrimSpace(line)
	}
	go func() {
		_ = c.cmd.Wait() // the code says it
		c.exit <- c.cmd.ProcessState.ExitCode()
	}()
	return c
}

// leaves waits for the exit code.
func (c *child) leaves(t *testing.T, want int) {
	t.Helper()
	select {
	case got := <-c.exit:
		if got != want {
			t.Errorf("exit code %d, want %d\n%s", got, want, c.stderr)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("it does not leave\n%s", c.stderr)
	}
}

// An engine process killed in the middle and started again at its port loses
// nothing.
func TestWorkerOutlivesItsEngine(t *testing.T) {
	r := newFleetRun(t, 60)
	e := startChild(t, true, "engine", "--simulated", "--latency", "5ms", "--tokens", "30")
	address := strings.TrimPrefix(e.first, "http://")
	w := startChild(t, false, "worker", "--nats", r.url, "--engine", e.first, "--concurrency", "8", "--lease", lease.String(), "--name", "w")
	for kill := range 3 {
		eventually(t, "samples", func() bool { return r.stored(60) > 10*kill })
		if err := e.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-e.exit
		e = startChild(t, true, "engine", "--simulated", "--latency", "5ms", "--tokens", "30", "--listen", address)
	}
	eventually(t, "all samples", func() bool { return r.stored(60) == 60 })
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	w.leaves(t, exitInterrupt)
}

func TestHungEngineIsReported(t *testing.T) {
	r := newFleetRun(t, 6)
	e := startChild(t, true, "engine", "--simulated", "--hang-after", "4")
	w := startChild(t, false, "worker", "--nats", r.url, "--run", "trial", "--engine", e.first, "--stall-timeout", "300ms", "--lease", lease.String())
	w.leaves(t, exitEngine)
	if said := w.stderr.String(); !strings.Contains(said, "no step for") || !strings.Contains(said, "hint: restart the engine") {
		t.Errorf("it says %q", said)
	}
	// Another worker, with an engine that works, finishes the job.
	startChild(t, false, "worker", "--nats", r.url, "--simulated", "--lease", lease.String())
	eventually(t, "all samples", func() bool { return r.stored(6) == 6 })
}

func TestSlowEngineIsWaitedFor(t *testing.T) {
	r := newFleetRun(t, 3)
	e := startChild(t, true, "engine", "--simulated", "--start-delay", "700ms")
	startChild(t, false, "worker", "--nats", r.url, "--engine", e.first, "--lease", lease.String())
	eventually(t, "all samples", func() bool { return r.stored(3) == 3 })
}

// Interrupted, a worker gives its job back within seconds: another has it before
// the lease would have run out.
func TestInterruptedWorkerGivesBack(t *testing.T) {
	r := newFleetRun(t, 4)
	slow := startChild(t, true, "engine", "--simulated", "--latency", "500ms")
	w := startChild(t, false, "worker", "--nats", r.url, "--engine", slow.first, "--name", "slow", "--lease", lease.String())
	eventually(t, "samples in the engine", func() bool { all := r.conn.Workers(); return len(all) == 1 && all[0].Running == 4 })
	began := time.Now()
	if err := w.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	w.leaves(t, exitInterrupt)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	startChild(t, false, "worker", "--nats", r.url, "--simulated")
	eventually(t, "all samples", func() bool { return r.stored(4) == 4 })
}

func TestEngineThatIsNotThere(t *testing.T) {
	r := newFleetRun(t, 1)
	w := startChild(t, false, "worker", "--nats", r.url, "--engine", "http://127.0.0.1:1", "--start-timeout", "300ms")
	w.leaves(t, exitUnreachable)
	if said := w.stderr.String(); !strings.Contains(said, "connection refused") || !strings.Contains(said, "is the engine up") {
		t.Errorf("it says %q", said)
	}
}

func TestWorkerLeavesWithItsParent(t *testing.T) {
	r := newFleetRun(t, 1)
	w := startChild(t, false, "worker", "--nats", r.url, "--simulated", "--exit-with-parent")
	eventually(t, "the worker", func() bool { return len(r.conn.Workers()) == 1 })
	if err := w.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	w.leaves(t, exitFailure)
}
