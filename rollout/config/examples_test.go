package config

import (
	"path/filepath"
	"testing"
)

func examples(t *testing.T) map[string]*Config {
	t.Helper()
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d examples: %v", len(files), err)
	}
	out := map[string]*Config{}
	for _, f := range files {
		c, err := Load(f, nil, nil)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		out[filepath.Base(f)] = c
	}
	return out
}

func TestExamplesLoad(t *testing.T) {
	dirs := map[string]string{}
	for name, c := range examples(t) {
		if other, twice := dirs[c.Run.Dir]; twice {
			t.Errorf("%s and %s would share the run folder %s", name, other, c.Run.Dir)
		}
		dirs[c.Run.Dir] = name
	}
}

func TestPaperRecipe(t *testing.T) {
	c := examples(t)["rsa-paper.yaml"]
	got := []any{c.Advantage.Estimator, c.Recipe.GroupSize, c.Recipe.GroupsPerBatch, c.Trainer.LR, c.Run.Steps,
		c.Prompt.MaxTokens, c.Sampling.MaxTokens, c.Engine.Context, c.Engine.Workers, c.Trainer.KL}
	want := []any{"rloo", 4, 256, 1e-6, 300, 33792, 8192, 41984, 0, 0.0}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("value %d is %v, in the paper %v", i, got[i], want[i])
		}
	}
	mix := []Mix{{Kind: "direct", Weight: 1}, {Kind: "aggregate", Weight: 1, K: 4, Source: "pool"}}
	for i := range mix {
		if c.Recipe.Mix[i] != mix[i] {
			t.Errorf("mix %d is %+v", i, c.Recipe.Mix[i])
		}
	}
}
