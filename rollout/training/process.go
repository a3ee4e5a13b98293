package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a child that is kept alive: engine, worker, trainer. It lives in a
// process group of its own, writes to logs/NAME.log and holds a pipe from us as
// its standard input: should we die without a word, the pipe closes and the
// child leaves.
type Process struct {
	Name string
	// Command makes the command line for each start: an engine restarts from
	// newer weights than it first had.
	Command func() (*exec.Cmd, error)
	// Needs is the engine beside a worker, restarted when the worker says that it
	// must be; nil otherwise.
	Needs *Process
	// Over says whether a child that ended well has done its work. nil: it never
	// has, as with engines and workers, which serve for as long as the run lives;
	// vLLM, for one, exits with 0 on a SIGTERM that did not come from us.
	Over func() bool
	// Dir is the run folder.
	Dir string
	Log *slog.Logger

	mu  sync.Mutex
	cmd *exec.Cmd
}

// Restart policy: a child that dies more often than this is beyond help.
const (
	maxRestarts   = 6
	restartWindow = 2 * time.Minute
	restartPause  = 200 * time.Millisecond
	stopGrace     = 10 * time.Second
)

// exitEngine is how a worker says that its engine hangs, or serves weights that
// cannot be proven.
const exitEngine = 7

// exits that no restart can mend: bad configuration or input.
var hopelessExits = map[int]bool{2: true, 3: true}

// errEarly is of a child that ended well before its work was done.
var errEarly = errors.New("it ended by itself, with exit code 0, before the run did")

// Run starts the child and restarts it whenever it ends, until it is over, ctx
// ends (nil), or restarting is hopeless.
func (p *Process) Run(ctx context.Context) error {
	var deaths []time.Time
	for {
		err := p.once(ctx)
		if ctx.Err() != nil || err == nil && p.Over != nil && p.Over() {
			return nil
		}
		if err == nil {
			err = errEarly
		}
		now := time.Now()
		deaths = append(deaths, now)
		for now.Sub(deaths[0]) > restartWindow {
			deaths = deaths[1:]
		}
		if hopeless(err) || len(deaths) > maxRestarts {
			return fmt.Errorf("%s failed (%w); the end of its log %s:\n%s", p.Name, err, p.logPath(), p.logTail())
		}
		if p.Needs != nil && exitCode(err) == exitEngine {
			p.Needs.kill()
		}
		p.Log.Warn("restarting", "process", p.Name, "because", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartPause << min(len(deaths), 5)):
		}
	}
}

func hopeless(err error) bool {
	code := exitCode(err)
	return code == notStarted || hopelessExits[code]
}

// notStarted stands for the exit code of a child that could not be started.
const notStarted = -2

// exitCode is that of a child that ended, -1 if a signal ended it.
func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case errors.Is(err, errEarly):
		return 0
	}
	return notStarted
}

// once runs the child to its end.
func (p *Process) once(ctx context.Context) error {
	cmd, err := p.Command()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.Name, err)
	}
	p.mu.Lock()
	p.cmd = cmd
	p.mu.Unlock()
	if err := rememberGroup(p.Dir, p.Name, cmd.Process.Pid); err != nil {
		p.Log.Warn("a crash of this process would leave the child behind", "process", p.Name, "error", err)
	}
	return p.wait(ctx, cmd)
}

func (p *Process) wait(ctx context.Context, cmd *exec.Cmd) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		killGroup(cmd.Process.Pid) // what it may have left behind
		p.mu.Lock()
		p.cmd = nil
		p.mu.Unlock()
		return err
	case <-ctx.Done():
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(stopGrace):
		p.Log.Warn("killed: it did not stop in time", "process", p.Name, "after", stopGrace)
	}
	killGroup(cmd.Process.Pid)
	return nil
}

// kill ends the current child and all it started; its Run starts it again.
func (p *Process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		p.Log.Warn("killing, for its worker cannot work with it", "process", p.Name)
		killGroup(p.cmd.Process.Pid)
	}
}

func (p *Process) logPath() string { return filepath.Join(p.Dir, "logs", p.Name+".log") }

// logTail is the last lines of the child's log.
func (p *Process) logTail() string {
	f, err := os.Open(p.logPath())
	if err != nil {
		return ""
	}
	defer f.Close()
	const tail = 2048
	if info, err := f.Stat(); err == nil && info.Size() > tail {
		_, _ = f.Seek(-tail, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-12):], "\n  ")
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
