package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDiskFull fills a disk of 1 MiB. The test runs itself again in a mount
// namespace of its own, which needs no privileges where user namespaces are
// allowed; elsewhere a limit on file size stands in for the disk.
func TestDiskFull(t *testing.T) {
	const inside = "ROPEWALK_TEST_SMALL_DISK"
	if dir := os.Getenv(inside); dir != "" {
		fillDisk(t, dir)
		return
	}
	dir := t.TempDir()
	try := func(script string, attr *syscall.SysProcAttr) ([]byte, error) {
		cmd := exec.Command("sh", "-c", script, os.Args[0], dir)
		cmd.Env = append(os.Environ(), inside+"="+dir)
		cmd.SysProcAttr = attr
		return cmd.CombinedOutput()
	}
	const again = `exec "$0" -test.run='^TestDiskFull$' -test.v`
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	out, err := try(`mount -t tmpfs -o size=1m none "$1" || exit 77; `+again, attr)
	var exit *exec.ExitError
	if (errors.As(err, &exit) && exit.ExitCode() == 77) || (err != nil && exit == nil) {
		t.Logf("no mount here (%v): limiting file size instead\n%s", err, out)
		out, err = try(`ulimit -f 1024; trap '' XFSZ; `+again, nil)
	}
	if err != nil || !bytes.Contains(out, []byte("PASS: TestDiskFull")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func fillDisk(t *testing.T, dir string) {
	path := filepath.Join(dir, "f")
	if err := Write(path, put("kept")); err != nil {
		t.Fatal(err)
	}
	much := bytes.Repeat([]byte("x"), 3<<20)
	full := func(err error) {
		t.Helper()
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EFBIG) {
			t.Errorf("error %v, want no space", err)
		}
		if list := leftovers(t, dir, "f"); list != nil {
			t.Errorf("left %v", list)
		}
		if got := mustRead(t, path); got != "kept" {
			t.Errorf("the file now holds %d bytes", len(got))
		}
	}
	full(Write(path, func(w io.Writer) error {
		_, err := w.Write(much)
		return err
	}))
	full(Dir(filepath.Join(dir, "d"), func(tmp string) error { return os.WriteFile(filepath.Join(tmp, "f"), much, 0o666) }))
	// The space is free again.
	if err := Write(path, put("new")); err != nil {
		t.Error(err)
	}
}
