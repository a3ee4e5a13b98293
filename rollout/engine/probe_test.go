package engine_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/enginetest"
)

// scorer is an engine that only scores and tokenises.
type scorer struct {
	engine.Engine
	scores map[int32][]float32 // by first id
	ids    []int32
}

func (s scorer) Score(_ context.Context, ids []int32) ([]float32, error) {
	if out, ok := s.scores[ids[0]]; ok {
		return out, nil
	}
	return nil, errors.New("no score")
}

func (s scorer) Tokenize(context.Context, data.Prompt) ([]int32, error) { return s.ids, nil }

func probeFolder(t *testing.T, p engine.Probe) string {
	return enginetest.Weights(t, filepath.Join(t.TempDir(), "w"), 7, p)
}

var two = engine.Probe{Sequences: []engine.ProbeSequence{
	{IDs: []int32{1, 2, 3}, Logprobs: []float64{-1, -2}},
	{IDs: []int32{4, 5, 6}, Logprobs: []float64{-3, -4}},
}}

func TestProveNamesTheWorstToken(t *testing.T) {
	dir := probeFolder(t, two)
	worst, err := engine.Prove(t.Context(), scorer{scores: map[int32][]float32{1: {-1, -2.0005}, 4: {-3, -4}}}, dir, 0)
	if err != nil || worst < 4e-4 || worst > 6e-4 {
		t.Errorf("within the tolerance of float32: %v, worst %v", err, worst)
	}
	_, err = engine.Prove(t.Context(), scorer{scores: map[int32][]float32{1: {-1.1, -2}, 4: {-3, -4.5}}}, dir, 0)
	var off *engine.Disagreement
	if !errors.As(err, &off) || !errors.Is(err, engine.ErrProbe) {
		t.Fatal(err)
	}
	if off.Sequence != 1 || off.Position != 2 || off.ID != 6 || off.Engine != -4.5 || off.Trainer != -4 || off.Off != 2 || off.Of != 4 || off.Version != 7 {
		t.Errorf("%+v", off)
	}
	if _, err := engine.Prove(t.Context(), scorer{scores: map[int32][]float32{1: {-1.1, -2}, 4: {-3, -4.5}}}, dir, 0.6); err != nil {
		t.Errorf("with a tolerance of 0.6: %v", err)
	}
	if _, err := engine.Prove(t.Context(), scorer{scores: map[int32][]float32{1: {-1, -2}, 4: {-3}}}, dir, 0); err == nil {
		t.Error("a score short, and proven")
	}
	if _, err := engine.Prove(t.Context(), scorer{scores: map[int32][]float32{1: {-1, -2}}}, dir, 0); err == nil {
		t.Error("a sequence that cannot be scored, and proven")
	}
}

func TestToleranceFollowsTheDtype(t *testing.T) {
	dir := probeFolder(t, two)
	rounded := scorer{scores: map[int32][]float32{1: {-1.1, -2}, 4: {-3, -4}}}
	if _, err := engine.Prove(t.Context(), rounded, dir, 0); !errors.Is(err, engine.ErrProbe) {
		t.Errorf("float32: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"torch_dtype":"bfloat16"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Prove(t.Context(), rounded, dir, 0); err != nil {
		t.Errorf("bfloat16: %v", err)
	}
}

// Prompts in the probe prove the tokenizer too.
func TestProbePromptsProveTheTokenizer(t *testing.T) {
	p := two
	p.Prompts = []engine.ProbePrompt{{Prompt: data.Prompt{Text: "ab"}, IDs: []int32{9, 10}}}
	dir := probeFolder(t, p)
	scores := map[int32][]float32{1: {-1, -2}, 4: {-3, -4}}
	if _, err := engine.Prove(t.Context(), scorer{scores: scores, ids: []int32{9, 10}}, dir, 0); err != nil {
		t.Errorf("the same tokenizer: %v", err)
	}
	_, err := engine.Prove(t.Context(), scorer{scores: scores, ids: []int32{9, 11}}, dir, 0)
	if !errors.Is(err, engine.ErrTokenizer) || errors.Is(err, engine.ErrProbe) || !strings.Contains(err.Error(), `"ab"`) {
		t.Errorf("another tokenizer: %v", err)
	}
}

func TestBadProbes(t *testing.T) {
	for name, test := range map[string]struct{ body, says string }{
		"not JSON":        {`{`, "not the expected JSON"},
		"empty":           {`{"temperature":1,"sequences":[]}`, "no sequences"},
		"hot":             {`{"temperature":0.5,"sequences":[{"ids":[1,2],"logprobs":[-1]}]}`, "temperature 0.5"},
		"lengths":         {`{"temperature":1,"sequences":[{"ids":[1,2],"logprobs":[-1,-2]}]}`, "2 ids and 2"},
		"one id":          {`{"temperature":1,"sequences":[{"ids":[1],"logprobs":[]}]}`, "1 ids and 0"},
		"no probability":  {`{"temperature":1,"sequences":[{"ids":[1,2],"logprobs":[0.5]}]}`, "log-probability 0.5"},
		"good, for once ": {`{"temperature":1,"sequences":[{"ids":[1,2],"logprobs":[-0.5]}]}`, ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "probe.json"), []byte(test.body), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := engine.ReadProbe(dir)
		if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v; want %q", name, err, test.says)
		}
	}
	if _, err := engine.ReadProbe(t.TempDir()); !errors.Is(err, engine.ErrNoProbe) {
		t.Errorf("none: %v", err)
	}
}

func TestBadFolders(t *testing.T) {
	for name, test := range map[string]struct{ stable, says string }{
		"no marker":      {"", "no STABLE"},
		"not JSON":       {"x", "not the expected JSON"},
		"missing file":   {`{"version":1,"files":{"gone":{"bytes":1}}}`, "gone"},
		"wrong size":     {`{"version":1,"files":{"there":{"bytes":9}}}`, "there has 2 bytes, STABLE says 9"},
		"outside":        {`{"version":1,"files":{"../x":{"bytes":1}}}`, "outside"},
		"good, for once": {`{"version":1,"files":{"there":{"bytes":2}}}`, ""},
	} {
		dir := t.TempDir()
		files := map[string]string{"there": "ab"}
		if test.stable != "" {
			files["STABLE"] = test.stable
		}
		for file, body := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s, err := engine.CheckFolder(dir)
		if test.says == "" && (err != nil || s.Version != 1) || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v; want %q", name, err, test.says)
		}
	}
}

// sampler reports given numbers at any temperature.
type sampler struct {
	scorer
	reported []float32
}

func (s sampler) Generate(_ context.Context, _ engine.Request, got func(engine.Sample)) error {
	got(engine.Sample{IDs: []int32{2, 3}, Logprobs: s.reported, Finish: data.FinishStop})
	return nil
}

func TestCheckTemperature(t *testing.T) {
	for name, test := range map[string]struct {
		scored, reported []float32
		raw              bool
	}{
		"raw":                           {[]float32{-1, -2}, []float32{-1, -2}, true},
		"at the temperature":            {[]float32{-1, -2}, []float32{-0.3, -2.4}, false},
		"certain tokens tell nothing":   {[]float32{-0.001, -0.02}, []float32{-0.001, -0.02}, false},
		"one certain token, one is raw": {[]float32{-0.001, -2}, []float32{0, -2}, true},
	} {
		e := sampler{scorer: scorer{scores: map[int32][]float32{1: test.scored}}, reported: test.reported}
		if err := engine.CheckTemperature(t.Context(), e, []int32{1}, nil); errors.Is(err, engine.ErrRaw) != test.raw || (err != nil && !test.raw) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
