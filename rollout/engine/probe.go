package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/ropewalk/ropewalk/data"
)

// Probe is what the trainer writes beside exported weights: a few sequences
// with the log-probabilities that these weights, and no others, give them.
type Probe struct {
	Version     int             `json:"version"`
	Temperature float64         `json:"temperature"`
	Sequences   []ProbeSequence `json:"sequences"`
	// Prompts, where the trainer writes them, prove the tokenizer.
	Prompts []ProbePrompt `json:"prompts,omitempty"`
}

// ProbePrompt is a prompt with its ids.
type ProbePrompt struct {
	data.Prompt
	IDs []int32 `json:"ids"`
}

// ProbeSequence holds len(IDs)-1 log-probabilities: those of IDs[1:].
type ProbeSequence struct {
	IDs      []int32   `json:"ids"`
	Logprobs []float64 `json:"logprobs"`
}

// Tolerances, in nats, between an engine's log-probabilities and the trainer's
// of the same weights: rounding, not other weights.
const (
	ToleranceFloat32  = 1e-3
	ToleranceBfloat16 = 0.15
)

// ErrNoProbe: the weights folder has no probe.json.
var ErrNoProbe = errors.New("no probe.json")

// ErrTokenizer: the engine's tokenizer is not that of the weights. No load helps.
var ErrTokenizer = errors.New("another tokenizer")

// ErrProbe is what a [Disagreement] is.
var ErrProbe = errors.New("weights not proven")

// ReadProbe reads dir's probe.json and checks its shape.
func ReadProbe(dir string) (*Probe, error) {
	path := filepath.Join(dir, "probe.json")
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("weights folder %s: %w: nothing can prove that an engine serves these weights", dir, ErrNoProbe)
	}
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	var p Probe
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("%s: not the expected JSON: %w", path, err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &p, nil
}

func (p *Probe) check() error {
	if len(p.Sequences) == 0 {
		return fmt.Errorf("no sequences")
	}
	if p.Temperature != 1 {
		return fmt.Errorf("temperature %v, want 1", p.Temperature)
	}
	for i, s := range p.Sequences {
		if len(s.IDs) < 2 || len(s.Logprobs) != len(s.IDs)-1 {
			return fmt.Errorf("sequence %d has %d ids and %d log-probabilities, want one fewer than ids and at least one", i, len(s.IDs), len(s.Logprobs))
		}
		for k, lp := range s.Logprobs {
			if !(lp <= 1e-3) || math.IsInf(lp, 0) {
				return fmt.Errorf("sequence %d: log-probability %v at position %d", i, lp, k+1)
			}
		}
	}
	return nil
}

// Disagreement is the worst token of a probe that an engine did not give back.
type Disagreement struct {
	Dir       string
	Version   int // of the probe
	Sequence  int
	Position  int   // of ID in the sequence
	ID        int32 // the token
	Engine    float64
	Trainer   float64
	Off       int // tokens further off than the tolerance
	Of        int // tokens compared
	Tolerance float64
}

func (d *Disagreement) Error() string {
	return fmt.Sprintf("the engine does not serve the weights of %s (version %d): sequence %d, position %d, token id %d has log-probability %.6f in the engine and %.6f in probe.json, %.4f apart with %.4g allowed; %d of %d tokens disagree",
		d.Dir, d.Version, d.Sequence, d.Position, d.ID, d.Engine, d.Trainer, math.Abs(d.Engine-d.Trainer), d.Tolerance, d.Off, d.Of)
}

// Is makes errors.Is(err, ErrProbe) true.
func (d *Disagreement) Is(target error) bool { return target == ErrProbe }

// Prove asks e for the log-probabilities of dir's probe. It gives the largest
// difference, in nats, and a [Disagreement] if that is above the tolerance. A
// tolerance of 0 is chosen by the dtype in dir's config.json.
func Prove(ctx context.Context, e Engine, dir string, tolerance float64) (worst float64, err error) {
	p, err := ReadProbe(dir)
	if err != nil {
		return 0, err
	}
	if err := p.proveTokenizer(ctx, e, dir); err != nil {
		return 0, err
	}
	if tolerance == 0 {
		tolerance = toleranceOf(dir)
	}
	bad := Disagreement{Dir: dir, Version: p.Version, Tolerance: tolerance}
	for i, s := range p.Sequences {
		scores, err := e.Score(ctx, s.IDs)
		if err != nil {
			return worst, fmt.Errorf("proving the weights of %s, sequence %d: %w", dir, i, err)
		}
		if len(scores) != len(s.Logprobs) {
			return worst, fmt.Errorf("proving the weights of %s, sequence %d: %d scores for %d ids", dir, i, len(scores), len(s.IDs))
		}
		for k, lp := range s.Logprobs {
			bad.Of++
			off := math.Abs(float64(scores[k]) - lp)
			if !(off <= tolerance) {
				bad.Off++
			}
			if !(off <= worst) {
				worst = off
				bad.Sequence, bad.Position, bad.ID, bad.Engine, bad.Trainer = i, k+1, s.IDs[k+1], float64(scores[k]), lp
			}
		}
	}
	if bad.Off > 0 {
		return worst, &bad
	}
	return worst, nil
}

func (p *Probe) proveTokenizer(ctx context.Context, e Engine, dir string) error {
	for _, want := range p.Prompts {
		ids, err := e.Tokenize(ctx, want.Prompt)
		if err != nil {
			return fmt.Errorf("proving the tokenizer of %s: %w", dir, err)
		}
		if !slices.Equal(ids, want.IDs) {
			return fmt.Errorf("%w: the engine's ids of %.60q (chat: %v) are %d, those of the weights in %s are %d", ErrTokenizer, want.Text, want.Chat, ids, dir, want.IDs)
		}
	}
	return nil
}

// toleranceOf reads the dtype of an export: rounding to bfloat16 differs
// between kernels, float32 hardly.
func toleranceOf(dir string) float64 {
	var config struct {
		Dtype      string `json:"dtype"`
		TorchDtype string `json:"torch_dtype"` // its older name
	}
	body, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err == nil && json.Unmarshal(body, &config) == nil && (config.Dtype == "float32" || config.TorchDtype == "float32") {
		return ToleranceFloat32
	}
	return ToleranceBfloat16
}
