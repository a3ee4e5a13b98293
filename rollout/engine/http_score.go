package engine

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// Score sends ids as a prompt and reads the prompt's log-probabilities. The
// engine must generate one token for it, so len(ids) may be its context less one.
func (h *HTTP) Score(ctx context.Context, ids []int32) ([]float32, error) {
	if len(ids) < 2 {
		return nil, nil
	}
	info, route, err := h.known(ctx)
	if err != nil {
		return nil, err
	}
	if len(ids) >= info.MaxModelLen {
		return nil, fmt.Errorf("scoring: %w", &TooLongError{Prompt: len(ids), Context: info.MaxModelLen})
	}
	leave, err := h.enter()
	if err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	positions, err := h.promptLogprobs(ctx, ids, info, route)
	leave(err == nil)
	if err != nil {
		return nil, fmt.Errorf("scoring %d ids: %w", len(ids), err)
	}
	return readPrompt(ids, positions)
}

func (h *HTTP) promptLogprobs(ctx context.Context, ids []int32, info Info, route Route) ([]map[string]wire.TokenLogprob, error) {
	zero := 0
	how := sampling(Request{N: 1, Sampling: data.Sampling{Temperature: 1, MaxTokens: 1}})
	how.PromptLogprobs = &zero
	c := call{route: string(route), limit: 1<<20 + 2048*int64(len(ids)), timeout: h.options.Stall}
	if route == Generate {
		var out wire.GenerateResponse
		c.in, c.out = wire.GenerateRequest{Model: info.Model, TokenIDs: ids, SamplingParams: how}, &out
		err := h.do(ctx, c)
		return out.PromptLogprobs, err
	}
	var out wire.CompletionResponse
	c.in, c.out = wire.CompletionRequest{Model: info.Model, Prompt: ids, Sampling: how, ReturnTokenIDs: true}, &out
	if err := h.do(ctx, c); err != nil {
		return nil, err
	}
	if len(out.Choices) != 1 {
		return nil, fmt.Errorf("%d choices in the answer", len(out.Choices))
	}
	return out.Choices[0].PromptLogprobs, nil
}

// readPrompt picks each id's own log-probability; the most likely token may lie
// beside it.
func readPrompt(ids []int32, positions []map[string]wire.TokenLogprob) ([]float32, error) {
	if len(positions) != len(ids) {
		return nil, fmt.Errorf("scoring %d ids: %d prompt log-probabilities in the answer", len(ids), len(positions))
	}
	out := make([]float32, len(ids)-1)
	for i, id := range ids[1:] {
		v, ok := positions[i+1][strconv.Itoa(int(id))]
		if !ok || !(v.Logprob <= 1e-3) {
			return nil, fmt.Errorf("scoring %d ids: no log-probability for id %d at position %d", len(ids), id, i+1)
		}
		out[i] = float32(v.Logprob)
	}
	return out, nil
}
