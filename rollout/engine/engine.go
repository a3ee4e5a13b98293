// Package engine speaks to inference engines. [Engine] is what the worker, rsa
// and sample need of one; [HTTP] implements it over vLLM's protocol (vLLM
// itself, the trainer package's small engine, the simulated engine's server),
// and package simulated implements it in process.
package engine

import (
	"context"

	"github.com/ropewalk/ropewalk/data"
)

// Info is what an engine says of itself at start-up.
type Info struct {
	Name        string // "vllm", "ropewalk-small", "simulated"
	Version     string
	Model       string // name the engine serves the model under
	MaxModelLen int    // context length in tokens, prompt and completion together
	Simulated   bool   // no model behind it: output marked as simulated everywhere
	// Fingerprint hashes the token ids of fixed strings: two engines with the
	// same tokenizer have the same fingerprint.
	// Without token ids it names the route instead.
	Fingerprint string
	// TextOnly: prompts go as text and completions come as text, without token
	// ids. Such an engine answers rsa and sample; nothing of it can be trained on.
	TextOnly bool
	// ContextAssumed: the server does not say what it holds; MaxModelLen is a guess.
	ContextAssumed bool
}

// Request asks for n completions of one prompt.
type Request struct {
	ID        string      // for logs and cancellation
	PromptIDs []int32     // for engines with token ids
	Prompt    data.Prompt // for those that are TextOnly
	// PromptTokens is Prompt's length as the engine counted it before, 0 if it was not asked.
	PromptTokens int
	N            int
	Seed         int64 // of the first; sample i has Seed+i
	Sampling     data.Sampling
	Hint         *data.Hint // simulated engine only
}

// Sample is one completion as the engine returned it.
// len(IDs) == len(Logprobs); log-probabilities are at the sampling temperature.
// From a TextOnly engine there are no IDs, Logprobs only if it was asked for
// them and offers them (whether at the sampling temperature is its own affair),
// and Usage is set.
type Sample struct {
	Index    int // 0..N-1
	IDs      []int32
	Logprobs []float32
	Text     string
	Finish   data.FinishReason
	Usage    *Usage
}

// Usage is what a completion cost, in the endpoint's own tokens.
type Usage struct {
	Prompt, Completion int
	// Estimated: the endpoint did not say; the tokens were counted from the texts.
	Estimated bool
}

// Engine generates, tokenises, scores and loads weights. Implementations are
// safe for concurrent use. Cancelling ctx cancels the work in the engine.
type Engine interface {
	Info(ctx context.Context) (Info, error)
	// Generate calls got for each sample as soon as it is complete, from one
	// goroutine, and returns when all N are or the request failed. Samples
	// already delivered stay delivered.
	Generate(ctx context.Context, r Request, got func(Sample)) error
	// Tokenize gives the ids of a prompt, chat template included if it asks.
	Tokenize(ctx context.Context, p data.Prompt) ([]int32, error)
	// Score gives the log-probability of each of ids[1:] given what precedes it,
	// at temperature 1: len(ids)-1 values.
	Score(ctx context.Context, ids []int32) ([]float32, error)
	// Load replaces the weights by those in dir and forgets cached prompts. A nil
	// error proves nothing: see Probe.
	Load(ctx context.Context, dir string) error
	// Healthy reports whether the engine answers and, if work is in flight,
	// whether it advances.
	Healthy(ctx context.Context) error
}
