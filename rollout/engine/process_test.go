package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/rollout/engine"
)

// root is the checkout.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("no go.mod above the test")
	return ""
}

// python is the interpreter of an environment: named by the variable, which
// scripts/test sets, or installed by scripts/venv.
func python(t *testing.T, name, variable string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	if testing.Short() {
		t.Skipf("%s is not set and -short installs nothing", variable)
	}
	out, err := exec.Command(filepath.Join(root(t), "scripts", "venv"), name).Output()
	if err != nil {
		t.Fatalf("scripts/venv %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

// makeModels writes tiny models NAME and, beside each, EXPORTS/NAME/000000 as the
// trainer exports it: with STABLE and probe, untied.
const makeModels = `
import pathlib, sys, torch
from ropewalk_trainer import model, tiny
from ropewalk_trainer.export import Exporter
out = pathlib.Path(sys.argv[1])
for name, tied, seed in (("one", False, 1), ("two", False, 2), ("tied-one", True, 1), ("tied-two", True, 2)):
    tiny.make(out / name, tied=tied, seed=seed, positions=512)
    policy = model.load(out / name, torch.device("cpu"))
    Exporter(out / "exports" / name, out / name, policy, "float32", seed, 512).export(0)
`

// Of the tiny models: see trainer/ropewalk_trainer/tiny.py.
const (
	tinyEnd        = 1
	tinyVocabulary = 104
	tinyContext    = 512
)

var models struct {
	sync.Once
	dir string
	err error
}

// tinyModels makes the models once for all tests of the process.
func tinyModels(t *testing.T) (dir string) {
	t.Helper()
	interpreter := python(t, "trainer", "ROPEWALK_TRAINER_PYTHON")
	models.Do(func() {
		if models.dir, models.err = os.MkdirTemp("", "ropewalk-models-"); models.err != nil {
			return
		}
		cmd := exec.Command(interpreter, "-c", makeModels, models.dir)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(root(t), "trainer"))
		if out, err := cmd.CombinedOutput(); err != nil {
			models.err = fmt.Errorf("making tiny models: %w\n%s", err, out)
		}
	})
	if models.err != nil {
		t.Fatal(models.err)
	}
	return models.dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	if models.dir != "" {
		_ = os.RemoveAll(models.dir)
	}
	os.Exit(code)
}

// export is where the trainer's export of a tiny model lies.
func export(dir, name string) string { return filepath.Join(dir, "exports", name, "000000") }

// process is an engine of its own process group, killed with its children.
type process struct {
	url string
	cmd *exec.Cmd
	log *tail
}

// tail keeps the end of what a process says.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (b *tail) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf = append(b.buf, p...)
	b.buf = b.buf[max(0, len(b.buf)-8000):]
	return len(p), nil
}

func (b *tail) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(bytes.Clone(b.buf))
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start runs an engine and waits until it is healthy.
func start(t *testing.T, port string, cmd *exec.Cmd) (*process, *engine.HTTP) {
	t.Helper()
	p := &process{url: "http://127.0.0.1:" + port, cmd: cmd, log: &tail{}}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	stdin, err := cmd.StdinPipe() // closes with this process
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = stdin.(io.Closer).Close()
		<-exited
		if t.Failed() {
			t.Logf("%s said at the end:\n%s", cmd.Path, p.log)
		}
	})
	client, err := engine.NewHTTP(p.url, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	p.await(t, client, exited)
	return p, client
}

func (p *process) await(t *testing.T, client *engine.HTTP, exited chan error) {
	t.Helper()
	for end := time.Now().Add(4 * time.Minute); ; time.Sleep(250 * time.Millisecond) {
		err := client.Healthy(t.Context())
		if err == nil {
			return
		}
		select {
		case left := <-exited:
			exited <- left
			t.Fatalf("the engine left instead of serving: %v\n%s", left, p.log)
		default:
		}
		if !engine.Gone(err) && !errors.Is(err, engine.ErrSaturated) || time.Now().After(end) {
			t.Fatalf("the engine does not become healthy: %v\n%s", err, p.log)
		}
	}
}

func startSmall(t *testing.T, model string) (*process, *engine.HTTP) {
	t.Helper()
	interpreter, port := python(t, "trainer", "ROPEWALK_TRAINER_PYTHON"), freePort(t)
	cmd := exec.CommandContext(context.Background(), interpreter, "-m", "ropewalk_trainer.engine", "--model", model, "--port", port,
		"--max-model-len", fmt.Sprint(tinyContext), "--exit-with-parent")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(root(t), "trainer"))
	return start(t, port, cmd)
}

func startVLLM(t *testing.T, model string) (*process, *engine.HTTP) {
	t.Helper()
	interpreter, port := python(t, "vllm", "ROPEWALK_VLLM_PYTHON"), freePort(t)
	cmd := exec.CommandContext(context.Background(), filepath.Join(filepath.Dir(interpreter), "vllm"), "serve", model,
		"--host", "127.0.0.1", "--port", port, "--dtype", "float32", "--max-model-len", fmt.Sprint(tinyContext), "--enforce-eager",
		"--logprobs-mode", "processed_logprobs", "--generation-config", "vllm", "--served-model-name", "policy")
	cmd.Env = append(os.Environ(), "VLLM_SERVER_DEV_MODE=1", "VLLM_NO_USAGE_STATS=1", "HF_HUB_OFFLINE=1", "VLLM_CPU_KVCACHE_SPACE=1")
	return start(t, port, cmd)
}
