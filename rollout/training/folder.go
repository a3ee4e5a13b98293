package training

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/queue"
)

// Folder is a run folder held by this process: one writer, by a lock.
type Folder struct {
	Dir  string
	Name string // the run's name in queue subjects and batches
	ID   string // drawn with the folder: two runs of one name differ in it
	lock *os.File
}

// Errors of [OpenFolder] that a user can act on.
var (
	ErrInUse    = errors.New("the run folder is in use by another process")
	ErrHasRun   = errors.New("the run folder holds a run already")
	ErrNoRun    = errors.New("the run folder holds no run to resume")
	ErrOtherRun = errors.New("the configuration differs from that of the run")
)

// OpenFolder makes or, to resume, takes over the run folder of cfg.
func OpenFolder(cfg *config.Config, resume bool) (*Folder, error) {
	dir, err := filepath.Abs(cfg.Run.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{Dir: dir, Name: queue.RunID(filepath.Base(dir)), lock: lock}
	if err := f.prepare(cfg, resume); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func lockFolder(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		_ = file.Close()
		return nil, fmt.Errorf("%w: %s (process %s)", ErrInUse, dir, strings.TrimSpace(string(holder)))
	}
	if err := file.Truncate(0); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(file, "%d\n", os.Getpid())
	return file, err
}

// prepare checks config.yaml against cfg, or writes it for a new run.
func (f *Folder) prepare(cfg *config.Config, resume bool) error {
	path := filepath.Join(f.Dir, "config.yaml")
	exists := f.begun()
	switch {
	case exists && !resume:
		return fmt.Errorf("%w: %s", ErrHasRun, f.Dir)
	case !exists && resume:
		return fmt.Errorf("%w: %s", ErrNoRun, f.Dir)
	case exists:
		before, err := config.Load(path, nil, nil)
		if err != nil {
			return err
		}
		if before.Hash() != cfg.Hash() {
			return fmt.Errorf("%w in %s:\n%s", ErrOtherRun, f.Dir, strings.Join(config.Diff(before, cfg), "\n"))
		}
	}
	for _, sub := range []string{"batches", "rollouts", "weights", "checkpoints", "metrics"} {
		if err := os.MkdirAll(filepath.Join(f.Dir, sub), 0o755); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	// What ended an earlier attempt need not end this one: run.steps may have grown.
	if err := os.Remove(f.Path("batches", "END")); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("run folder: %w", err)
	}
	if err := f.identify(); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	return f.writeConfig(path, cfg)
}

// identify reads the folder's id or draws one. Nothing that is sampled or written to
// batches depends on it.
func (f *Folder) identify() error {
	path := f.Path("id")
	text, err := os.ReadFile(path)
	if f.ID = strings.TrimSpace(string(text)); f.ID != "" || err != nil && !os.IsNotExist(err) {
		return err
	}
	f.ID = rand.Text()
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, f.ID)
		return err
	})
}

// begun reports whether there is anything to lose: a run that failed before its
// first weights (a port taken, a server away) may simply be started again.
func (f *Folder) begun() bool {
	for _, sub := range []string{"weights", "batches"} {
		if entries, err := os.ReadDir(f.Path(sub)); err == nil && len(entries) > 0 {
			return true
		}
	}
	return false
}

func (f *Folder) writeConfig(path string, cfg *config.Config) error {
	resolved := *cfg
	resolved.Run.Dir = f.Dir
	text, err := resolved.YAML()
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// Path joins names to the folder.
func (f *Folder) Path(names ...string) string {
	return filepath.Join(append([]string{f.Dir}, names...)...)
}

// Close gives the lock back.
func (f *Folder) Close() error { return f.lock.Close() }
