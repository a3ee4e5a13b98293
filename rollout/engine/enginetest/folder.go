package enginetest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Weights writes a folder that passes for an export of the version, with the
// probe given and nothing else: weights for engines that have none.
func Weights(t testing.TB, dir string, version int, probe engine.Probe) string {
	t.Helper()
	probe.Version, probe.Temperature = version, 1
	body, err := json.Marshal(probe)
	if err != nil {
		t.Fatal(err)
	}
	stable, err := json.Marshal(engine.Stable{Version: version, Files: map[string]engine.StableFile{"probe.json": {Bytes: int64(len(body))}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"probe.json": body, "config.json": []byte(`{"dtype":"float32"}`), "STABLE": stable} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
