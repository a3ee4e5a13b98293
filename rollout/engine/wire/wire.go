// Package wire holds the messages of vLLM's HTTP protocol, as far as ropewalk
// speaks it: what [engine.HTTP] sends and what the simulated engine's server
// answers. Field names and defaults are those of vLLM 0.29; the fields that
// only our own engines know begin with "ropewalk" or say so.
package wire

// BootHeader carries an id that changes whenever the process behind a URL is a
// new one. Our own engines set it on every response; vLLM does not.
const BootHeader = "X-Ropewalk-Boot"

// StepCounter advances with every step of the engine: its heartbeat.
const StepCounter = "vllm:iteration_tokens_total_count"

// RunningGauge counts the sequences being generated.
const RunningGauge = "vllm:num_requests_running"

// HintArg is the key of the simulated engine's hint among vllm_xargs.
const HintArg = "ropewalk_hint"

// Sampling is spelled out in full, for what is left out may come from the
// model's generation_config.json. Flat in /v1/completions, nested in
// /inference/v1/generate.
type Sampling struct {
	N                 int     `json:"n"`
	Seed              int64   `json:"seed"`
	MaxTokens         int     `json:"max_tokens"`
	Temperature       float64 `json:"temperature"`
	TopP              float64 `json:"top_p"`
	TopK              int     `json:"top_k"` // -1 is off, in every version
	MinP              float64 `json:"min_p"`
	RepetitionPenalty float64 `json:"repetition_penalty"`
	PresencePenalty   float64 `json:"presence_penalty"`
	FrequencyPenalty  float64 `json:"frequency_penalty"`
	StopTokenIDs      []int32 `json:"stop_token_ids,omitempty"`
	IgnoreEOS         bool    `json:"ignore_eos"`
	Logprobs          int     `json:"logprobs"` // 0: of the sampled token alone
	PromptLogprobs    *int    `json:"prompt_logprobs,omitempty"`
	SkipSpecialTokens bool    `json:"skip_special_tokens"`
}

// CompletionRequest is the body of POST /v1/completions.
type CompletionRequest struct {
	Model  string  `json:"model"`
	Prompt []int32 `json:"prompt"`
	Sampling
	ReturnTokenIDs bool              `json:"return_token_ids"`
	XArgs          map[string]string `json:"vllm_xargs,omitempty"`
}

// CompletionResponse is its answer.
type CompletionResponse struct {
	ID      string             `json:"id"`
	Model   string             `json:"model"`
	Choices []CompletionChoice `json:"choices"`
}

// CompletionChoice is one completion.
type CompletionChoice struct {
	Index          int                       `json:"index"`
	Text           string                    `json:"text"`
	FinishReason   string                    `json:"finish_reason"`
	TokenIDs       []int32                   `json:"token_ids"`
	Logprobs       *CompletionLogprobs       `json:"logprobs"`
	PromptLogprobs []map[string]TokenLogprob `json:"prompt_logprobs,omitempty"` // by position; null for the first; keyed by token id
}

// CompletionLogprobs runs parallel to the choice's token ids.
type CompletionLogprobs struct {
	TokenLogprobs []float64 `json:"token_logprobs"`
}

// TokenLogprob is the log-probability of one token id at one position.
type TokenLogprob struct {
	Logprob float64 `json:"logprob"`
}

// GenerateRequest is the body of POST /inference/v1/generate: tokens in.
type GenerateRequest struct {
	Model          string   `json:"model,omitempty"`
	TokenIDs       []int32  `json:"token_ids"`
	SamplingParams Sampling `json:"sampling_params"`
}

// GenerateResponse is its answer: tokens out, and no text.
type GenerateResponse struct {
	Choices        []GenerateChoice          `json:"choices"`
	PromptLogprobs []map[string]TokenLogprob `json:"prompt_logprobs,omitempty"` // as in CompletionChoice
}

// GenerateChoice is one completion. Older servers shape logprobs like the chat
// endpoint; the field read here is common to both.
type GenerateChoice struct {
	Index        int               `json:"index"`
	FinishReason string            `json:"finish_reason"`
	TokenIDs     []int32           `json:"token_ids"`
	Logprobs     *GenerateLogprobs `json:"logprobs"`
}

// GenerateLogprobs runs parallel to the choice's token ids.
type GenerateLogprobs struct {
	Content []TokenLogprob `json:"content"`
}

// Message is one turn of a chat.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// TokenizeRequest is the body of POST /tokenize: Prompt or Messages.
type TokenizeRequest struct {
	Model               string    `json:"model,omitempty"`
	Prompt              *string   `json:"prompt,omitempty"`
	Messages            []Message `json:"messages,omitempty"`
	AddGenerationPrompt *bool     `json:"add_generation_prompt,omitempty"`
	AddSpecialTokens    bool      `json:"add_special_tokens"`
}

// TokenizeResponse is its answer.
type TokenizeResponse struct {
	Count       int     `json:"count"`
	MaxModelLen int     `json:"max_model_len"`
	Tokens      []int32 `json:"tokens"`
}

// DetokenizeRequest is the body of POST /detokenize.
type DetokenizeRequest struct {
	Model  string  `json:"model,omitempty"`
	Tokens []int32 `json:"tokens"`
}

// DetokenizeResponse is its answer.
type DetokenizeResponse struct {
	Prompt string `json:"prompt"`
}

// RPCRequest is the body of POST /collective_rpc.
type RPCRequest struct {
	Method string            `json:"method"`
	Kwargs map[string]string `json:"kwargs,omitempty"`
}

// Version is the answer of GET /version; Engine is our own engines' name.
type Version struct {
	Version string `json:"version"`
	Engine  string `json:"engine,omitempty"`
}

// Models is the answer of GET /v1/models.
type Models struct {
	Data []Model `json:"data"`
}

// Model is one served model.
type Model struct {
	ID          string `json:"id"`
	OwnedBy     string `json:"owned_by,omitempty"`
	MaxModelLen int    `json:"max_model_len"`
}

// Paused is the answer of GET /is_paused.
type Paused struct {
	IsPaused bool `json:"is_paused"`
}

// Error is the body of a refusal: vLLM nests it, older servers do not.
type Error struct {
	Message string `json:"message,omitempty"`
	Detail  any    `json:"detail,omitempty"`
	Error   struct {
		Message string `json:"message,omitempty"`
	} `json:"error"`
}
