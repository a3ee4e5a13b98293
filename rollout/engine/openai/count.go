package openai

import (
	"context"
	"fmt"
	"math"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// counter measures a prompt in tokens.
type counter func(context.Context, data.Prompt) (int, error)

// perMessage is about what a chat template puts around a message, in tokens.
const perMessage = 8

// estimate counts UTF-8 bytes. The same prompt has the same length everywhere,
// so that what is cut does not depend on when it is asked.
func estimate(bytesPerToken float64) counter {
	return func(_ context.Context, p data.Prompt) (int, error) {
		n := int(math.Ceil(float64(len(p.System)+len(p.Text)) / bytesPerToken))
		for range messages(p) {
			n += perMessage
		}
		return n, nil
	}
}

// messages are a prompt as a chat: the system's message, if any, and the user's.
// A prompt that is no chat has none.
func messages(p data.Prompt) []wire.Message {
	if !p.Chat {
		return nil
	}
	user := wire.Message{Role: "user", Content: p.Text}
	if p.System == "" {
		return []wire.Message{user}
	}
	return []wire.Message{{Role: "system", Content: p.System}, user}
}

// tokenizer is how a server counts, nil if it has no route for it that answers.
func (c *Client) tokenizer(ctx context.Context, k kind, model string) counter {
	var count counter
	switch k {
	case vllm, ours:
		count = func(ctx context.Context, p data.Prompt) (int, error) { return c.countVLLM(ctx, model, p) }
	case llamaCPP:
		count = c.countLlama
	default:
		return nil
	}
	if _, err := count(ctx, data.Prompt{Text: "1+1=", Chat: c.options.Chat}); err != nil {
		return nil
	}
	return count
}

func (c *Client) countVLLM(ctx context.Context, model string, p data.Prompt) (int, error) {
	in := wire.TokenizeRequest{Model: model}
	if p.Chat {
		yes := true
		in.Messages, in.AddGenerationPrompt = messages(p), &yes
	} else {
		in.Prompt = &p.Text
	}
	var out struct {
		Count int `json:"count"`
	}
	err := c.measure(ctx, "/tokenize", in, &out, p)
	return positive(out.Count, err)
}

// countLlama asks llama-server, whose tokenizer takes a text: a chat goes
// through its template first.
func (c *Client) countLlama(ctx context.Context, p data.Prompt) (int, error) {
	text := p.Text
	if p.Chat {
		var templated struct {
			Prompt string `json:"prompt"`
		}
		if err := c.measure(ctx, "/apply-template", map[string]any{"messages": messages(p)}, &templated, p); err != nil {
			return 0, err
		}
		text = templated.Prompt
	}
	var out struct {
		Tokens []int32 `json:"tokens"`
	}
	err := c.measure(ctx, "/tokenize", map[string]any{"content": text, "add_special": true, "parse_special": true}, &out, p)
	return positive(len(out.Tokens), err)
}

func (c *Client) measure(ctx context.Context, route string, in, out any, p data.Prompt) error {
	limit := int64(64<<10) + 64*int64(len(p.Text)+len(p.System))
	return c.do(ctx, exchange{url: c.root + route, in: in, out: out, limit: limit, timeout: 2 * control})
}

func positive(n int, err error) (int, error) {
	if err == nil && n <= 0 {
		err = fmt.Errorf("the server counts %d tokens in a prompt", n)
	}
	return n, err
}
