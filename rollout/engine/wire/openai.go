package wire

import "encoding/json"

// ChatResponse is the answer of POST /v1/chat/completions and, with Text in
// place of Message, of POST /v1/completions, as OpenAI's protocol has it and the
// servers that follow it vary it.
type ChatResponse struct {
	ID      string       `json:"id,omitempty"`
	Model   string       `json:"model,omitempty"`
	Choices []ChatChoice `json:"choices"`
	Usage   *Usage       `json:"usage,omitempty"`
	// Error is how some gateways refuse under a status of 200.
	Error *APIError `json:"error,omitempty"`
}

// ChatChoice is one completion.
type ChatChoice struct {
	Index        int           `json:"index"`
	Message      *ChatMessage  `json:"message,omitempty"`
	Text         Loose         `json:"text,omitempty"`
	FinishReason string        `json:"finish_reason"`
	Logprobs     *ChatLogprobs `json:"logprobs,omitempty"`
}

// ChatMessage is the assistant's turn. What it thought before comes, if at all,
// in one of two fields.
type ChatMessage struct {
	Role             string `json:"role,omitempty"`
	Content          Loose  `json:"content"`
	ReasoningContent Loose  `json:"reasoning_content,omitempty"`
	Reasoning        Loose  `json:"reasoning,omitempty"`
}

// ChatLogprobs holds the sampled tokens' log-probabilities: Content for chats,
// TokenLogprobs for completions.
type ChatLogprobs struct {
	Content       []TokenLogprob `json:"content,omitempty"`
	TokenLogprobs []float64      `json:"token_logprobs,omitempty"`
}

// Usage counts tokens. Those of reasoning are among the completion's.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
}

// APIError is the inside of a refusal. Code is a word or a number.
type APIError struct {
	Message string `json:"message,omitempty"`
	Code    any    `json:"code,omitempty"`
	Type    string `json:"type,omitempty"`
	Param   string `json:"param,omitempty"`
}

// ChatRequest is what the simulated server reads of a request for text. A client
// sends a map, for users may add fields of their own.
type ChatRequest struct {
	Model       string            `json:"model"`
	Messages    []Message         `json:"messages,omitempty"`
	Prompt      *string           `json:"prompt,omitempty"`
	N           int               `json:"n"`
	Seed        int64             `json:"seed"`
	MaxTokens   int               `json:"max_tokens"`
	MaxNew      int               `json:"max_completion_tokens"`
	Temperature float64           `json:"temperature"`
	Logprobs    any               `json:"logprobs"` // a bool in chats, a number in completions
	XArgs       map[string]string `json:"vllm_xargs,omitempty"`
}

// Loose is a text that servers give as a string, as null, or as a list of parts
// {"type": "text", "text": …}. Anything else is an empty text.
type Loose string

// UnmarshalJSON implements [json.Unmarshaler].
func (l *Loose) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*l = Loose(text)
		return nil
	}
	var parts []struct {
		Text string `json:"text"`
	}
	*l = ""
	if json.Unmarshal(raw, &parts) == nil {
		for _, p := range parts {
			*l += Loose(p.Text)
		}
	}
	return nil
}
