package engine

import (
	"context"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// Info asks the engine what it is and chooses the route for completions. It
// tokenises the fingerprint's texts, so the engine must be ready.
func (h *HTTP) Info(ctx context.Context) (Info, error) {
	info := Info{Name: "vllm"}
	var version wire.Version
	err := h.do(ctx, call{route: "/version", out: &version, timeout: h.options.Control, anyBoot: true})
	if missing(err) {
		return Info{}, fmt.Errorf("%s: %w: it does not speak vLLM's protocol (%w)", h.base, ErrNoTokenIDs, err)
	}
	if err != nil {
		return Info{}, fmt.Errorf("asking the engine for its version: %w", err)
	}
	info.Version = version.Version
	if version.Engine != "" {
		info.Name = version.Engine
	}
	info.Simulated = version.Engine == "simulated"
	var models wire.Models
	if err := h.do(ctx, call{route: "/v1/models", out: &models, timeout: h.options.Control, anyBoot: true}); err != nil {
		return Info{}, fmt.Errorf("asking the engine for its model: %w", err)
	}
	if len(models.Data) == 0 || models.Data[0].MaxModelLen <= 0 {
		return Info{}, fmt.Errorf("%s: %w: its /v1/models names no model with max_model_len, as an engine that speaks vLLM's protocol does", h.base, ErrNoTokenIDs)
	}
	info.Model, info.MaxModelLen = models.Data[0].ID, models.Data[0].MaxModelLen
	route, err := h.chooseRoute(ctx, info.Model)
	if err != nil {
		return Info{}, err
	}
	h.mu.Lock()
	h.state.info, h.state.route = &info, route
	h.mu.Unlock()
	fingerprint, err := Fingerprint(ctx, h.Tokenize)
	if err != nil {
		return Info{}, err
	}
	full := info
	full.Fingerprint = fingerprint
	h.mu.Lock()
	h.state.info = &full
	h.mu.Unlock()
	return full, nil
}

// chooseRoute probes with an empty body: a route that is there refuses it for
// its content, one that is not answers 404.
func (h *HTTP) chooseRoute(ctx context.Context, model string) (Route, error) {
	if h.options.Route != Auto {
		return h.options.Route, nil
	}
	for _, route := range []Route{Completions, Generate} {
		err := h.do(ctx, call{route: string(route), in: map[string]string{"model": model}, timeout: h.options.Control, anyBoot: true})
		if err == nil || (isStatus(err) && !missing(err)) {
			return route, nil
		}
		if !missing(err) {
			return "", fmt.Errorf("probing for %s: %w", route, err)
		}
	}
	return "", fmt.Errorf("%s: %w: it offers neither %s nor %s", h.base, ErrNoTokenIDs, Completions, Generate)
}

// known returns the engine's information, asking once.
func (h *HTTP) known(ctx context.Context) (Info, Route, error) {
	h.mu.Lock()
	info, route := h.state.info, h.state.route
	h.mu.Unlock()
	if info != nil {
		return *info, route, nil
	}
	if _, err := h.Info(ctx); err != nil {
		return Info{}, "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return *h.state.info, h.state.route, nil
}

// Tokenize asks the engine for the ids of a prompt. A chat goes through the
// engine's chat template with its generation prompt; plain text gets no special
// tokens.
func (h *HTTP) Tokenize(ctx context.Context, p data.Prompt) ([]int32, error) {
	info, _, err := h.known(ctx)
	if err != nil {
		return nil, err
	}
	in := wire.TokenizeRequest{Model: info.Model}
	if p.Chat {
		yes := true
		in.Messages, in.AddGenerationPrompt = messages(p), &yes
	} else {
		in.Prompt = &p.Text
	}
	var out wire.TokenizeResponse
	limit := int64(64<<10) + 64*int64(len(p.Text)+len(p.System))
	if err := h.do(ctx, call{route: "/tokenize", in: in, out: &out, limit: limit, timeout: 6 * h.options.Control, anyBoot: true}); err != nil {
		return nil, fmt.Errorf("tokenising a prompt of %d bytes: %w", len(p.Text), err)
	}
	for i, id := range out.Tokens {
		if id < 0 {
			return nil, fmt.Errorf("/tokenize gave the id %d at position %d", id, i)
		}
	}
	return out.Tokens, nil
}

func messages(p data.Prompt) []wire.Message {
	var m []wire.Message
	if p.System != "" {
		m = append(m, wire.Message{Role: "system", Content: p.System})
	}
	return append(m, wire.Message{Role: "user", Content: p.Text})
}

// detokenize gives the text of ids, special tokens included: for the route
// that answers with ids alone.
func (h *HTTP) detokenize(ctx context.Context, model string, ids []int32) (string, error) {
	var out wire.DetokenizeResponse
	in := wire.DetokenizeRequest{Model: model, Tokens: ids}
	err := h.do(ctx, call{route: "/detokenize", in: in, out: &out, limit: 64<<10 + 64*int64(len(ids)), timeout: 6 * h.options.Control})
	if err != nil {
		return "", fmt.Errorf("text of %d ids: %w", len(ids), err)
	}
	return out.Prompt, nil
}
