package config

import (
	"runtime"
	"time"
)

// Default is the configuration of an empty file. It is not valid: run.dir,
// run.steps, data.train and, but for the simulated engine, model.path have no
// default.
func Default() Config {
	return Config{
		Run:       Run{Seed: 1, Stall: time.Minute, GiveUp: 30 * time.Minute},
		Model:     Model{Dtype: "bfloat16"},
		Data:      Data{Train: []Source{}},
		Recipe:    defaultRecipe(),
		Prompt:    Prompt{Format: "chat", Answer: "boxed", MaxTokens: 8192, StripThinking: true},
		Sampling:  Sampling{Temperature: 1, MaxTokens: 2048, TopP: 1},
		Advantage: Advantage{Estimator: "rloo", Epsilon: 1e-6, K: 4},
		Grading:   Grading{Workers: runtime.GOMAXPROCS(0), Deadline: 10 * time.Second, Commands: []Command{}, Services: []Service{}},
		Queue:     Queue{Listen: "127.0.0.1:0", Durability: "fsync", Lease: 30 * time.Second, Replicas: 1},
		Engine:    defaultEngine(),
		Trainer:   defaultTrainer(),
	}
}

func defaultRecipe() Recipe {
	return Recipe{
		GroupSize: 8, GroupsPerBatch: 64,
		Mix:       []Mix{{Kind: "direct", Weight: 1}},
		CacheSize: 16, DropZeroVariance: true, MaxDrops: 20,
	}
}

func defaultEngine() Engine {
	return Engine{
		Kind: "vllm", Workers: 1, URLs: []string{}, Concurrency: 64, SamplesPerRequest: 1,
		Context: 32768, Args: []string{}, StartTimeout: 10 * time.Minute, StallTimeout: 2 * time.Minute,
		Simulated: Simulated{Accuracy: []float64{0.4, 0.5, 0.7, 0.85, 0.95}, Direct: 0.4, Tokens: 64, Tail: 0.5},
	}
}

func defaultTrainer() Trainer {
	return Trainer{
		Start: true, Device: "auto",
		Loss: "pg", RatioCap: 2, ClipLow: 0.2, ClipHigh: 0.2, Normalise: "tokens",
		LR: 1e-6, Schedule: "constant", MinLR: 0.1, Beta1: 0.9, Beta2: 0.99, WeightDecay: 0.01,
		GradClip: 1, MicroTokens: 16384, SharePrefix: true,
		CheckpointEvery: 10, KeepCheckpoints: 2, KeepWeights: 3, MismatchWarn: 0.01,
	}
}

// What an entry of recipe.mix means where it does not say.
const (
	defaultK      = 4 // candidates of an aggregate prompt
	defaultRounds = 1 // of source policy
)

// completeMix writes into the entries of recipe.mix what they leave out. What
// they do say, 0 included, stands.
func completeMix(entries []any) {
	for _, e := range entries {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		switch m["kind"] {
		case "aggregate":
			setMissing(m, "k", defaultK)
		case "refine":
			setMissing(m, "k", 1)
		}
		if m["source"] == "policy" {
			setMissing(m, "rounds", defaultRounds)
		}
	}
}

func setMissing(m map[string]any, key string, value any) {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
}
