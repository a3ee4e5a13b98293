package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// leftovers lists what a folder holds besides the names given.
func leftovers(t *testing.T, dir string, names ...string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
next:
	for _, e := range entries {
		for _, name := range names {
			if e.Name() == name {
				continue next
			}
		}
		list = append(list, e.Name())
	}
	return list
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, text := range []string{"first", "second, longer", ""} {
		if err := Write(path, put(text)); err != nil {
			t.Fatal(err)
		}
		if got := mustRead(t, path); got != text {
			t.Errorf("%q, want %q", got, text)
		}
	}
	if err := Write(path, put("kept")); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("half way")
	err := Write(path, func(w io.Writer) error { return errors.Join(put("lost")(w), failed) })
	if !errors.Is(err, failed) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if got := mustRead(t, path); got != "kept" {
		t.Errorf("a failed write left %q", got)
	}
	if list := leftovers(t, dir, "f"); list != nil {
		t.Errorf("left %v", list)
	}
}

func TestWriteSpecial(t *testing.T) {
	dir := t.TempDir()
	link, real := filepath.Join(dir, "link"), filepath.Join(dir, "real")
	if err := os.WriteFile(real, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := Write(link, put("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 || mustRead(t, real) != "new" {
		t.Error("the link was replaced instead of what it points to")
	}
	if err := Write(dir, put("x")); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("over a folder: %v", err)
	}
	if err := Write(os.DevNull, put("x")); err == nil {
		t.Error("a device was replaced")
	}
	if err := Write(filepath.Join(dir, "no", "f"), put("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing folder: %v", err)
	}
}

func TestDir(t *testing.T) {
	dir := t.TempDir()
	final := filepath.Join(dir, "000001")
	fill := func(tmp string) error {
		if !IsTemporary(filepath.Base(tmp)) {
			t.Errorf("temporary folder %s is not marked as one", tmp)
		}
		return errors.Join(os.MkdirAll(filepath.Join(tmp, "a", "b"), 0o777), os.WriteFile(filepath.Join(tmp, "a", "b", "f"), []byte("x"), 0o666))
	}
	if err := os.Mkdir(final, 0o777); err != nil { // an empty folder is no obstacle
		t.Fatal(err)
	}
	if err := Dir(final, fill); err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, filepath.Join(final, "a", "b", "f")); got != "x" {
		t.Errorf("%q", got)
	}
	if err := Dir(final, fill); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a full folder: %v", err)
	}
	failed := errors.New("half way")
	if err := Dir(filepath.Join(dir, "000002"), func(tmp string) error { return errors.Join(fill(tmp), failed) }); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	if list := leftovers(t, dir, "000001"); list != nil {
		t.Errorf("left %v", list)
	}
}

// Two writers of one folder: the second must not win silently.
func TestDirRace(t *testing.T) {
	final := filepath.Join(t.TempDir(), "d")
	one := func(tmp string) error { return os.WriteFile(filepath.Join(tmp, "f"), []byte("inner"), 0o666) }
	err := Dir(final, func(tmp string) error { return errors.Join(one(tmp), Dir(final, one)) })
	if err == nil {
		t.Error("a folder was replaced that another writer had finished")
	}
	if got := mustRead(t, filepath.Join(final, "f")); got != "inner" {
		t.Errorf("%q", got)
	}
}

func TestClean(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".tmp-a-1", "kept", ".hidden"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, ".tmp-d-2", "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Clean(dir); err != nil {
		t.Fatal(err)
	}
	if list := leftovers(t, dir, "kept", ".hidden"); list != nil {
		t.Errorf("left %v", list)
	}
}
