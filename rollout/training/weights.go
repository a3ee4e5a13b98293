package training

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Export is one policy version on disk.
type Export struct {
	Version int
	Dir     string
}

// Newest finds the newest export with its STABLE marker; ok is false if there is
// none.
func Newest(weights string) (e Export, ok bool, err error) {
	entries, err := os.ReadDir(weights)
	if err != nil {
		return e, false, err
	}
	for i := len(entries) - 1; i >= 0; i-- { // names are zero-padded: sorted by version
		version, err := strconv.Atoi(entries[i].Name())
		if err != nil {
			continue
		}
		dir := filepath.Join(weights, entries[i].Name())
		stable, err := readStable(dir)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return e, false, err
		}
		if stable != version {
			return e, false, fmt.Errorf("%s: its STABLE marker is of version %d", dir, stable)
		}
		return Export{version, dir}, true, nil
	}
	return e, false, nil
}

func readStable(dir string) (version int, err error) {
	path := filepath.Join(dir, "STABLE")
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var marker struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(text, &marker); err != nil || marker.Version == nil {
		return 0, fmt.Errorf("%s: not a marker: %q", path, text)
	}
	return *marker.Version, nil
}

// weightsPoll is how often the weights folder is looked at: short against any
// trainer step, and a directory listing costs microseconds.
const weightsPoll = 20 * time.Millisecond

// WatchWeights calls announce for the newest export and for each newer one, until
// ctx ends or announce fails.
func WatchWeights(ctx context.Context, weights string, announce func(Export) error) error {
	last := -1
	for {
		e, ok, err := Newest(weights)
		if err != nil {
			return err
		}
		if ok && e.Version > last {
			if err := announce(e); err != nil {
				return err
			}
			last = e.Version
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(weightsPoll):
		}
	}
}
