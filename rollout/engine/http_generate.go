package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"

	"encoding/json"
)

// SeedMask keeps seeds in the range where every engine takes sample i's seed
// for seed+i: -1 means "none" to vLLM.
const SeedMask = 1<<62 - 1

// Generate sends one request and checks every sample at the border. A sample
// the engine gave up is a [SampleError] after the others were delivered; a
// prompt without room for a completion is a [TooLongError]. max_tokens is cut
// to the room that the prompt leaves. Errors that are [Gone] deliver nothing:
// what arrived may come from other weights.
func (h *HTTP) Generate(ctx context.Context, r Request, got func(Sample)) error {
	info, route, err := h.known(ctx)
	if err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	if err := checkRequest(&r, info.MaxModelLen); err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	leave, err := h.enter()
	if err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	samples, err := h.ask(ctx, r, info, route)
	leave(err == nil)
	if err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	return deliver(r, samples, got)
}

// checkRequest refuses what no engine can do and cuts MaxTokens to the room.
func checkRequest(r *Request, context int) error {
	switch {
	case len(r.PromptIDs) == 0:
		return fmt.Errorf("the prompt is empty")
	case r.N < 1 || r.Sampling.MaxTokens < 1:
		return fmt.Errorf("asks for %d samples of at most %d tokens", r.N, r.Sampling.MaxTokens)
	case !(r.Sampling.Temperature >= 0):
		return fmt.Errorf("temperature %v is not one", r.Sampling.Temperature)
	case len(r.PromptIDs) >= context:
		return &TooLongError{Prompt: len(r.PromptIDs), Context: context}
	}
	r.Sampling.MaxTokens = min(r.Sampling.MaxTokens, context-len(r.PromptIDs))
	return nil
}

// enter counts a request in flight; leave takes it out again and, if it was
// answered, counts that as progress.
func (h *HTTP) enter() (leave func(answered bool), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.dirty != nil {
		return nil, h.state.dirty
	}
	if h.state.inflight == 0 {
		h.state.advanced = time.Now()
	}
	h.state.inflight++
	return func(answered bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.state.inflight--
		if answered {
			h.state.advanced = time.Now()
		}
	}, nil
}

// raw is a sample before its checks; failed holds the engine's word for an end
// that is none.
type raw struct {
	Sample
	failed string
}

func (h *HTTP) ask(ctx context.Context, r Request, info Info, route Route) ([]raw, error) {
	if route == Generate {
		return h.askTokens(ctx, r, info)
	}
	in := wire.CompletionRequest{Model: info.Model, Prompt: r.PromptIDs, Sampling: sampling(r), ReturnTokenIDs: true}
	if r.Hint != nil {
		hint, err := json.Marshal(r.Hint)
		if err != nil {
			return nil, err
		}
		in.XArgs = map[string]string{wire.HintArg: string(hint)}
	}
	var out wire.CompletionResponse
	if err := h.do(ctx, call{route: string(route), in: in, out: &out, limit: answerLimit(r)}); err != nil {
		return nil, err
	}
	samples := make([]raw, len(out.Choices))
	for i, c := range out.Choices {
		samples[i] = raw{Sample: Sample{Index: c.Index, IDs: c.TokenIDs, Text: c.Text, Finish: data.FinishReason(c.FinishReason)}, failed: failure(c.FinishReason)}
		if c.Logprobs != nil {
			samples[i].Logprobs = narrow(len(c.Logprobs.TokenLogprobs), func(k int) float64 { return c.Logprobs.TokenLogprobs[k] })
		}
	}
	return samples, nil
}

