package rsa

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Place is where a rollout stands: the problem's number in the run, the round,
// and its index in the population.
type Place struct {
	Problem int `json:"p"`
	Round   int `json:"t"`
	Index   int `json:"i"`
}

// Shape is how many places a run has.
type Shape struct {
	Problems int // numbered from 0
	Rounds   int // T, or 2 T where each round of rollouts has one of verifications
	N        int
}

// Size is the number of places.
func (s Shape) Size() int { return s.Problems * s.Rounds * s.N }

// holds reports whether p is one of the places.
func (s Shape) holds(p Place) bool {
	return p.Problem >= 0 && p.Problem < s.Problems && p.Round >= 0 && p.Round < s.Rounds && p.Index >= 0 && p.Index < s.N
}

// number orders places by problem, round and index.
func (s Shape) number(p Place) int { return (p.Problem*s.Rounds+p.Round)*s.N + p.Index }

func (s Shape) place(number int) Place {
	return Place{Problem: number / (s.Rounds * s.N), Round: number / s.N % s.Rounds, Index: number % s.N}
}

// group numbers the prompts of a run: the one direct prompt of a problem, then
// one for each rollout of the later rounds.
func (s Shape) group(p Place) data.GroupID {
	base := p.Problem * (1 + (s.Rounds-1)*s.N)
	if p.Round == 0 {
		return data.GroupID(base)
	}
	return data.GroupID(base + 1 + (p.Round-1)*s.N + p.Index)
}

// slot is the rollout's place in its group.
func (s Shape) slot(p Place) int {
	if p.Round == 0 {
		return p.Index
	}
	return 0
}

// ID is the rollout's id.
func (s Shape) ID(p Place) data.RolloutID { return data.NewRolloutID(s.group(p), s.slot(p)) }

// Record is one finished rollout as the journal keeps it.
type Record struct {
	Place
	ProblemID data.ProblemID `json:"problem"`
	// Parents are the indexes, in the round before, of the candidates in the
	// prompt, in prompt order.
	Parents  []int             `json:"parents,omitempty"`
	Prompt   ids               `json:"prompt,omitempty"`
	Cut      string            `json:"cut,omitempty"` // what the token budget did to the candidates
	IDs      ids               `json:"ids,omitempty"` // of the completion
	Logprobs floats            `json:"logprobs,omitempty"`
	Text     string            `json:"text"`
	Finish   data.FinishReason `json:"finish"`
	Err      string            `json:"err,omitempty"` // why, when Finish is error
	// TextOnly: the engine gave no token ids. Then Logprobs may be there or not, and
	// the tokens are as the endpoint counted them.
	TextOnly     bool `json:"text_only,omitempty"`
	PromptTokens int  `json:"prompt_tokens,omitempty"`
	Tokens       int  `json:"tokens,omitempty"` // of the completion

	Model     string       `json:"model"`
	Simulated bool         `json:"simulated,omitempty"`
	Verdict   data.Verdict `json:"verdict"`
	Rating    *float64     `json:"rating,omitempty"` // by the verifying grader
}

// ids are token ids as unsigned varints, in JSON as base64: half the size of
// their decimal form or less.
type ids []byte

func packIDs(v []int32) ids {
	out := make(ids, 0, 3*len(v))
	for _, x := range v {
		out = binary.AppendUvarint(out, uint64(uint32(x)))
	}
	return out
}

// len is the number of ids: every last byte of a varint lacks the high bit.
func (p ids) len() int {
	n := 0
	for _, b := range p {
		if b < 0x80 {
			n++
		}
	}
	return n
}

// unpack gives the ids; ok is false if the bytes are not what packIDs makes.
func (p ids) unpack() (out []int32, ok bool) {
	out = make([]int32, 0, p.len())
	for len(p) > 0 {
		x, n := binary.Uvarint(p)
		if n <= 0 || x > math.MaxInt32 {
			return nil, false
		}
		out = append(out, int32(x))
		p = p[n:]
	}
	return out, true
}

// floats are float32 bits, little-endian, in JSON as base64: exact.
type floats []byte

func packFloats(v []float32) floats {
	out := make(floats, 4*len(v))
	for i, x := range v {
		binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(x))
	}
	return out
}

func (p floats) unpack() []float32 {
	out := make([]float32, len(p)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(p[4*i:]))
	}
	return out
}

// check reports what a journal line cannot be.
func (r *Record) check(s Shape) error {
	switch {
	case !s.holds(r.Place):
		return fmt.Errorf("problem %d, round %d, index %d is outside the run", r.Problem, r.Round, r.Index)
	case r.TextOnly && (len(r.IDs)+len(r.Prompt) > 0 || len(r.Logprobs)%4 != 0 || r.PromptTokens < 0 || r.Tokens < 0):
		return fmt.Errorf("a rollout without token ids that has some, or impossible counts")
	case r.TextOnly:
	case len(r.Logprobs) != 4*r.IDs.len():
		return fmt.Errorf("%d completion ids but %d bytes of log-probabilities", r.IDs.len(), len(r.Logprobs))
	case r.Finish != data.FinishError && len(r.IDs) == 0:
		return fmt.Errorf("a completion without ids")
	}
	for _, i := range r.Parents {
		if r.Round == 0 || i < 0 || i >= s.N {
			return fmt.Errorf("parent %d of round %d does not exist", i, r.Round-1)
		}
	}
	return nil
}

// completed reports whether there is a text that can be a candidate.
func (r *Record) completed() bool { return r.Finish != data.FinishError }

// counts reports whether the rollout has a score.
func (r *Record) counts() bool { return r.completed() && r.Verdict.Status.Counts() }

// right is the paper's notion of correct: the full score.
func (r *Record) right() bool { return r.counts() && r.Verdict.Score == 1 }

// tokens is the completion's length.
func (r *Record) tokens() int { return r.IDs.len() + r.Tokens }

// promptTokens is the prompt's length.
func (r *Record) promptTokens() int { return r.Prompt.len() + r.PromptTokens }

func (r *Record) setPrompt(request *engine.Request, cut string) {
	r.Cut = cut
	r.Prompt, r.PromptTokens = packIDs(request.PromptIDs), request.PromptTokens
	r.TextOnly = request.PromptTokens > 0
}

func (r *Record) setCompletion(s *engine.Sample) {
	r.IDs, r.Logprobs = packIDs(s.IDs), packFloats(s.Logprobs)
	r.Text, r.Finish = clean(s.Text), s.Finish
	if s.Usage != nil {
		r.PromptTokens, r.Tokens = s.Usage.Prompt, s.Usage.Completion
	}
}
