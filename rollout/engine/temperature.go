package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ropewalk/ropewalk/data"
)

// ErrRaw: the engine reports log-probabilities before the temperature.
var ErrRaw = errors.New("the engine reports log-probabilities of the raw model, not of the distribution it samples from (start vLLM with --logprobs-mode processed_logprobs)")

// CheckTemperature finds out whether log-probabilities are at the sampling
// temperature: it samples at 0.5 and scores the same ids at 1. Reported values
// that equal the scores, though the scores are not near 0, are raw: ErrRaw.
func CheckTemperature(ctx context.Context, e Engine, prompt []int32, hint *data.Hint) error {
	var sample Sample
	r := Request{ID: "temperature-check", PromptIDs: prompt, N: 1, Seed: 1, Hint: hint, Sampling: data.Sampling{Temperature: 0.5, MaxTokens: 16}}
	if err := e.Generate(ctx, r, func(s Sample) { sample = s }); err != nil {
		return fmt.Errorf("checking the temperature of log-probabilities: %w", err)
	}
	scores, err := e.Score(ctx, slices.Concat(prompt, sample.IDs))
	if err != nil {
		return fmt.Errorf("checking the temperature of log-probabilities: %w", err)
	}
	scores = scores[len(prompt)-1:]
	raw, telling := true, false
	for i, lp := range sample.Logprobs {
		telling = telling || scores[i] < -0.1
		raw = raw && math.Abs(float64(lp-scores[i])) < 0.02
	}
	if raw && telling {
		return ErrRaw
	}
	return nil
}
