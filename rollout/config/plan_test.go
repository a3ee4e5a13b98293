package config

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlanCountsAStep(t *testing.T) {
	c := Default()
	c.Run.Steps, c.Recipe.GroupSize, c.Recipe.GroupsPerBatch = 10, 4, 8
	c.Prompt.MaxTokens, c.Sampling.MaxTokens = 100, 50
	p := Plan(&c, 40)
	if p.PromptTokens != 800 || p.CompletionTokens != 1600 || p.Epochs != 2 {
		t.Errorf("prompts %d, completions %d, epochs %v", p.PromptTokens, p.CompletionTokens, p.Epochs)
	}
	if want := int64(32 * (4*100 + 8*50 + rowBytes)); p.BatchBytes != want {
		t.Errorf("batch of %d bytes, want %d", p.BatchBytes, want)
	}
	c.Recipe.MaxStaleness = 1
	if twice := Plan(&c, 40); twice.QueueBytes != 2*p.QueueBytes {
		t.Errorf("two batches in flight need %d bytes of queue, one %d", twice.QueueBytes, p.QueueBytes)
	}
}

func TestFreshShare(t *testing.T) {
	policy := func(weight float64, rounds int) Mix {
		return Mix{Kind: "aggregate", Weight: weight, K: 4, Source: "policy", Rounds: rounds}
	}
	direct := Mix{Kind: "direct", Weight: 1}
	for name, c := range map[string]struct {
		mix  []Mix
		want float64
	}{
		"direct alone":             {[]Mix{direct}, 1},
		"pool":                     {[]Mix{direct, {Kind: "aggregate", Weight: 3, K: 4, Source: "pool"}}, 1},
		"one round of each":        {[]Mix{direct, policy(1, 1)}, 0.5},
		"more rounds than wanted":  {[]Mix{direct, policy(1, 3)}, 0.5},
		"fewer rounds than wanted": {[]Mix{direct, policy(3, 1)}, 0.5},
		"policy alone, three":      {[]Mix{policy(1, 3)}, 0.25},
	} {
		if got := freshShare(c.mix); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// modelFolder writes a folder of 1,000 + 24 numbers with 2 layers and a tied head.
func modelFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	header := `{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[10,100],"data_offsets":[0,2000]},"b":{"dtype":"BF16","shape":[24],"data_offsets":[2000,2048]}}`
	raw := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), append(raw, header...), 0o644); err != nil {
		t.Fatal(err)
	}
	text := `{"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":8,"hidden_size":32,"vocab_size":10,"tie_word_embeddings":true}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPlanMeasuresTheModel(t *testing.T) {
	c := Default()
	c.Model.Path, c.Run.Steps = modelFolder(t), 1
	c.Prompt.MaxTokens, c.Sampling.MaxTokens, c.Engine.Concurrency = 30, 20, 3
	p := Plan(&c, 1)
	if p.Parameters != 1024 || p.WeightsBytes != 2*(1024+320) || p.CheckBytes != 12*1024 {
		t.Errorf("parameters %d, export %d, checkpoint %d", p.Parameters, p.WeightsBytes, p.CheckBytes)
	}
	// key and value, 2 layers of 16 numbers, 2 bytes: 128 bytes a token.
	if want := p.WeightsBytes + 3*50*128; p.EngineBytes != want {
		t.Errorf("engine needs %d bytes, want %d", p.EngineBytes, want)
	}
	c.Trainer.KL = 0.1
	if with := Plan(&c, 1); with.TrainerBytes != p.TrainerBytes+4*1024 {
		t.Errorf("the reference costs %d bytes", with.TrainerBytes-p.TrainerBytes)
	}
}

func TestPlanSurvivesBadModels(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"no weights": func(dir string) error { return os.Remove(filepath.Join(dir, "model.safetensors")) },
		"not weights": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "model.safetensors"), []byte("hello, this is text"), 0o644)
		},
		"cut short": func(dir string) error { return os.Truncate(filepath.Join(dir, "model.safetensors"), 40) },
		"not JSON":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "config.json"), []byte("{"), 0o644) },
	} {
		c := Default()
		c.Model.Path = modelFolder(t)
		if err := damage(c.Model.Path); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		p := Plan(&c, 1)
		if err := p.Write(&b); err != nil || p.Parameters != 0 || !strings.Contains(b.String(), "not counted: ") {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
	}
}

func TestPlanIsATable(t *testing.T) {
	var b strings.Builder
	c := examples(t)["rsa-paper.yaml"]
	if err := Plan(c, 28288).Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"300, 256 groups of 4 rollouts each: 307,200 rollouts in all", "28,288, each visited 2.71 times",
		"aggregate K=4 from pool  128 groups a step", "at most 8,650,752 of prompts, 8,388,608 of completions",
	} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("no %q in\n%s", part, b.String())
		}
	}
	t.Log("\n" + b.String())
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1023 << 10: "1023.0 KiB", 3 << 29: "1.5 GiB", 1 << 50: "1024.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
