package openai

import (
	"context"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// brackets of thinking, as the templates of this project know it.
const thinkBegin, thinkEnd = "<think>", "</think>"

// read makes a sample of an answer.
func (c *Client) read(ctx context.Context, k known, r engine.Request, prompt int, out *wire.ChatResponse) (engine.Sample, error) {
	broken := func(format string, args ...any) error {
		return &engine.SampleError{Reason: fmt.Sprintf(format, args...)}
	}
	if len(out.Choices) != 1 {
		return engine.Sample{}, broken("asked for 1 choice, got %d", len(out.Choices))
	}
	choice := &out.Choices[0]
	s := engine.Sample{Text: textOf(choice)}
	switch choice.FinishReason {
	case "stop", "eos", "end_turn":
		s.Finish = data.FinishStop
	case "length", "max_tokens":
		s.Finish = data.FinishLength
	default:
		return s, broken("the endpoint ended it with finish reason %q", choice.FinishReason)
	}
	var err error
	if s.Usage, err = usage(ctx, k, prompt, s.Text, out.Usage); err != nil {
		return s, err
	}
	if s.Logprobs, err = logprobs(choice.Logprobs); err != nil {
		return s, broken("%v", err)
	}
	return s, nil
}

// textOf is the completion as a model without a server around it writes it: its
// thinking, bracketed, before the answer. Thinking that was cut short stays open.
func textOf(c *wire.ChatChoice) string {
	if c.Message == nil {
		return string(c.Text)
	}
	thought := string(c.Message.ReasoningContent)
	if thought == "" {
		thought = string(c.Message.Reasoning)
	}
	content := string(c.Message.Content)
	switch {
	case thought == "":
		return content
	case content == "" && c.FinishReason != "stop":
		return thinkBegin + thought
	}
	return thinkBegin + thought + thinkEnd + content
}

// usage is what the endpoint counted, or, if it did not, what k counts.
func usage(ctx context.Context, k known, prompt int, text string, said *wire.Usage) (*engine.Usage, error) {
	if said != nil && said.PromptTokens >= 0 && said.CompletionTokens > 0 {
		return &engine.Usage{Prompt: said.PromptTokens, Completion: said.CompletionTokens}, nil
	}
	if text == "" {
		return &engine.Usage{Prompt: prompt, Completion: 1, Estimated: true}, nil
	}
	n, err := k.count(ctx, data.Prompt{Text: text})
	return &engine.Usage{Prompt: prompt, Completion: max(1, n), Estimated: true}, err
}

func logprobs(l *wire.ChatLogprobs) ([]float32, error) {
	if l == nil {
		return nil, nil
	}
	values := l.TokenLogprobs
	for _, t := range l.Content {
		values = append(values, t.Logprob)
	}
	out := make([]float32, len(values))
	for i, v := range values {
		if out[i] = float32(v); !(v <= 1e-3) {
			return nil, fmt.Errorf("log-probability %v at position %d", v, i)
		}
	}
	return out, nil
}
