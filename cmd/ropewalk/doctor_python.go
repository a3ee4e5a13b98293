package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// environment is a Python environment of scripts/venv, and what it must import.
type environment struct {
	name    string
	modules []string // their versions are shown
	needed  string   // what does not work without it
}

var environments = []environment{
	{"trainer", []string{"torch", "transformers", "safetensors", "pyarrow", "aiohttp"}, "the trainer and the small engine"},
	{"vllm", []string{"vllm", "torch"}, "vLLM as a local engine"},
}

func checkPythons(ctx context.Context, _ doctorOptions) (all []finding) {
	for _, e := range environments {
		all = append(all, e.check(ctx))
	}
	return all
}

// check looks for the environment without installing it.
func (e environment) check(ctx context.Context) finding {
	name := "python " + e.name
	install := fmt.Sprintf("`scripts/venv %s` installs it (train does so by itself, inside a checkout)", e.name)
	python := e.python()
	if python == "" {
		if base, err := basePython(ctx); err != nil {
			return bad(name, err.Error(), "install Python 3.11 or newer, with its venv module")
		} else {
			return warn(name, "not installed yet; would use "+base, install+"; "+e.needed+" need it")
		}
	}
	versions, err := e.versions(ctx, python)
	if err != nil {
		return bad(name, fmt.Sprintf("%s: %v", python, err), "delete the environment's folder; "+install)
	}
	return fine(name, "%s", versions)
}

// python finds the interpreter where train would: the variable, else the newest
// complete environment in the cache of scripts/venv.
func (e environment) python() string {
	if path := os.Getenv("ROPEWALK_" + strings.ToUpper(e.name) + "_PYTHON"); path != "" {
		return path
	}
	marks, err := filepath.Glob(filepath.Join(cacheDir(), e.name+"-*", "COMPLETE"))
	if err != nil {
		return ""
	}
	newest, at := "", time.Time{}
	for _, mark := range marks {
		if info, err := os.Stat(mark); err == nil && info.ModTime().After(at) {
			newest, at = filepath.Join(filepath.Dir(mark), "bin", "python"), info.ModTime()
		}
	}
	return newest
}

// cacheDir is where scripts/venv keeps environments.
func cacheDir() string {
	if dir := os.Getenv("ROPEWALK_CACHE"); dir != "" {
		return dir
	}
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		base = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	return filepath.Join(base, "ropewalk")
}

const versionProgram = `
import importlib, json, sys
out = {"python": sys.version.split()[0]}
for name in sys.argv[1:]:
    out[name] = getattr(importlib.import_module(name), "__version__", "of unknown version")
if "torch" in out:
    import torch
    out["device"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU threads"
print("\n" + json.dumps(out))
`

// versions imports the modules: an environment that cannot is broken, whatever its
// folder looks like.
func (e environment) versions(ctx context.Context, python string) (string, error) {
	text, err := runPython(ctx, python, append([]string{"-c", versionProgram}, e.modules...)...)
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(text), "\n") // libraries may print first
	var found map[string]string
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &found); err != nil {
		return "", fmt.Errorf("unexpected output %.200q", text)
	}
	parts := []string{"python " + found["python"]}
	for _, m := range e.modules {
		parts = append(parts, m+" "+found[m])
	}
	return strings.Join(append(parts, found["device"]), ", "), nil
}

// basePython says which interpreter scripts/venv would build on.
func basePython(ctx context.Context) (string, error) {
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "python3"
	}
	const program = `import sys, venv; print("python", sys.version.split()[0]); sys.exit(sys.version_info < (3, 11))`
	text, err := runPython(ctx, python, "-c", program)
	if text = strings.TrimSpace(text); text != "" && err != nil {
		return "", fmt.Errorf("%s is too old", text)
	}
	return text, err
}

func runPython(ctx context.Context, python string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(ctx, python, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if ctx.Err() != nil {
		return stdout.String(), errors.New("no answer in time")
	}
	if message := lastLine(stderr.String()); err != nil && message != "" {
		err = errors.New(message)
	}
	return stdout.String(), err
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
