package external

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// exitGrace is how long a program may take to end once its input is closed, and
// how long its stderr is read once it has ended.
const exitGrace = 500 * time.Millisecond

// process is one running program with pipes to it. One goroutine at a time
// talks to it.
type process struct {
	cmd    *exec.Cmd
	in     *os.File
	out    *os.File
	lines  *bufio.Reader
	stderr *tail
	ended  chan struct{} // closed once it is reaped
	err    error         // how it ended; after ended
}

// startProcess starts a program in a process group of its own.
func startProcess(argv []string) (*process, error) {
	if len(argv) == 0 {
		return nil, errors.New("no program is given")
	}
	theirIn, ourIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ourOut, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirIn.Close(), ourIn.Close())
	}
	p := &process{in: ourIn, out: ourOut, lines: bufio.NewReaderSize(ourOut, 1<<16), stderr: &tail{}, ended: make(chan struct{})}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirIn, theirOut, p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = exitGrace // a grandchild may hold stderr open
	err = p.cmd.Start()
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		return nil, errors.Join(err, ourIn.Close(), ourOut.Close())
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// gone reports whether the program has ended by itself.
func (p *process) gone() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// hurry makes a talk in progress fail.
func (p *process) hurry() {
	_ = p.in.SetDeadline(time.Unix(1, 0))
	_ = p.out.SetDeadline(time.Unix(1, 0))
}

// talk sends a line and reads one.
func (p *process) talk(line []byte) ([]byte, error) {
	if _, err := p.in.Write(line); err != nil {
		return nil, err
	}
	var reply []byte
	for {
		part, err := p.lines.ReadSlice('\n')
		reply = append(reply, part...)
		switch {
		case len(reply) > maxReply:
			return nil, fmt.Errorf("replied with more than %d bytes in a line", maxReply)
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return nil, err
		default:
			return reply, nil
		}
	}
}

// end lets an idle program end by closing its input, and then kills its group.
func (p *process) end() {
	p.in.Close()
	select {
	case <-p.ended:
	case <-time.After(exitGrace):
	}
	p.kill()
}

// kill ends the program and all that it started, and waits for it.
func (p *process) kill() {
	// Also where the program itself has ended: the group lives as long as any member.
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
	p.in.Close()
	p.out.Close()
}

// autopsy says how a program ended that broke off a talk with cause.
func (p *process) autopsy(cause error) error {
	how := cause
	if errors.Is(cause, io.EOF) || errors.Is(cause, syscall.EPIPE) {
		select { // an end of its own has a status worth telling; a kill would hide it
		case <-p.ended:
		case <-time.After(exitGrace):
		}
		how = errors.New("closed its pipe")
		if p.gone() {
			how = fmt.Errorf("ended: %v", p.cmd.ProcessState)
		}
	}
	p.kill()
	if text := p.stderr.String(); text != "" {
		return fmt.Errorf("%w; its stderr ends %s", how, text)
	}
	return how
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

// Write keeps the last maxShown bytes.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b[max(0, len(b)-maxShown):]...)
	if extra := len(t.last) - maxShown; extra > 0 {
		t.last = append(t.last[:0], t.last[extra:]...)
	}
	return len(b), nil
}

// String quotes it, "" if there is nothing.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.last)
	if len(text) == 0 {
		return ""
	}
	return show(string(text))
}
