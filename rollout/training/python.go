package training

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Python finds the interpreter of an environment ("trainer" or "vllm"): the
// configured path, else $ROPEWALK_TRAINER_PYTHON or $ROPEWALK_VLLM_PYTHON, else
// what scripts/venv of the checkout prints, which installs it first if need be.
func Python(configured, environment string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	if path := os.Getenv("ROPEWALK_" + strings.ToUpper(environment) + "_PYTHON"); path != "" {
		return path, nil
	}
	root, err := Checkout()
	if err != nil {
		return "", fmt.Errorf("no python for the %s environment: %w", environment, err)
	}
	venv := exec.Command(filepath.Join(root, "scripts", "venv"), environment)
	venv.Stderr = os.Stderr
	path, err := venv.Output()
	if err != nil {
		return "", fmt.Errorf("scripts/venv %s: %w", environment, err)
	}
	return strings.TrimSpace(string(path)), nil
}

// Checkout finds the folder that holds scripts/venv and trainer/: above the
// working directory, or above the binary.
func Checkout() (string, error) {
	var starts []string
	if dir, err := os.Getwd(); err == nil {
		starts = append(starts, dir)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for {
			if _, err := os.Stat(filepath.Join(dir, "scripts", "venv")); err == nil {
				return dir, nil
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return "", errors.New("not inside a ropewalk checkout; name an interpreter in the configuration (trainer.python, engine.python)")
}

// PythonCommand runs a module of the trainer package, which need not be installed:
// the checkout's copy is put on its path.
func PythonCommand(python, module string, args ...string) *exec.Cmd {
	cmd := exec.Command(python, append([]string{"-m", module}, args...)...)
	cmd.Env = os.Environ()
	if root, err := Checkout(); err == nil {
		path := filepath.Join(root, "trainer")
		if old := os.Getenv("PYTHONPATH"); old != "" {
			path += string(os.PathListSeparator) + old
		}
		cmd.Env = append(cmd.Env, "PYTHONPATH="+path)
	}
	cmd.Env = append(cmd.Env, "PYTHONUNBUFFERED=1", "TOKENIZERS_PARALLELISM=false")
	return cmd
}

// TrainerCommand is the trainer of a run folder.
func TrainerCommand(python, dir string) (*exec.Cmd, error) {
	python, err := Python(python, "trainer")
	if err != nil {
		return nil, err
	}
	return PythonCommand(python, "ropewalk_trainer", "--run", dir), nil
}
