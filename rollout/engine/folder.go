package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Stable is the marker of an exported weights folder: what it must hold.
type Stable struct {
	Version int                   `json:"version"`
	Files   map[string]StableFile `json:"files"`
}

// StableFile is one file of the export.
type StableFile struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// CheckFolder reads dir's STABLE and compares the sizes of the files it names.
// Their contents are the probe's to prove: hashing gigabytes before every load
// would cost more than the load.
func CheckFolder(dir string) (Stable, error) {
	var s Stable
	body, err := os.ReadFile(filepath.Join(dir, "STABLE"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("weights folder %s has no STABLE marker: it is unfinished or not an export", dir)
	}
	if err != nil {
		return s, fmt.Errorf("weights folder: %w", err)
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, fmt.Errorf("weights folder %s: STABLE is not the expected JSON: %w", dir, err)
	}
	for name, want := range s.Files {
		if !filepath.IsLocal(name) {
			return s, fmt.Errorf("weights folder %s: STABLE names %q, which is outside the folder", dir, name)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return s, fmt.Errorf("weights folder %s: %w", dir, err)
		}
		if info.Size() != want.Bytes {
			return s, fmt.Errorf("weights folder %s: %s has %d bytes, STABLE says %d", dir, name, info.Size(), want.Bytes)
		}
	}
	return s, nil
}
