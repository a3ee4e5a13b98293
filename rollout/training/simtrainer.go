package training

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/data/batch"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// SimulateTrainer stands in for the trainer in trials without a model: it checks
// each batch as the trainer does, takes pace for it, and exports a version that
// holds a probe and no weights. It ends like the trainer, after run.steps or at
// batches/END.
func SimulateTrainer(ctx context.Context, dir string, pace time.Duration, stderr io.Writer) error {
	cfg, err := config.Load(filepath.Join(dir, "config.yaml"), nil, nil)
	if err != nil {
		return err
	}
	newest, ok, err := Newest(filepath.Join(dir, "weights"))
	if err != nil {
		return err
	}
	version := newest.Version
	if !ok {
		if err := exportSimulated(dir, cfg, 0); err != nil {
			return err
		}
	}
	for ; version < cfg.Run.Steps; version++ {
		batchDir := filepath.Join(dir, "batches", number(version))
		over, err := waitForBatch(ctx, dir, batchDir, version)
		if err != nil || over {
			return err
		}
		if _, err := batch.Verify(batchDir); err != nil {
			return err
		}
		time.Sleep(pace)
		if err := exportSimulated(dir, cfg, version+1); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "SIMULATED step %d: no model was trained\n", version+1)
	}
	return nil
}

// number is the name of a numbered folder.
func number(n int) string { return fmt.Sprintf("%06d", n) }

// waitForBatch waits for a batch's manifest; over says that the run ended before it.
func waitForBatch(ctx context.Context, dir, batchDir string, n int) (over bool, err error) {
	for {
		if _, err := os.Stat(filepath.Join(batchDir, "manifest.json")); err == nil {
			return false, nil
		}
		if batches, ended := readEnd(dir); ended && batches <= n {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return true, nil
		case <-time.After(weightsPoll):
		}
	}
}

// end is what batches/END says: the run has so many batches and will have no more.
type end struct {
	Batches int    `json:"batches"`
	Why     string `json:"why"`
}

func readEnd(dir string) (batches int, ended bool) {
	text, err := os.ReadFile(filepath.Join(dir, "batches", "END"))
	if err != nil {
		return 0, false
	}
	var e end
	if json.Unmarshal(text, &e) != nil {
		return 0, false
	}
	return e.Batches, true
}

// exportSimulated writes a version whose probe is a function of its number, so
// that the simulated engine can be proven to have loaded it.
func exportSimulated(dir string, cfg *config.Config, version int) error {
	final := filepath.Join(dir, "weights", number(version))
	if err := os.RemoveAll(final); err != nil { // without a marker it does not exist
		return err
	}
	err := atomicfile.Dir(final, func(temp string) error {
		return writeJSON(filepath.Join(temp, "probe.json"), simulatedProbe(cfg.Run.Seed, version))
	})
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(final, "STABLE"), func(w io.Writer) error {
		return json.NewEncoder(w).Encode(map[string]any{"version": version, "simulated": true})
	})
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// simulatedProbe has the form of the trainer's probe.json.
func simulatedProbe(seed int64, version int) any {
	type sequence struct {
		IDs      []int32   `json:"ids"`
		Logprobs []float32 `json:"logprobs"`
	}
	r := rollout.Rand(seed, "simulated probe", int64(version))
	var s sequence
	for i := range 16 {
		s.IDs = append(s.IDs, int32(32+r.IntN(90)))
		if i > 0 {
			s.Logprobs = append(s.Logprobs, -float32(r.ExpFloat64()))
		}
	}
	return map[string]any{"version": version, "temperature": 1.0, "sequences": []sequence{s}, "simulated": true}
}
