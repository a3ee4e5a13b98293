package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var (
	//go:embed zygote/kernel.py
	kernelPy string
	//go:embed zygote/view.py
	viewPy string
	//go:embed zygote/child.py
	childPy string
	//go:embed zygote/check.py
	checkPy string
	//go:embed zygote/loop.py
	loopPy string
)

// errLost is the end of a worker in the middle of a job.
var errLost = errors.New("the sandbox's process was lost")

// startWait bounds the start of a worker, killWait the time a killed program takes to be gone.
const (
	startWait = 2 * time.Minute
	killWait  = 30 * time.Second
)

// worker is one zygote and the socket to it. One job at a time.
type worker struct {
	process *os.Process
	conn    *net.UnixConn
	scratch string // folder to remove; "" if there is none
	said    *lastWords
	next    int // number of the next job
	lost    bool
	gone    chan struct{} // closed when the process is reaped
	closing sync.Once
}

// startWorker starts a zygote and waits until it is warm.
func startWorker(p *plan) (*worker, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	w := &worker{conn: ours, said: &lastWords{}, gone: make(chan struct{})}
	cfg := p.config
	if w.scratch, err = p.scratchDir(); err != nil {
		ours.Close()
		return nil, err
	}
	if w.scratch != "" {
		cfg.Scratch = w.scratch
	}
	cmd := exec.Command(p.python.Path, "-I", "-X", "utf8", "-X", "frozen_modules=on", "-c", kernelPy+viewPy+childPy+checkPy+loopPy)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "PYTHONHASHSEED=0", "PYTHONDONTWRITEBYTECODE=1", "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "HOME=/tmp", "TMPDIR=" + cfg.Scratch}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = w.said
	cmd.WaitDelay = time.Second
	if p.namespaces {
		cmd.SysProcAttr = attributes(p.root)
	} else {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	if err := cmd.Start(); err != nil {
		w.close()
		return nil, err
	}
	w.process = cmd.Process
	go func() {
		_ = cmd.Wait() // how it ended is in its last words
		close(w.gone)
	}()
	if err := w.hello(cfg); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// hello tells the zygote its configuration and hears that it is ready.
func (w *worker) hello(cfg config) error {
	if err := w.send(cfg); err != nil {
		return err
	}
	var answer struct{ Error string }
	if err := w.hear(time.Now().Add(startWait), &answer); err != nil {
		return fmt.Errorf("the zygote did not start: %w%s", err, w.said)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return nil
}

// socketPair makes a pair of sockets that keep the borders of messages.
func socketPair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socket: %w", err)
	}
	file, theirs := os.NewFile(uintptr(fds[0]), "zygote"), os.NewFile(uintptr(fds[1]), "control")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("socket: %w", err)
	}
	return conn.(*net.UnixConn), theirs, nil
}

func (w *worker) send(message any, files ...*os.File) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := w.conn.WriteMsgUnix(text, rights, nil); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}

func (w *worker) hear(deadline time.Time, answer any) error {
	if err := w.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	buf := make([]byte, 1<<16)
	n, err := w.conn.Read(buf)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case err != nil || n == 0:
		return errLost
	}
	return json.Unmarshal(buf[:n], answer)
}

// message is a job as the zygote takes it.
type message struct {
	ID        int      `json:"id"`
	Mode      Mode     `json:"mode"`
	Nonce     string   `json:"nonce"`
	Entry     string   `json:"entry,omitempty"`
	Argv      []string `json:"argv,omitempty"`
	Suffix    string   `json:"suffix,omitempty"`
	CPU       int      `json:"cpu"` // whole seconds, as the kernel counts
	Memory    int64    `json:"memory"`
	Stack     int64    `json:"stack"`
	Output    int64    `json:"output"`
	Processes int      `json:"processes"`
}

// reply is what the zygote says of a job.
type reply struct {
	ID     int     `json:"id"`
	Status int     `json:"status"` // as wait(2) gives it
	Killed bool    `json:"killed"`
	CPU    float64 `json:"cpu"`  // seconds
	Wall   float64 `json:"wall"` // seconds
	RSS    int64   `json:"rss"`  // bytes
}

// run runs one job. errLost leaves the worker lost.
func (w *worker) run(ctx context.Context, job *Job) (out Outcome, err error) {
	files, err := openFiles(job)
	if err != nil {
		return Outcome{}, err
	}
	defer files.close()
	w.next++
	m := message{
		ID: w.next, Mode: job.Mode, Nonce: rand.Text(), Entry: job.Entry, Argv: job.Argv, Suffix: job.Suffix,
		CPU: int((job.Limits.CPU + time.Second - 1) / time.Second), Memory: job.Limits.Memory, Stack: job.Limits.Stack,
		Output: job.Limits.Output, Processes: job.Limits.Processes,
	}
	if err := w.send(m, files.passed(job)...); err != nil {
		w.lost = true
		return Outcome{}, err
	}
	r, delay, err := w.await(ctx, job, m.ID)
	if err != nil {
		w.lost = true
		return Outcome{}, err
	}
	if err := ctx.Err(); err != nil && r.Killed {
		return Outcome{Delay: delay, CPU: seconds(r.CPU)}, err
	}
	return files.outcome(job, m.Nonce, r, delay)
}

// await waits for the end of a job, and brings it about at the wall limit or
// when ctx ends.
func (w *worker) await(ctx context.Context, job *Job, id int) (r reply, delay time.Duration, err error) {
	limit := time.Now().Add(job.Limits.Wall)
	stop := context.AfterFunc(ctx, func() { _ = w.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if ctx.Err() != nil {
		limit = time.Unix(1, 0)
	}
	err = w.hear(limit, &r)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return r, 0, err
	}
	delay = startedChild(w.process.Pid).delay()
	if err := w.send(map[string]int{"kill": id}); err != nil {
		return r, delay, err
	}
	stop()
	if err = w.hear(time.Now().Add(killWait), &r); err != nil {
		err = fmt.Errorf("%w: it does not end its program: %w", errLost, err)
	}
	return r, delay, err
}

// close ends the worker's processes and waits until they are gone.
func (w *worker) close() {
	w.closing.Do(func() {
		w.conn.Close()
		if w.process != nil {
			_ = w.process.Kill() // it may have ended by itself
			<-w.gone
		}
		if w.scratch != "" {
			_ = os.RemoveAll(w.scratch)
		}
	})
}

// lastWords keeps the end of what a zygote writes to standard error.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if len(l.text) > 4096 {
		l.text = bytes.Clone(l.text[len(l.text)-4096:])
	}
	return len(p), nil
}

// String is ": " and the last line, "" if there is none.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(l.text)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return ": " + last
	}
	return ""
}
