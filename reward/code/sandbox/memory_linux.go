package sandbox

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// newFile makes a file in memory that no name leads to.
func newFile(name string, content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memory for %s: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	if len(content) > 0 {
		if _, err := f.WriteAt(content, 0); err != nil {
			f.Close()
			return nil, fmt.Errorf("memory for %s: %w", name, err)
		}
	}
	return f, nil
}

// seal makes a file's content final.
func seal(f *os.File) error {
	const all = unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, all); err != nil {
		return fmt.Errorf("seal %s: %w", f.Name(), err)
	}
	return nil
}

// tail reads the last most bytes of a file, and tells its size.
func tail(f *os.File, most int64) ([]byte, int64, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	from := max(0, info.Size()-most)
	text := make([]byte, info.Size()-from)
	n, err := f.ReadAt(text, from)
	if err == io.EOF {
		err = nil // shorter since
	}
	return text[:n], info.Size(), err
}

// head reads the first most bytes of a file, and tells its size.
func head(f *os.File, most int64) ([]byte, int64, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	text := make([]byte, min(info.Size(), most))
	n, err := f.ReadAt(text, 0)
	if err == io.EOF {
		err = nil
	}
	return text[:n], info.Size(), err
}

// Blob is a program in memory that cannot change any more, to be run any number
// of times. The zero Blob holds nothing.
type Blob struct{ file *os.File }

// NewBlob copies a program. The caller must Close it.
func NewBlob(content []byte) (Blob, error) {
	f, err := newFile("program", content)
	if err != nil {
		return Blob{}, err
	}
	if err := seal(f); err != nil {
		f.Close()
		return Blob{}, err
	}
	// A file that someone may write cannot be executed: open it again, for reading.
	r, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	f.Close()
	if err != nil {
		return Blob{}, fmt.Errorf("open the program for reading: %w", err)
	}
	return Blob{r}, nil
}

// Close frees the memory.
func (b Blob) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
