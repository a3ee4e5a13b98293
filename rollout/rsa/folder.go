package rsa

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Errors of [OpenFolder] that a user can act on.
var (
	ErrInUse    = errors.New("the folder is in use by another process")
	ErrForeign  = errors.New("the folder holds something else")
	ErrSettings = errors.New("made with other settings")
)

// Files of a folder.
const (
	settingsFile = "settings.json"
	journalFile  = "journal.jsonl"
	lockFile     = "lock"
	reportFile   = "report.json"
	rolloutsDir  = "rollouts"
	// PageFile is made by the command, from the report.
	PageFile = "report.html"
)

// Files that compare the runs of a collection.
const (
	ComparisonFile = "comparison.json"
	ComparisonPage = "comparison.html"
)

// OpenCollection makes a folder for runs of the given names, each in a folder of
// its own, and for what is said of all of them; or finds it and makes sure that
// nothing else is in it. Errors wrap [ErrForeign].
func OpenCollection(dir string, names []string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(dir, 0o777)
	}
	if err != nil {
		return err
	}
	about := []string{reportFile, resultsFile, PageFile, ComparisonFile, ComparisonPage}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) && !slices.Contains(about, e.Name()) && !atomicfile.IsTemporary(e.Name()) {
			return fmt.Errorf("%w: %s: found %s", ErrForeign, dir, e.Name())
		}
	}
	return atomicfile.Clean(dir)
}

// Folder holds a run: its settings, the journal while it is under way, and in
// the end the archive and the report. One process at a time, by a lock.
type Folder struct {
	Dir      string
	settings Settings
	lock     *os.File
}

// OpenFolder makes the folder dir, or takes it over to go on with a run of the
// same settings. Errors wrap [ErrInUse], [ErrForeign] or [ErrSettings].
func OpenFolder(dir string, s Settings) (*Folder, error) {
	if err := ours(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	f := &Folder{Dir: dir, settings: s, lock: lock}
	if err := f.take(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return f, nil
}

// ours refuses a folder with anything in it that is not ours.
func ours(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case settingsFile, journalFile, lockFile, reportFile, resultsFile, PageFile, rolloutsDir:
		default:
			if !atomicfile.IsTemporary(e.Name()) {
				return fmt.Errorf("%w: %s: found %s", ErrForeign, dir, e.Name())
			}
		}
	}
	return nil
}

func (f *Folder) take() error {
	if err := syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%w: %s", ErrInUse, f.Dir)
	}
	if err := atomicfile.Clean(f.Dir); err != nil {
		return err
	}
	before, err := f.before()
	if before == nil || err != nil {
		return err
	}
	if err := before.Matches(f.settings); err != nil {
		return fmt.Errorf("%s: %w", f.Dir, err)
	}
	return nil
}

// before reads the settings of the folder, nil if it is new.
func (f *Folder) before() (Settings, error) {
	raw, err := os.ReadFile(f.Path(settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s Settings
	if err := json.Unmarshal(raw, &s); err != nil || len(s) == 0 {
		return nil, fmt.Errorf("%w: %s is not the settings of a run", ErrForeign, f.Path(settingsFile))
	}
	return s, nil
}

// Pin binds the folder to what the engines serve: a new folder keeps it, another
// compares.
func (f *Folder) Pin(info engine.Info) error {
	f.settings = f.settings.withEngine(info)
	before, err := f.before()
	if err != nil {
		return err
	}
	if before == nil {
		return f.write(settingsFile, f.settings)
	}
	if diff := before.Diff(f.settings); len(diff) > 0 {
		return fmt.Errorf("%s: %w:\n  %s", f.Dir, ErrSettings, strings.Join(diff, "\n  "))
	}
	return nil
}

// Path joins names to the folder.
func (f *Folder) Path(names ...string) string {
	return filepath.Join(append([]string{f.Dir}, names...)...)
}

// Journal opens the folder's journal.
func (f *Folder) Journal(s Shape) (*Journal, error) { return OpenJournal(f.Path(journalFile), s) }

// Finished gives the report of a finished run; nil if the run is not finished. A
// journal that a killed process left beside a report goes.
func (f *Folder) Finished() (*Report, error) {
	raw, err := os.ReadFile(f.Path(reportFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path(reportFile), err)
	}
	if len(r.Rounds) == 0 || len(r.Curve) == 0 {
		return nil, fmt.Errorf("%s is of an older version, which reported less", f.Path(reportFile))
	}
	return &r, f.forget()
}

// write makes a JSON file of the folder.
func (f *Folder) write(name string, v any) error { return WriteJSON(f.Path(name), v) }

// WriteJSON makes a JSON file for people and programs, atomically.
func WriteJSON(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		raw, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		_, err = w.Write(append(raw, '\n'))
		return err
	})
}

// forget removes a journal whose content stands elsewhere.
func (f *Folder) forget() error {
	err := os.Remove(f.Path(journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Remove deletes the folder of a finished run, under its lock.
func (f *Folder) Remove() error { return errors.Join(os.RemoveAll(f.Dir), f.lock.Close()) }

// Close gives the lock back.
func (f *Folder) Close() error { return f.lock.Close() }
