package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// python is an interpreter and what it needs to see of the machine.
type python struct {
	Path     string   `json:"path"` // of the real binary, not of a shim
	Version  string   `json:"version"`
	Prefixes []string `json:"prefixes"`
	Mapped   []string `json:"mapped"` // files that it maps: its libraries
}

// askPython makes an interpreter tell about itself.
const askPython = `import ctypes, json, os, sys, math, random, socket, select, decimal, hashlib
mapped = {line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if "/" in line}
print(json.dumps({"path": os.path.realpath(sys.executable), "version": sys.version.split()[0],
  "prefixes": sorted({sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}),
  "mapped": sorted(m for m in mapped if m.startswith("/") and os.path.exists(m))}))`

// findPython asks the interpreter of that name or path; "" for python3.
func findPython(name string) (*python, error) {
	if name == "" {
		name = "python3"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, "-I", "-c", askPython).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && len(exit.Stderr) > 0 {
			lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
			err = errors.New(lines[len(lines)-1])
		}
		return nil, fmt.Errorf("python interpreter %s: %w", name, err)
	}
	var p python
	if err := json.Unmarshal(out, &p); err != nil {
		return nil, fmt.Errorf("python interpreter %s: %w", name, err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(p.Version, "%d.%d", &major, &minor); err != nil || major != 3 || minor < 9 {
		return nil, fmt.Errorf("python interpreter %s is version %s; 3.9 or newer is needed", name, p.Version)
	}
	return &p, nil
}

// visible lists what programs may read: the interpreter's folders, the system's
// libraries, and what a C++ compiler needs.
func (p *python) visible() (paths []string) {
	for _, prefix := range append([]string{"/usr"}, p.Prefixes...) {
		for _, sub := range []string{"bin", "lib", "lib64", "lib32", "libx32"} {
			paths = append(paths, filepath.Join(prefix, sub))
		}
	}
	paths = append(paths, "/usr/libexec", "/usr/include", "/usr/share/zoneinfo", "/lib", "/lib64", "/lib32", "/bin",
		"/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", filepath.Dir(p.Path))
	for _, file := range p.Mapped {
		if !slices.ContainsFunc(paths, func(dir string) bool { return strings.HasPrefix(file, dir+"/") }) {
			paths = append(paths, filepath.Dir(file))
		}
	}
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool {
		_, err := os.Lstat(path)
		return err != nil
	})
}
