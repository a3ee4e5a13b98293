package simulated

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Load has no weights to read: it remembers the folder's version and its
// probe, so that the proof after a load runs as with a real engine. A folder
// without a probe loads too.
func (e *Engine) Load(_ context.Context, dir string) error {
	stable, err := engine.CheckFolder(dir)
	if err != nil {
		return fmt.Errorf("loading weights: %w", err)
	}
	probe, err := engine.ReadProbe(dir)
	if err != nil && !errors.Is(err, engine.ErrNoProbe) {
		return fmt.Errorf("loading weights: %w", err)
	}
	numbers := map[string][]float32{}
	if probe != nil {
		for _, s := range probe.Sequences {
			numbers[key(s.IDs)] = narrow(s.Logprobs)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dir, e.version, e.probe = dir, stable.Version, numbers
	return nil
}

// Loaded tells which weights were loaded last: "" and 0 before the first.
func (e *Engine) Loaded() (dir string, version int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dir, e.version
}

func key(ids []int32) string {
	b := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return string(b)
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i := range v {
		out[i] = float32(v[i])
	}
	return out
}

// Score gives the probe's own numbers for a sequence of the loaded probe, which
// is how a load can be proven, and otherwise those that Generate gives.
func (e *Engine) Score(_ context.Context, ids []int32) ([]float32, error) {
	if len(ids) < 2 {
		return nil, nil
	}
	if len(ids) >= e.options.Context {
		return nil, fmt.Errorf("scoring: %w", &engine.TooLongError{Prompt: len(ids), Context: e.options.Context})
	}
	e.mu.Lock()
	known := e.probe[key(ids)]
	e.mu.Unlock()
	if known != nil {
		return known, nil
	}
	if err := checkIDs(ids); err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	return logprobs(ids[0], ids[1:], 1), nil
}

// table holds the log-probability of each id after each id.
type table [Vocabulary][Vocabulary]float32

// tables keeps one table per temperature: a run has one or two.
var tables sync.Map // float64 to *table

// logprobs walks the table for the temperature: a proper distribution over the
// vocabulary at every step, though not the one that chose the tokens.
func logprobs(before int32, ids []int32, temperature float64) []float32 {
	t := tableFor(temperature)
	out := make([]float32, len(ids))
	for i, id := range ids {
		out[i] = t[before][id]
		before = id
	}
	return out
}

// tableFor normalises logits, which are a hash of the pair with a bias towards
// text, at a temperature. Greedy sampling (0) reports those at 1, as engines do.
func tableFor(temperature float64) *table {
	if temperature <= 0 {
		temperature = 1
	}
	if t, ok := tables.Load(temperature); ok {
		return t.(*table)
	}
	t := new(table)
	for before := range t {
		var logits [Vocabulary]float64
		sum := 0.0
		for id := range logits {
			logits[id] = logit(before, id) / temperature
			sum += math.Exp(logits[id])
		}
		for id := range logits {
			t[before][id] = float32(logits[id] - math.Log(sum))
		}
	}
	kept, _ := tables.LoadOrStore(temperature, t)
	return kept.(*table)
}

func logit(before, id int) float64 {
	z := uint64(before*Vocabulary+id) + 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	noise := 2 * float64(z>>40) / (1 << 24)
	switch {
	case id >= 'a' && id <= 'z', id >= '0' && id <= '9', id == ' ', id == int(EndID):
		return 4 + noise
	case id >= 32 && id < 127:
		return 2 + noise
	}
	return noise - 2
}
