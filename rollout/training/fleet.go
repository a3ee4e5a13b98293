package training

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/ropewalk/ropewalk/rollout/config"
)

// Fleet makes the local children of a run: one trainer, and pairs of engine and
// worker.
type Fleet struct {
	Config *config.Config
	Folder *Folder
	NATS   string // URL that workers connect to
	Self   string // path of this binary
	Log    *slog.Logger
}

// Trainer is the run's trainer, simulated if the engine is.
func (f *Fleet) Trainer() (*Process, error) {
	command, err := f.trainerCommand()
	if err != nil {
		return nil, err
	}
	trainer := f.process("trainer", command)
	trainer.Over = f.trained
	return trainer, nil
}

func (f *Fleet) trainerCommand() (func() (*exec.Cmd, error), error) {
	if f.Config.Engine.Kind == "simulated" && f.Config.Model.Path == "" {
		return func() (*exec.Cmd, error) {
			return exec.Command(f.Self, "trainer", "--simulated", "--run", f.Folder.Dir, "--exit-with-parent"), nil
		}, nil
	}
	python, err := Python(f.Config.Trainer.Python, "trainer")
	if err != nil {
		return nil, err
	}
	return func() (*exec.Cmd, error) {
		return PythonCommand(python, "ropewalk_trainer", "--run", f.Folder.Dir, "--exit-with-parent"), nil
	}, nil
}

// trained reports whether no batch is left to train: all steps are exported, or as
// many as batches/END says.
func (f *Fleet) trained() bool {
	newest, ok, err := Newest(f.Folder.Path("weights"))
	if err != nil || !ok {
		return false
	}
	batches, ended := readEnd(f.Folder.Dir)
	return newest.Version >= f.Config.Run.Steps || ended && newest.Version >= batches
}

// Workers are the local engines and workers, each engine before its worker.
// They start from the newest weights, which must exist.
func (f *Fleet) Workers() ([]*Process, error) {
	if f.Config.Engine.Kind == "external" {
		var out []*Process
		for i, url := range f.Config.Engine.URLs {
			out = append(out, f.worker(i, url))
		}
		return out, nil
	}
	var out []*Process
	for i := range f.Config.Engine.Workers {
		engine, url, err := f.engine(i)
		if err != nil {
			return nil, err
		}
		worker := f.worker(i, url)
		worker.Needs = engine
		out = append(out, engine, worker)
	}
	return out, nil
}

func (f *Fleet) process(name string, command func() (*exec.Cmd, error)) *Process {
	return &Process{Name: name, Command: command, Dir: f.Folder.Dir, Log: f.Log}
}

func (f *Fleet) worker(i int, engine string) *Process {
	name := fmt.Sprintf("worker-%d", i)
	c := f.Config
	return f.process(name, func() (*exec.Cmd, error) {
		args := []string{"worker", "--config", f.Folder.Path("config.yaml")}
		if c.Queue.URL == "" { // else it stands in the configuration, with the password it may hold, and not in every list of processes
			args = append(args, "--nats", f.NATS)
		}
		return exec.Command(f.Self, append(args, "--run", f.Folder.Name, "--engine", engine, "--name", name,
			"--concurrency", strconv.Itoa(c.Engine.Concurrency), "--exit-with-parent")...), nil
	})
}

// engine picks a port once, so that a restarted engine is found where it was.
func (f *Fleet) engine(i int) (*Process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	command, err := f.engineCommand(strconv.Itoa(port))
	if err != nil {
		return nil, "", err
	}
	return f.process(fmt.Sprintf("engine-%d", i), command), fmt.Sprintf("http://127.0.0.1:%d", port), nil
}

func (f *Fleet) engineCommand(port string) (func() (*exec.Cmd, error), error) {
	c := f.Config.Engine
	switch c.Kind {
	case "simulated":
		return func() (*exec.Cmd, error) {
			args := []string{"engine", "--simulated", "--listen", "127.0.0.1:" + port, "--config", f.Folder.Path("config.yaml"), "--exit-with-parent"}
			return exec.Command(f.Self, append(args, c.Args...)...), nil
		}, nil
	case "small":
		python, err := Python(firstOf(c.Python, f.Config.Trainer.Python), "trainer")
		return func() (*exec.Cmd, error) {
			model, err := f.newest()
			args := []string{"--model", model, "--port", port, "--dtype", f.Config.Model.Dtype,
				"--max-model-len", strconv.Itoa(c.Context), "--exit-with-parent"}
			return PythonCommand(python, "ropewalk_trainer.engine", append(args, c.Args...)...), err
		}, err
	case "vllm":
		python, err := Python(c.Python, "vllm")
		return func() (*exec.Cmd, error) {
			model, err := f.newest()
			return vllmCommand(python, model, port, f.Config), err
		}, err
	}
	return nil, fmt.Errorf("engine.kind %q cannot be started here", c.Kind)
}

func (f *Fleet) newest() (string, error) {
	e, ok, err := Newest(f.Folder.Path("weights"))
	if err == nil && !ok {
		err = fmt.Errorf("no weights in %s yet", f.Folder.Path("weights"))
	}
	return e.Dir, err
}

// vllmCommand starts vLLM as training needs it: log-probabilities of the
// distribution sampled from, no sampling defaults from the model folder, and the
// routes that load weights, on loopback only for they know no password.
func vllmCommand(python, model, port string, c *config.Config) *exec.Cmd {
	args := []string{"serve", model, "--host", "127.0.0.1", "--port", port, "--dtype", c.Model.Dtype,
		"--max-model-len", strconv.Itoa(c.Engine.Context), "--served-model-name", "policy",
		"--logprobs-mode", "processed_logprobs", "--generation-config", "vllm", "--max-num-seqs", strconv.Itoa(c.Engine.Concurrency)}
	cmd := exec.Command(filepath.Join(filepath.Dir(python), "vllm"), append(args, c.Engine.Args...)...)
	cmd.Env = append(os.Environ(), "VLLM_SERVER_DEV_MODE=1", "VLLM_NO_USAGE_STATS=1", "HF_HUB_OFFLINE=1")
	if os.Getenv("VLLM_CPU_KVCACHE_SPACE") == "" {
		cmd.Env = append(cmd.Env, "VLLM_CPU_KVCACHE_SPACE=1") // read by CPU builds only; their default of 4 GiB is much for a laptop
	}
	return cmd
}

// freePort asks the system for a port that is free now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
