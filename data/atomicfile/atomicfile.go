// Package atomicfile writes files and folders that are either whole or absent:
// a hidden temporary sibling is filled, fsynced and renamed, and the parent
// folder is fsynced, so that what a reader sees survives a crash and a power cut.
package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// prefix marks temporaries; nothing that starts with it is ever data.
const prefix = ".tmp-"

// Write makes path hold exactly what fill writes, replacing a file that is
// there. After an error (fill's own, disk full) path is as it was before and no
// temporary is left. fill's writer is unbuffered. A symbolic link is followed;
// a folder or device in the way is an error.
func Write(path string, fill func(io.Writer) error) (err error) {
	path, err = target(path)
	if err != nil {
		return err
	}
	tmp := sibling(path)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("writing %s: %w", path, err), remove(tmp))
		}
	}()
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// Dir makes the folder final hold exactly the files that fill makes in tmp, a
// hidden sibling. Every file and folder is fsynced before the rename. It fails
// if final exists and is not empty; after an error no temporary is left.
func Dir(final string, fill func(tmp string) error) (err error) {
	final = filepath.Clean(final)
	if err := vacant(final); err != nil {
		return err
	}
	tmp := sibling(final)
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return fmt.Errorf("writing %s: %w", final, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("writing %s: %w", final, err), os.RemoveAll(tmp))
		}
	}()
	if err := fill(tmp); err != nil {
		return err
	}
	if err := syncTree(tmp); err != nil {
		return err
	}
	// Neither an empty folder is in the way, nor is a full one replaced: a second
	// writer may have come in after the check above.
	if err := remove(final); err != nil {
		return err
	}
	if err := os.Rename(tmp, final); err != nil {
		return err
	}
	return syncPath(filepath.Dir(final))
}

// Clean removes the temporaries that a killed process left in dir. Call it only
// while nobody else writes there.
func Clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if IsTemporary(e.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// IsTemporary reports whether a base name is one that Write or Dir uses for
// what is not finished.
func IsTemporary(name string) bool { return strings.HasPrefix(name, prefix) }

// sibling is a fresh hidden name beside path: renames must not cross devices.
func sibling(path string) string {
	var b [6]byte
	rand.Read(b[:]) // never fails, as documented
	return filepath.Join(filepath.Dir(path), prefix+filepath.Base(path)+"-"+hex.EncodeToString(b[:]))
}

// target follows symbolic links and refuses what a rename would destroy.
func target(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("writing %s: it exists and is not a file (%s)", path, info.Mode().Type())
	}
	return real, nil
}

func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", dir, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("writing %s: %w and is not empty", dir, fs.ErrExist)
	}
	return nil
}

// syncTree fsyncs every file, then the folders that name them, deepest first.
func syncTree(root string) error {
	var folders []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			folders = append(folders, path)
			return nil
		case d.Type().IsRegular():
			return syncPath(path)
		}
		return nil
	})
	for i := len(folders) - 1; i >= 0 && err == nil; i-- {
		err = syncPath(folders[i])
	}
	return err
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
