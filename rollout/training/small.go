package training

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// SmallEngine is the trainer package's engine, run for as long as one needs it
// and not supervised.
type SmallEngine struct {
	URL string
	cmd *exec.Cmd
	end chan struct{}
}

// StartSmallEngine serves a model folder on a free port and waits until the
// engine answers.
func StartSmallEngine(ctx context.Context, python, model string, contextLen int, logPath string) (*SmallEngine, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := PythonCommand(python, "ropewalk_trainer.engine", "--model", model, "--port", strconv.Itoa(port),
		"--max-model-len", strconv.Itoa(contextLen), "--exit-with-parent")
	cmd.Stdout, cmd.Stderr = log, log
	if _, err := cmd.StdinPipe(); err != nil { // held open until we end: the engine leaves with us
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	e := &SmallEngine{URL: fmt.Sprintf("http://127.0.0.1:%d", port), cmd: cmd, end: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(e.end)
	}()
	if err := e.ready(ctx); err != nil {
		e.Stop()
		return nil, fmt.Errorf("the small engine did not start (log: %s): %w", logPath, err)
	}
	return e, nil
}

// startDeadline bounds the start of a small engine: seconds, mostly PyTorch's import.
const startDeadline = 2 * time.Minute

func (e *SmallEngine) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+"/health", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-e.end:
			return fmt.Errorf("it exited: %v", e.cmd.ProcessState)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the engine and waits for it.
func (e *SmallEngine) Stop() {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.end:
	case <-time.After(stopGrace):
		_ = e.cmd.Process.Kill()
		<-e.end
	}
}
