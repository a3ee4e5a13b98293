package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// Generate sends a request for each sample, one after the other: callers ask for
// one at a time. Refusals of a request are [engine.StatusError]; a completion that
// cannot be used is an [engine.SampleError] after the others were delivered.
func (c *Client) Generate(ctx context.Context, r engine.Request, got func(engine.Sample)) error {
	k, err := c.known(ctx)
	if err == nil {
		err = c.check(&r)
	}
	if err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	var failed error
	for i := range r.N {
		one := r
		one.Seed = r.Seed + int64(i)
		s, err := c.sample(ctx, k, one)
		var broken *engine.SampleError
		switch {
		case errors.As(err, &broken):
			broken.Index = i
			failed = errors.Join(failed, fmt.Errorf("request %s: %w", r.ID, err))
		case err != nil:
			return fmt.Errorf("request %s: %w", r.ID, err)
		default:
			s.Index = i
			got(s)
		}
	}
	return failed
}

func (c *Client) check(r *engine.Request) error {
	switch {
	case r.Prompt.Text == "":
		return fmt.Errorf("the prompt is empty")
	case r.Prompt.Chat != c.options.Chat:
		return fmt.Errorf("a prompt with chat %v for an endpoint with chat %v", r.Prompt.Chat, c.options.Chat)
	case r.N < 1 || r.Sampling.MaxTokens < 1:
		return fmt.Errorf("asks for %d samples of at most %d tokens", r.N, r.Sampling.MaxTokens)
	case len(r.Sampling.Stop) > 0:
		return fmt.Errorf("stop token ids for an endpoint without token ids")
	}
	return nil
}

func (c *Client) sample(ctx context.Context, k known, r engine.Request) (engine.Sample, error) {
	prompt := r.PromptTokens
	if prompt == 0 {
		var err error
		if prompt, err = k.count(ctx, r.Prompt); err != nil {
			return engine.Sample{}, err
		}
	}
	var out wire.ChatResponse
	if err := c.ask(ctx, k, r, prompt, &out); err != nil {
		return engine.Sample{}, err
	}
	return c.read(ctx, k, r, prompt, &out)
}

// ask sends a request until it is answered, refused for what it is, or given up.
func (c *Client) ask(ctx context.Context, k known, r engine.Request, prompt int, out *wire.ChatResponse) error {
	began := time.Now()
	for n, falls := 1, 0; ; n++ {
		err := c.attempt(ctx, k, r, prompt, out)
		if !k.modern && c.modernise(err) {
			k.modern = true
			continue
		}
		wait := backoff(c.options.Backoff, r.ID, n)
		switch judge(err) {
		case putOff:
			if asked := asksFor(err); asked > 0 {
				wait = asked + wait/4 // and not all at once
			}
			if time.Since(began)+wait > c.options.Patience {
				return fmt.Errorf("put off for %s and asked to wait for another %s: %w", time.Since(began).Round(time.Second/10), wait.Round(time.Second/10), err)
			}
		case stumbled:
			if falls++; falls == stumbles {
				return fmt.Errorf("%d attempts: %w", n, err)
			}
		default:
			return err
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// attempt sends once, when it is its turn.
func (c *Client) attempt(ctx context.Context, k known, r engine.Request, prompt int, out *wire.ChatResponse) error {
	pass, err := c.gate.enter(ctx, prompt+r.Sampling.MaxTokens)
	if err != nil {
		return err
	}
	*out = wire.ChatResponse{}
	err = c.do(ctx, exchange{url: c.route(), in: c.body(k, r), out: out, limit: c.answerLimit(r), timeout: c.options.Timeout})
	if err == nil && out.Error != nil {
		err = c.refusedInside(out.Error)
	}
	o := judge(err)
	pass.done(o, overloaded(o, err))
	if d := asksFor(err); d > 0 && o == putOff {
		c.gate.close(d)
	}
	return err
}

// refusedInside reads a refusal that came under a status of 200.
func (c *Client) refusedInside(e *wire.APIError) error {
	code := http.StatusBadGateway
	if n, ok := e.Code.(float64); ok && n >= 400 && n < 600 {
		code = int(n)
	}
	return &engine.StatusError{Route: c.route(), Code: code, Message: c.scrub(brief(e.Message))}
}

func brief(text string) string {
	if len(text) > 500 {
		return strings.ToValidUTF8(text[:500], "") + "…"
	}
	return text
}

func asksFor(err error) time.Duration {
	var status *engine.StatusError
	if errors.As(err, &status) {
		return status.RetryAfter
	}
	return 0
}

// modernise notes that the server wants max_completion_tokens: the one field
// whose new name means the same.
func (c *Client) modernise(err error) bool {
	var status *engine.StatusError
	if !errors.As(err, &status) || status.Code != http.StatusBadRequest || !strings.Contains(status.Message, "max_completion_tokens") {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.info.modern = true
	return true
}

func (c *Client) route() string {
	if c.options.Chat {
		return c.base + "/chat/completions"
	}
	return c.base + "/completions"
}

// body is a request. What is left out may come from the model's own defaults, so
// everything that the server is known to understand is neutral and said.
func (c *Client) body(k known, r engine.Request) map[string]any {
	in := map[string]any{
		"model": k.Model, "n": 1, "seed": r.Seed & engine.SeedMask, "temperature": r.Sampling.Temperature, "top_p": 1, "stream": false,
	}
	if c.options.Chat {
		in["messages"] = messages(r.Prompt)
	} else {
		in["prompt"] = r.Prompt.Text
	}
	limit := "max_tokens"
	if k.modern {
		limit = "max_completion_tokens"
	}
	in[limit] = r.Sampling.MaxTokens
	if c.options.Logprobs {
		in["logprobs"] = true
		if !c.options.Chat {
			in["logprobs"] = 1
		}
	}
	switch k.kind {
	case vllm, sglang:
		in["top_k"], in["min_p"], in["repetition_penalty"] = -1, 0, 1
	case llamaCPP:
		in["seed"] = r.Seed & (1<<31 - 1) // it knows 32 bits, and all ones are "none"
		in["top_k"], in["min_p"], in["repeat_penalty"] = 0, 0, 1
	case ours:
		if hint, err := json.Marshal(r.Hint); err == nil && r.Hint != nil {
			in["vllm_xargs"] = map[string]string{wire.HintArg: string(hint)}
		}
	}
	for name, value := range c.options.Extra {
		if string(value) == "null" {
			delete(in, name)
		} else {
			in[name] = value
		}
	}
	return in
}

// answerLimit bounds an answer: log-probabilities with their tokens are its
// largest part.
func (c *Client) answerLimit(r engine.Request) int64 {
	perToken := int64(256)
	if c.options.Logprobs {
		perToken = 4096
	}
	return 4<<20 + perToken*int64(r.Sampling.MaxTokens)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
