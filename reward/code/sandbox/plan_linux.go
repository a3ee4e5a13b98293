package sandbox

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// plan is how workers are made on this machine: what the kernel offers, what
// the interpreter needs.
type plan struct {
	python     *python
	namespaces bool
	root       bool // started by the real root: programs get a user id of their own
	config     config
	lacks      []string
}

// config is what the zygote is told at its start.
type config struct {
	Syscalls   map[string]int `json:"syscalls"`
	Namespaces bool           `json:"namespaces"`
	Landlock   int            `json:"landlock"` // version of its interface; 0 without
	Filter     string         `json:"filter"`   // base64; "" without
	Root       string         `json:"root"`     // where the view is mounted before it becomes /
	Visible    []string       `json:"visible"`  // what the view shows
	Readable   []string       `json:"readable"` // what Landlock grants; equal to Visible
	Devices    []string       `json:"devices"`
	Scratch    string         `json:"scratch"`
	User       int            `json:"user"` // inside; 0 to stay
	Disk       int64          `json:"disk"`
	Files      int            `json:"files"`
	Slack      int64          `json:"slack"`
	Own        int            `json:"own"` // processes of the zygote's that count against the program's limit
}

// Bounds of a program that no option changes.
const (
	diskBytes = 64 << 20
	diskFiles = 4096
	// slack is address space beyond Limits.Memory: the interpreter, its libraries,
	// what threads reserve and never touch.
	slack = 512 << 20
	// nobody is the host's user id of programs where root starts the sandbox.
	nobody = 65534
)

// makePlan finds out what there is. Without consent, anything missing is an
// [*Incomplete].
func makePlan(o Options) (*plan, error) {
	py, err := findPython(o.Python)
	if err != nil {
		return nil, err
	}
	offer := Probe()
	p := &plan{python: py, namespaces: offer.Namespaces == nil, root: os.Geteuid() == 0, lacks: offer.Lacks()}
	if len(p.lacks) > 0 && !o.Degraded && !degradedByEnv() {
		return nil, &Incomplete{p.lacks}
	}
	visible := py.visible()
	p.config = config{
		Syscalls:   syscallNumbers(),
		Namespaces: p.namespaces,
		Landlock:   offer.Landlock,
		Root:       mountPoint(visible),
		Visible:    visible,
		Readable:   visible,
		Devices:    []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"},
		Scratch:    "/tmp",
		Disk:       diskBytes, Files: diskFiles, Slack: slack,
	}
	if offer.Seccomp == nil {
		program, err := filter()
		if err != nil {
			return nil, err
		}
		p.config.Filter = base64.StdEncoding.EncodeToString(program)
	}
	if p.namespaces && p.root {
		p.config.User = 1
	}
	if p.config.User == 0 {
		p.config.Own = 1
	}
	return p, nil
}

func syscallNumbers() map[string]int {
	return map[string]int{
		"mount_setattr": unix.SYS_MOUNT_SETATTR, "pivot_root": unix.SYS_PIVOT_ROOT, "capset": unix.SYS_CAPSET,
		"landlock_create_ruleset": unix.SYS_LANDLOCK_CREATE_RULESET, "landlock_add_rule": unix.SYS_LANDLOCK_ADD_RULE,
		"landlock_restrict_self": unix.SYS_LANDLOCK_RESTRICT_SELF,
	}
}

// mountPoint finds a folder of the host on which the view can be put together:
// one that hides nothing that the view shows. Only the sandbox sees the mount.
func mountPoint(visible []string) string {
	for _, dir := range []string{"/mnt", "/media", "/srv", "/sys", "/run", "/tmp", "/var", "/opt", "/home", "/root"} {
		info, err := os.Lstat(dir)
		if err == nil && info.IsDir() && !slices.ContainsFunc(visible, func(v string) bool { return within(v, dir) }) {
			return dir
		}
	}
	return "/proc"
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// scratchDir makes the writable folder of a worker that has no mounts of its own.
func (p *plan) scratchDir() (string, error) {
	if p.namespaces {
		return "", nil
	}
	dir, err := os.MkdirTemp("", "ropewalk-scratch-*")
	if err != nil {
		return "", fmt.Errorf("scratch folder: %w", err)
	}
	return filepath.EvalSymlinks(dir)
}
