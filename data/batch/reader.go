package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// Verify checks that batch.arrow in dir has the size and checksum that its
// manifest says, and gives the manifest. It does not decode the file.
func Verify(dir string) (Manifest, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return m, err
	}
	path := filepath.Join(dir, m.File)
	info, err := os.Stat(path)
	if err != nil {
		return m, err
	}
	if info.Size() != m.Bytes {
		return m, fmt.Errorf("%s: %d bytes, the manifest says %d: truncated or overwritten", path, info.Size(), m.Bytes)
	}
	found, err := checksum(path)
	if err != nil {
		return m, err
	}
	if found != m.SHA256 {
		return m, fmt.Errorf("%s: sha256 %s, the manifest says %s: the file is corrupt", path, found, m.SHA256)
	}
	return m, nil
}

// checksum is the sha256 of a file, in hexadecimal digits.
func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{f}, make([]byte, 1<<20)); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Read verifies and decodes the batch in dir. A damaged, foreign or mismatched
// file is an error that names it. Arrow only ever sees a file whose checksum is
// right: a single flipped bit can make it allocate without bound.
func Read(dir string) (Manifest, []Row, error) {
	m, err := Verify(dir)
	if err != nil {
		return m, nil, err
	}
	path := filepath.Join(dir, m.File)
	rows, err := readArrow(path, &m)
	if err != nil {
		return m, nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, rows, nil
}

func readArrow(path string, m *Manifest) (rows []Row, err error) {
	// Arrow reports some malformed files by panicking.
	defer func() {
		if p := recover(); p != nil {
			rows, err = nil, fmt.Errorf("not a readable Arrow file: %v", p)
		}
	}()
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		return nil, fmt.Errorf("not a readable Arrow file: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := checkSchema(r.Schema()); err != nil {
		return nil, err
	}
	if err := checkMetadata(r.Schema().Metadata(), m); err != nil {
		return nil, err
	}
	rows = make([]Row, 0, m.Rows)
	for i := range r.NumRecords() {
		record, err := r.Record(i)
		if err != nil {
			return nil, fmt.Errorf("record batch %d: %w", i, err)
		}
		if rows, err = appendRecord(rows, record); err != nil {
			return nil, err
		}
	}
	return rows, checkRows(rows, m)
}

// appendRecord decodes one record batch. The slices in the rows point into
// memory of Go's allocator, which outlives the record.
func appendRecord(rows []Row, record arrow.Record) ([]Row, error) {
	start, n := len(rows), int(record.NumRows())
	rows = slices.Grow(rows, n)[:start+n]
	for i, c := range columns {
		a := record.Column(i)
		if a.NullN() > 0 {
			return nil, fmt.Errorf("column %s: %d nulls, expected none", c.name, a.NullN())
		}
		if err := c.read(a, rows[start:]); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	return rows, nil
}

// checkMetadata compares what file and manifest both say.
func checkMetadata(md arrow.Metadata, m *Manifest) error {
	want, err := m.arrowSchema()
	if err != nil {
		return err
	}
	for i, key := range want.Metadata().Keys() {
		expected := want.Metadata().Values()[i]
		if found, _ := md.GetValue(key); found != expected {
			return fmt.Errorf("metadata %s is %q, the manifest says %q", key, found, expected)
		}
	}
	return nil
}

// checkRows proves the invariants that the trainer relies on.
func checkRows(rows []Row, m *Manifest) error {
	if len(rows) != m.Rows {
		return fmt.Errorf("%d rows, the manifest says %d", len(rows), m.Rows)
	}
	at := 0 // index into m.Groups
	for i := range rows {
		r := &rows[i]
		if len(r.CompletionIDs) != len(r.Logprobs) {
			return fmt.Errorf("rollout %s: %d completion ids but %d log-probabilities", r.RolloutID, len(r.CompletionIDs), len(r.Logprobs))
		}
		if i > 0 && r.GroupID != rows[i-1].GroupID {
			at++
		}
		if at >= len(m.Groups) || m.Groups[at] != r.GroupID {
			return fmt.Errorf("rollout %s is of group %d, which is not where the manifest has it", r.RolloutID, r.GroupID)
		}
	}
	if at != len(m.Groups)-1 {
		return fmt.Errorf("group %d of the manifest has no rows", m.Groups[at+1])
	}
	return nil
}
