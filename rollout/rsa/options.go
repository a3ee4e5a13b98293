package rsa

import (
	"fmt"
	"math"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// Options say what is run. N, K, T, Sampling, Prompt and Seed decide the
// outcome; the others only how fast it comes.
type Options struct {
	N        int // rollouts of a problem in each round; at least 1
	K        int // candidates of an aggregation prompt; 1..N
	T        int // populations, the direct one included; at least 1
	Sampling data.Sampling
	// Prompt.MaxTokens 0 means all of the engine's context that
	// Sampling.MaxTokens leaves.
	Prompt config.Prompt
	Seed   int64

	// Method names what is run, for the report; "" is rsa. Its plan is in N, K and T.
	Method string
	// Points is in how many equal parts the curve over cost divides the single
	// population of a run with T = 1; 0 for one.
	Points int
	// Verify asks of each rollout, with a prompt of its own and a completion of at
	// most VerifyTokens, whether its answer is right.
	Verify       bool
	VerifyTokens int
	// Rater names a grader that rates each completion beside the problem's own, as
	// a verifier: the answer it rates highest is a population's best. "" for none.
	Rater string
	// StopWhenAgreed asks nothing more of a problem once all N rollouts of a
	// population give the same answer, by the grader.
	StopWhenAgreed bool

	Price       Price         // with Most, the run may end with ErrBudget
	Concurrency int           // requests in flight over all engines; default 64
	Graders     int           // answers graded at a time; default 1
	Deadline    time.Duration // last guard of grading one answer; default reward's
	// Progress, if set, is called after every rollout, from one goroutine.
	Progress func(Progress)
}

// Shape is the places of a run: T rounds of rollouts and, if each is verified, T
// more of verifications.
func (o *Options) Shape(problems int) Shape {
	s := Shape{Problems: problems, Rounds: o.T, N: o.N}
	if o.Verify {
		s.Rounds = 2 * o.T
	}
	return s
}

// Progress is how far a run has come.
type Progress struct {
	Total  int // rollouts of the whole run, verifications included
	Stored int // found in the journal, not asked again
	Asked  int // asked of an engine and stored by this process
	Failed int // of both: without a completion
	Tokens int64
	Cost   float64 // by the options' prices
	Rounds []int   // rollouts done of each round
	// Scored and Score are the graded rollouts of each round and their summed score.
	Scored []int
	Score  []float64
}

// Check reports the first impossible option.
func (o *Options) Check() error {
	switch {
	case o.N < 1:
		return fmt.Errorf("n is %d: a population has at least 1 rollout", o.N)
	case o.T < 1:
		return fmt.Errorf("t is %d: it counts populations, the direct one included, so at least 1", o.T)
	case o.T > 1 && (o.K < 1 || o.K > o.N):
		return fmt.Errorf("k is %d: a prompt holds between 1 and n = %d candidates, drawn without replacement", o.K, o.N)
	case o.Sampling.MaxTokens < 1:
		return fmt.Errorf("max tokens is %d: a completion has at least 1", o.Sampling.MaxTokens)
	case !(o.Sampling.Temperature >= 0) || math.IsInf(o.Sampling.Temperature, 0):
		return fmt.Errorf("temperature is %v: it must be 0 or more", o.Sampling.Temperature)
	case o.Prompt.MaxTokens < 0:
		return fmt.Errorf("max prompt tokens is %d: it must be 0 or more", o.Prompt.MaxTokens)
	case o.Prompt.Format != "chat" && o.Prompt.Format != "text":
		return fmt.Errorf("prompt format is %q: it must be chat or text", o.Prompt.Format)
	case o.Points < 0 || o.T == 1 && o.Points > o.N || o.T > 1 && o.Points > 0:
		return fmt.Errorf("%d points of cost cannot be told apart in %d rollouts of %d rounds", o.Points, o.N, o.T)
	case o.Verify && o.VerifyTokens < 1:
		return fmt.Errorf("max tokens of a verification is %d: it must be at least 1", o.VerifyTokens)
	case o.StopWhenAgreed && o.N < 2:
		return fmt.Errorf("n is %d: a population of one always agrees, so stopping when it does needs n of at least 2", o.N)
	case o.Concurrency < 0:
		return fmt.Errorf("concurrency is %d: it must be at least 1", o.Concurrency)
	}
	return o.Price.Check()
}

// Resolve checks the options and fills in what the engine decides: the prompt
// budget. context is the engine's, in tokens.
func (o *Options) Resolve(context int) error {
	if err := o.Check(); err != nil {
		return err
	}
	room := context - o.Sampling.MaxTokens
	switch {
	case room < 1:
		return fmt.Errorf("max tokens is %d but the engine's context is %d tokens, prompt and completion together", o.Sampling.MaxTokens, context)
	case o.Prompt.MaxTokens > room:
		return fmt.Errorf("prompts of up to %d tokens and completions of up to %d do not fit the engine's context of %d", o.Prompt.MaxTokens, o.Sampling.MaxTokens, context)
	case o.Prompt.MaxTokens == 0:
		o.Prompt.MaxTokens = room
	}
	if o.Concurrency == 0 {
		o.Concurrency = 64
	}
	return nil
}