// askTokens is ask over the tokens-only route; the text costs a second question.
func (h *HTTP) askTokens(ctx context.Context, r Request, info Info) ([]raw, error) {
	in := wire.GenerateRequest{Model: info.Model, TokenIDs: r.PromptIDs, SamplingParams: sampling(r)}
	var out wire.GenerateResponse
	if err := h.do(ctx, call{route: string(Generate), in: in, out: &out, limit: answerLimit(r)}); err != nil {
		return nil, err
	}
	samples := make([]raw, len(out.Choices))
	for i, c := range out.Choices {
		samples[i] = raw{Sample: Sample{Index: c.Index, IDs: c.TokenIDs, Finish: data.FinishReason(c.FinishReason)}, failed: failure(c.FinishReason)}
		if c.Logprobs != nil {
			samples[i].Logprobs = narrow(len(c.Logprobs.Content), func(k int) float64 { return c.Logprobs.Content[k].Logprob })
		}
		if samples[i].failed != "" {
			continue
		}
		ids := c.TokenIDs
		if c.FinishReason == string(data.FinishStop) && len(ids) > 0 {
			ids = ids[:len(ids)-1] // the end token has no text
		}
		var err error
		if samples[i].Text, err = h.detokenize(ctx, info.Model, ids); err != nil {
			return nil, err
		}
	}
	return samples, nil
}

func sampling(r Request) wire.Sampling {
	return wire.Sampling{
		N: r.N, Seed: r.Seed & SeedMask, MaxTokens: r.Sampling.MaxTokens, Temperature: r.Sampling.Temperature,
		TopP: 1, TopK: -1, RepetitionPenalty: 1, StopTokenIDs: r.Sampling.Stop, SkipSpecialTokens: true,
	}
}

// answerLimit bounds an answer: about 300 bytes a token are usual.
func answerLimit(r Request) int64 {
	return 1<<20 + 2048*int64(r.N)*int64(r.Sampling.MaxTokens)
}

func failure(finish string) string {
	switch data.FinishReason(finish) {
	case data.FinishStop, data.FinishLength:
		return ""
	}
	return "the engine ended it with finish reason " + strconv.Quote(finish)
}

func narrow(n int, at func(int) float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(at(i))
	}
	return out
}

// deliver hands over the good samples in the order of their indexes and reports
// the first bad one.
func deliver(r Request, samples []raw, got func(Sample)) error {
	if len(samples) != r.N {
		return fmt.Errorf("request %s: asked for %d samples, got %d", r.ID, r.N, len(samples))
	}
	slices.SortFunc(samples, func(a, b raw) int { return a.Index - b.Index })
	var first error
	for i, s := range samples {
		if s.Index != i {
			return fmt.Errorf("request %s: sample index %d where %d was due", r.ID, s.Index, i)
		}
		reason := s.failed
		if reason == "" {
			if err := checkSample(s.Sample, r.Sampling.MaxTokens); err != nil {
				reason = err.Error()
			}
		}
		if reason == "" {
			got(s.Sample)
		} else if first == nil {
			first = fmt.Errorf("request %s: %w", r.ID, &SampleError{Index: i, Reason: reason})
		}
	}
	return first
}

// checkSample is the border: what passes can be trained on.
func checkSample(s Sample, maxTokens int) error {
	switch {
	case len(s.IDs) == 0:
		return fmt.Errorf("no token ids (the engine must honour return_token_ids)")
	case len(s.IDs) != len(s.Logprobs):
		return fmt.Errorf("%d token ids but %d log-probabilities", len(s.IDs), len(s.Logprobs))
	case len(s.IDs) > maxTokens:
		return fmt.Errorf("%d token ids, more than the %d asked for", len(s.IDs), maxTokens)
	case s.Finish == data.FinishLength && len(s.IDs) != maxTokens:
		return fmt.Errorf("ended by length after %d token ids where %d were allowed", len(s.IDs), maxTokens)
	}
	for i, id := range s.IDs {
		if id < 0 {
			return fmt.Errorf("token id %d at position %d", id, i)
		}
	}
	for i, lp := range s.Logprobs {
		// NaN fails the comparison. A tiny positive value is rounding.
		if !(lp <= 1e-3) || math.IsInf(float64(lp), 0) {
			return fmt.Errorf("log-probability %v at position %d", lp, i)
		}
	}
	return nil
}
