package simulated

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// wantsText tells OpenAI's /v1/completions, whose prompt is a text, from the one
// with token ids.
func wantsText(body []byte) bool {
	var in struct {
		Prompt json.RawMessage `json:"prompt"`
	}
	return json.Unmarshal(body, &in) == nil && len(in.Prompt) > 0 && in.Prompt[0] == '"'
}

// chat answers OpenAI's /v1/chat/completions.
func (s *Server) chat(r *http.Request) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bad("reading the request: %w", err)
	}
	var in wire.ChatRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, bad("not JSON: %w", err)
	}
	prompt, err := fromMessages(in.Messages)
	if err != nil {
		return nil, err
	}
	return s.text(r.Context(), in, prompt)
}

// plain answers OpenAI's /v1/completions.
func (s *Server) plain(ctx context.Context, body []byte) (any, error) {
	var in wire.ChatRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, bad("not JSON: %w", err)
	}
	return s.text(ctx, in, data.Prompt{Text: *in.Prompt})
}

func fromMessages(m []wire.Message) (data.Prompt, error) {
	switch {
	case len(m) == 1:
		return data.Prompt{Chat: true, Text: m[0].Content}, nil
	case len(m) == 2 && m[0].Role == "system":
		return data.Prompt{Chat: true, System: m[0].Content, Text: m[1].Content}, nil
	}
	return data.Prompt{}, bad("neither a prompt nor a system message and a turn of the user's")
}

// text is a completion without token ids.
func (s *Server) text(ctx context.Context, in wire.ChatRequest, prompt data.Prompt) (any, error) {
	if in.Model != s.engine.options.Model {
		return nil, &refused{http.StatusNotFound, errUnknownModel(in.Model)}
	}
	hint, err := readHint(in.XArgs)
	if err != nil {
		return nil, err
	}
	ids := Encode(prompt)
	samples, err := s.run(ctx, ids, wire.Sampling{
		N: max(1, in.N), Seed: in.Seed, MaxTokens: cmp.Or(in.MaxTokens, in.MaxNew, 16), Temperature: in.Temperature,
	}, hint)
	if err != nil {
		return nil, err
	}
	out := wire.ChatResponse{ID: "cmpl-simulated", Model: s.engine.options.Model, Usage: &wire.Usage{PromptTokens: len(ids)}}
	for _, got := range samples {
		out.Choices = append(out.Choices, textChoice(got, prompt.Chat, in.Logprobs))
		out.Usage.CompletionTokens += len(got.IDs)
	}
	return out, nil
}

type errUnknownModel string

func (m errUnknownModel) Error() string { return "the model " + string(m) + " does not exist" }

func textChoice(got engine.Sample, chat bool, wanted any) wire.ChatChoice {
	c := wire.ChatChoice{Index: got.Index, FinishReason: string(got.Finish)}
	if chat {
		c.Message = &wire.ChatMessage{Role: "assistant", Content: wire.Loose(got.Text)}
	} else {
		c.Text = wire.Loose(got.Text)
	}
	if wanted == nil || wanted == false {
		return c
	}
	c.Logprobs = &wire.ChatLogprobs{}
	for _, lp := range got.Logprobs {
		if chat {
			c.Logprobs.Content = append(c.Logprobs.Content, wire.TokenLogprob{Logprob: float64(lp)})
		} else {
			c.Logprobs.TokenLogprobs = append(c.Logprobs.TokenLogprobs, float64(lp))
		}
	}
	return c
}
