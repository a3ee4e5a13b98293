package engine_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/enginetest"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// Another process behind the same address has other weights: nothing it says
// counts until it has been loaded.
func TestRestartIsSeen(t *testing.T) {
	folder := enginetest.Weights(t, filepath.Join(t.TempDir(), "w"), 1, engine.Probe{Sequences: []engine.ProbeSequence{{IDs: prompt, Logprobs: []float64{-1, -2}}}})
	t.Run("by header", func(t *testing.T) {
		f := newFake(t, simulated.Options{})
		c := f.client(t, engine.Options{})
		if err := c.Load(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
		f.swap(t)
		for range 2 {
			delivered := 0
			if err := c.Generate(t.Context(), ask(1), func(engine.Sample) { delivered++ }); !errors.Is(err, engine.ErrRestarted) || delivered > 0 {
				t.Errorf("%v, %d samples", err, delivered)
			}
		}
		if _, err := c.Score(t.Context(), prompt); !errors.Is(err, engine.ErrRestarted) {
			t.Errorf("scoring: %v", err)
		}
		if err := c.Healthy(t.Context()); !errors.Is(err, engine.ErrRestarted) {
			t.Errorf("health: %v", err)
		}
		if err := c.Load(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
		if err := c.Generate(t.Context(), ask(1), nothing); err != nil {
			t.Errorf("loaded anew: %v", err)
		}
	})
	metrics := func(made, steps int) http.HandlerFunc {
		return status(200, fmt.Sprintf("# HELP x y\nvllm:iteration_tokens_total_count{engine=\"0\"} %d\nvllm:iteration_tokens_total_created{engine=\"0\"} %d\n", steps, made))
	}
	for name, after := range map[string]http.HandlerFunc{"by its birth": metrics(2, 50), "by its counter": metrics(1, 3)} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, simulated.Options{})
			f.next = withoutBoot{f.next}
			c := f.client(t, engine.Options{})
			f.set("/metrics", metrics(1, 50))
			if err := errors.Join(c.Load(t.Context(), folder), c.Healthy(t.Context())); err != nil {
				t.Fatal(err)
			}
			f.set("/metrics", after)
			if err := c.Healthy(t.Context()); !errors.Is(err, engine.ErrRestarted) {
				t.Errorf("health: %v", err)
			}
			if err := c.Generate(t.Context(), ask(1), nothing); !errors.Is(err, engine.ErrRestarted) {
				t.Errorf("generating: %v", err)
			}
			if err := errors.Join(c.Load(t.Context(), folder), c.Healthy(t.Context()), c.Generate(t.Context(), ask(1), nothing)); err != nil {
				t.Errorf("loaded anew: %v", err)
			}
		})
	}
}

// withoutBoot hides the header, as vLLM has none.
type withoutBoot struct{ http.Handler }

func (h withoutBoot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.Handler.ServeHTTP(headerless{w}, r)
}

type headerless struct{ http.ResponseWriter }

func (h headerless) Write(b []byte) (int, error) {
	h.Header().Del(wire.BootHeader)
	return h.ResponseWriter.Write(b)
}

func (h headerless) WriteHeader(code int) {
	h.Header().Del(wire.BootHeader)
	h.ResponseWriter.WriteHeader(code)
}

// A load that fails before anything was replaced leaves the engine serving; one
// that fails later leaves it paused, whoever asks.
func TestFailedLoads(t *testing.T) {
	folder := enginetest.Weights(t, filepath.Join(t.TempDir(), "w"), 1, engine.Probe{Sequences: []engine.ProbeSequence{{IDs: prompt, Logprobs: []float64{-1, -2}}}})
	for name, test := range map[string]struct {
		path   string
		answer http.HandlerFunc
		dirty  bool
		says   string
	}{
		"no such route":  {"/pause", status(404, `{"detail":"Not Found"}`), false, "VLLM_SERVER_DEV_MODE=1"},
		"pause fails":    {"/pause", status(500, "no"), false, "/pause"},
		"reload fails":   {"/collective_rpc", status(500, "shape mismatch"), true, "shape mismatch"},
		"cache stays":    {"/reset_prefix_cache", status(500, "busy"), true, "busy"},
		"engine refuses": {"/collective_rpc", status(400, "unknown method"), true, "unknown method"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, simulated.Options{})
			c := f.client(t, engine.Options{})
			f.set(test.path, test.answer)
			err := c.Load(t.Context(), folder)
			if err == nil || errors.Is(err, engine.ErrDirty) != test.dirty || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("%v; want an error with %q, dirty: %v", err, test.says, test.dirty)
			}
			err = c.Generate(t.Context(), ask(1), nothing)
			if test.dirty != errors.Is(err, engine.ErrDirty) || (!test.dirty && err != nil) {
				t.Errorf("generating afterwards: %v", err)
			}
			if resumed := f.count("/resume") > 0; test.dirty && resumed {
				t.Error("a dirty engine was resumed")
			}
			f.set(test.path, nil)
			if err := errors.Join(c.Load(t.Context(), folder), c.Generate(t.Context(), ask(1), nothing)); err != nil {
				t.Errorf("loaded again: %v", err)
			}
		})
	}
}

func TestResumeIsRepeated(t *testing.T) {
	f := newFake(t, simulated.Options{})
	c := f.client(t, engine.Options{})
	folder := enginetest.Weights(t, filepath.Join(t.TempDir(), "w"), 1, engine.Probe{Sequences: []engine.ProbeSequence{{IDs: prompt, Logprobs: []float64{-1, -2}}}})
	lost := 0
	f.set("/resume", func(w http.ResponseWriter, r *http.Request) {
		if lost++; lost < 3 {
			status(500, "lost")(w, r)
			return
		}
		f.next.ServeHTTP(w, r)
	})
	if err := errors.Join(c.Load(t.Context(), folder), c.Generate(t.Context(), ask(1), nothing)); err != nil || lost != 3 {
		t.Errorf("%v after %d attempts", err, lost)
	}
}
