package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/enginetest"
)

func conformance(t *testing.T, dir string, p *process) enginetest.Options {
	return enginetest.Options{
		EndID: tinyEnd, Vocabulary: tinyVocabulary, Running: enginetest.Running(p.url),
		Good: export(dir, "one"), Other: export(dir, "two"), Corrupt: corrupt(t, export(dir, "two")),
	}
}

// corrupt copies an export and spoils its weights, their size apart.
func corrupt(t *testing.T, good string) string {
	t.Helper()
	bad := filepath.Join(t.TempDir(), "corrupt")
	if err := os.CopyFS(bad, os.DirFS(good)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(bad, "model.safetensors")
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(body[8:], "not the header of a safetensors file")
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
	return bad
}

func TestSmallEngineConforms(t *testing.T) {
	dir := tinyModels(t)
	p, client := startSmall(t, filepath.Join(dir, "one"))
	enginetest.Run(t, client, conformance(t, dir, p))
}

func TestVLLMConforms(t *testing.T) {
	dir := tinyModels(t)
	p, client := startVLLM(t, export(dir, "one"))
	o := conformance(t, dir, p)
	t.Run("completions", func(t *testing.T) { enginetest.Run(t, client, o) })
	t.Run("generate", func(t *testing.T) {
		tokens, err := engine.NewHTTP(p.url, engine.Options{Route: engine.Generate})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tokens.Close)
		enginetest.Run(t, tokens, o)
	})
	// The trainer exports tied models untied: then reloads are right.
	t.Run("tied models", func(t *testing.T) {
		for _, name := range []string{"tied-two", "tied-one"} {
			if err := client.Load(t.Context(), export(dir, name)); err != nil {
				t.Fatal(err)
			}
			if _, err := engine.Prove(t.Context(), client, export(dir, name), 0); err != nil {
				t.Error(err)
			}
		}
	})
}

// An engine started from tied weights answers 200 to a reload and serves new
// layers under the old output head. The probe must see it.
func TestTiedReloadIsRefusedByTheProbe(t *testing.T) {
	dir := tinyModels(t)
	_, client := startVLLM(t, filepath.Join(dir, "tied-one"))
	if err := client.Load(t.Context(), tiedFolder(t, dir, "tied-two")); err != nil {
		t.Fatalf("Load: %v; the trap is a load that seems to succeed", err)
	}
	_, err := engine.Prove(t.Context(), client, export(dir, "tied-two"), 0)
	var off *engine.Disagreement
	if !errors.As(err, &off) || off.Off == 0 || off.Of == 0 {
		t.Fatalf("a mixture of two models was proven: %v", err)
	}
	t.Logf("refused: %v", err)
}

// tiedFolder dresses a tied model up as an export, its head left out.
func tiedFolder(t *testing.T, dir, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(out, os.DirFS(filepath.Join(dir, name))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "STABLE"), []byte(`{"version": 0, "files": {}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}
