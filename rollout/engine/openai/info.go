package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/rollout/engine"
)

// kind is what a server is, by the owner that it names of its models.
type kind string

const (
	vllm     kind = "vllm"
	sglang   kind = "sglang"
	llamaCPP kind = "llamacpp"
	ours     kind = "simulated" // ours
	unknown  kind = "openai"
)

// control bounds a question that costs the server nothing.
const control = 15 * time.Second

// listed is one entry of /models, with the fields in which servers say how much
// a model holds.
type listed struct {
	ID            string `json:"id"`
	OwnedBy       string `json:"owned_by"`
	MaxModelLen   int    `json:"max_model_len"`  // vLLM, SGLang
	ContextLength int    `json:"context_length"` // gateways
}

// Info asks for the models and, where that can be known, for the context.
func (c *Client) Info(ctx context.Context) (engine.Info, error) {
	k, err := c.known(ctx)
	if err != nil {
		return engine.Info{}, err
	}
	return k.Info, nil
}

// known asks once; a failure is asked again.
func (c *Client) known(ctx context.Context) (known, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.info != nil {
		return *c.info, nil
	}
	k, err := c.discover(ctx)
	if err != nil {
		return known{}, err
	}
	c.info = &k
	return k, nil
}

func (c *Client) discover(ctx context.Context) (known, error) {
	model, err := c.model(ctx)
	if err != nil {
		return known{}, err
	}
	k := known{kind: kindOf(model.OwnedBy)}
	route := "completions"
	if c.options.Chat {
		route = "chat"
	}
	context := cmp.Or(c.options.Context, model.MaxModelLen, model.ContextLength)
	if k.kind == llamaCPP && context == 0 {
		context = c.slot(ctx)
	}
	how := fmt.Sprintf("%g bytes a token", c.options.BytesPerToken)
	if k.count = c.tokenizer(ctx, k.kind, model.ID); k.count != nil {
		how = "the server's tokenizer"
	} else {
		k.count = estimate(c.options.BytesPerToken)
	}
	k.Info = engine.Info{
		Name: string(k.kind), Model: model.ID, MaxModelLen: cmp.Or(context, DefaultContext), ContextAssumed: context == 0,
		Simulated: k.kind == ours, TextOnly: true, Fingerprint: fmt.Sprintf("none: %s, prompts measured by %s", route, how),
	}
	return k, nil
}

// model finds the model to ask. A name that the server does not list is taken as
// it is: hosted APIs know aliases.
func (c *Client) model(ctx context.Context) (listed, error) {
	var out struct {
		Data []listed `json:"data"`
	}
	err := c.do(ctx, exchange{url: c.base + "/models", out: &out, limit: 16 << 20, timeout: control})
	var status *engine.StatusError
	switch {
	case err == nil:
	case c.options.Model != "" && errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusMethodNotAllowed):
		return listed{ID: c.options.Model}, nil
	default:
		return listed{}, fmt.Errorf("asking for the models: %w", err)
	}
	var names []string
	for _, m := range out.Data {
		if m.ID == c.options.Model || (c.options.Model == "" && len(out.Data) == 1) {
			return m, nil
		}
		names = append(names, m.ID)
	}
	switch {
	case c.options.Model != "":
		return listed{ID: c.options.Model}, nil
	case len(names) == 0:
		return listed{}, fmt.Errorf("%s/models lists no model: name one", c.base)
	case len(names) > 10:
		names = append(names[:10], "…")
	}
	return listed{}, fmt.Errorf("%s serves %d models, so name one: %s", c.base, len(out.Data), strings.Join(names, ", "))
}

func kindOf(owner string) kind {
	switch k := kind(owner); k {
	case vllm, sglang, llamaCPP, ours:
		return k
	}
	return unknown
}

// slot asks llama-server how many tokens one of its slots holds; 0 if it does
// not say.
func (c *Client) slot(ctx context.Context) int {
	var props struct {
		Generation struct {
			Context int `json:"n_ctx"`
		} `json:"default_generation_settings"`
	}
	if c.do(ctx, exchange{url: c.root + "/props", out: &props, timeout: control}) != nil {
		return 0
	}
	return max(0, props.Generation.Context)
}
