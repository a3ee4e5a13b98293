package data

import "fmt"

// GroupID is the group's number in the run, in the order in which the recipe
// decided groups: a pure function of the configuration and the seed.
type GroupID int64

// String gives the form used in subjects, logs and files: "g000042".
func (g GroupID) String() string { return fmt.Sprintf("g%06d", int64(g)) }

// RolloutID is group and slot, "g000042/3": unique within a run. Candidates of
// a pool made elsewhere carry the id they had there, prefixed "pool:".
type RolloutID string

// NewRolloutID joins a group and a slot.
func NewRolloutID(g GroupID, slot int) RolloutID {
	return RolloutID(fmt.Sprintf("%s/%d", g, slot))
}

// Kind says what a prompt asks for: by how many candidates it holds, or a
// judgement of one.
type Kind string

const (
	Direct    Kind = "direct"    // no candidate
	Refine    Kind = "refine"    // K = 1
	Aggregate Kind = "aggregate" // K > 1
	Verify    Kind = "verify"    // one candidate, to be judged: right or wrong
)

// KindOf is the kind of a prompt with k candidates.
func KindOf(k int) Kind {
	switch {
	case k == 0:
		return Direct
	case k == 1:
		return Refine
	}
	return Aggregate
}

// Candidate is the text of one earlier solution and where it came from.
type Candidate struct {
	Rollout RolloutID `json:"rollout"`
	Model   string    `json:"model"`
	Version int       `json:"version"` // policy version; -1 for a frozen reference
	Text    string    `json:"text"`
	// Score is the verdict's score, kept for diagnostics and for the simulated
	// engine. It never enters a prompt.
	Score float64 `json:"score"`
}

// Spec says which prompt a group answers. It is decided once, purely, from
// (run seed, group) and earlier outcomes; replaying a run decides it again.
type Spec struct {
	Group      GroupID     `json:"group"`
	Problem    ProblemID   `json:"problem"`
	Kind       Kind        `json:"kind"`
	Source     string      `json:"source,omitempty"` // pool | policy | cache; empty for direct
	Round      int         `json:"round"`            // 0 for direct, t for a prompt built from round t-1
	Candidates []Candidate `json:"candidates,omitempty"`
	// MinVersion is the oldest policy version that may answer (staleness bound).
	MinVersion int `json:"min_version"`
}

// Sampling is how completions are drawn. Top-p, top-k and the like stay neutral:
// their log-probabilities would not be those of the policy being trained.
type Sampling struct {
	Temperature float64 `json:"temperature"`
	MaxTokens   int     `json:"max_tokens"`
	Stop        []int32 `json:"stop,omitempty"` // further stop token ids; the engine adds the model's own
}

// Job is a Spec made ready for a worker: prompt ids, and how many to sample.
type Job struct {
	Group     GroupID  `json:"group"`
	Size      int      `json:"size"`       // G: samples wanted, slots 0..G-1
	PromptIDs []int32  `json:"prompt_ids"` // length 1..context
	Sampling  Sampling `json:"sampling"`
	// Seed of slot 0; slot i samples with Seed+i, however the samples are split
	// into requests.
	Seed       int64 `json:"seed"`
	MinVersion int   `json:"min_version"`
	// Hint is for the simulated engine only and nil for every real one.
	Hint *Hint `json:"hint,omitempty"`
}

// Hint tells the simulated engine what a model would have to work out: the gold
// answer and which candidates in the prompt are right.
type Hint struct {
	Gold       string    `json:"gold"`
	Candidates []float64 `json:"candidates,omitempty"` // score of each, in prompt order
	Answers    []string  `json:"answers,omitempty"`    // what each answered
	Verify     bool      `json:"verify,omitempty"`     // the one candidate is to be judged
}

// FinishReason says why a completion ended.
type FinishReason string

const (
	FinishStop   FinishReason = "stop"   // the model ended it
	FinishLength FinishReason = "length" // it reached max_tokens
	FinishError  FinishReason = "error"  // no completion: the engine failed this sample for good
)

// Rollout is one completion of a group's prompt, tokens as sampled.
// len(Logprobs) == len(CompletionIDs); log-probabilities are natural logs at
// the sampling temperature.
type Rollout struct {
	ID            RolloutID
	Group         GroupID
	Slot          int
	CompletionIDs []int32
	Logprobs      []float32
	Text          string
	Finish        FinishReason
	VersionOldest int // policy version when the first token was drawn
	VersionNewest int // and the last
	Model         string
	Worker        string
	Simulated     bool   // true if no model was involved
	Err           string // why, when Finish is FinishError
}

// Check reports the first broken invariant of a rollout: tokens in, tokens out.
func (r *Rollout) Check() error {
	if r.Finish == FinishError {
		return nil
	}
	if len(r.CompletionIDs) == 0 {
		return fmt.Errorf("rollout %s: no completion ids", r.ID)
	}
	if len(r.CompletionIDs) != len(r.Logprobs) {
		return fmt.Errorf("rollout %s: %d completion ids but %d log-probabilities", r.ID, len(r.CompletionIDs), len(r.Logprobs))
	}
	for i, lp := range r.Logprobs {
		// NaN fails both comparisons. A tiny positive value is rounding.
		if !(lp <= 1e-3 && lp >= -1e4) {
			return fmt.Errorf("rollout %s: log-probability %v at token %d is not one", r.ID, lp, i)
		}
	}
	if r.VersionOldest > r.VersionNewest {
		return fmt.Errorf("rollout %s: version span %d..%d runs backwards", r.ID, r.VersionOldest, r.VersionNewest)
	}
	return nil
}
