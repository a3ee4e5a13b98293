package rsa

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

// someProblems are problems whose gold the simulated engine can answer.
func someProblems(n int) []data.Problem {
	out := make([]data.Problem, n)
	for i := range out {
		out[i] = data.Problem{
			ID: data.ProblemID(fmt.Sprintf("sums/%d", i)), Dataset: "sums", Grader: "exact",
			Question: fmt.Sprintf("%d+%d", i, i+1), Gold: fmt.Sprint(2*i + 1),
		}
	}
	return out
}

func someOptions(n, k, t int) Options {
	return Options{
		N: n, K: k, T: t, Seed: 7, Concurrency: 32, Graders: 2,
		Sampling: data.Sampling{Temperature: 1, MaxTokens: 200},
		Prompt:   config.Prompt{Format: "text", Answer: "boxed", StripThinking: true},
	}
}

func simulate(t testing.TB, s config.Simulated) *simulated.Engine {
	t.Helper()
	if s.Tokens == 0 {
		s.Tokens = 24
	}
	e, err := simulated.New(simulated.Options{Simulated: s})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// connect wraps engines for a test.
func connect(t testing.TB, p Patience, engines ...engine.Engine) *Engines {
	t.Helper()
	var list []Endpoint
	for i, e := range engines {
		list = append(list, Endpoint{Name: fmt.Sprintf("engine %d", i), Engine: e})
	}
	e, err := Connect(context.Background(), list, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// memory is a store without a file, for tests of all but the file.
type memory struct {
	mu   sync.Mutex
	have map[Place]*Record
}

func newMemory() *memory { return &memory{have: map[Place]*Record{}} }

func (m *memory) Get(p Place) (*Record, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.have[p]
	return r, ok, nil
}

func (m *memory) Put(r *Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.have[r.Place] != nil {
		return fmt.Errorf("%v is stored twice", r.Place)
	}
	m.have[r.Place] = r
	return nil
}

func mustRun(t testing.TB, o Options, problems []data.Problem, e *Engines, s Store) Report {
	t.Helper()
	r, err := Run(context.Background(), o, problems, e, reward.Default(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
