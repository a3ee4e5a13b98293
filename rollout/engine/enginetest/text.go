package enginetest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// TextEngine is an engine without token ids.
type TextEngine interface {
	engine.Engine
	Count(ctx context.Context, p data.Prompt) (int, error)
}

// Text asks of an engine without token ids what ropewalk relies on. prompt is a
// short one that the engine completes; logprobs says that e was made to ask for
// log-probabilities and the endpoint offers them; same, that the same seed gives
// the same text.
func Text(t *testing.T, e TextEngine, prompt data.Prompt, logprobs, same bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	info, err := e.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !info.TextOnly || info.Model == "" || info.MaxModelLen < 2 || info.Fingerprint == "" {
		t.Fatalf("info %+v", info)
	}
	ask := func(seed int64, tokens int) (s engine.Sample) {
		t.Helper()
		r := engine.Request{ID: "text", Prompt: prompt, N: 1, Seed: seed, Sampling: data.Sampling{Temperature: 1, MaxTokens: tokens}}
		if err := e.Generate(ctx, r, func(got engine.Sample) { s = got }); err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Run("a completion with its usage", func(t *testing.T) {
		s := ask(1, 40)
		if len(s.IDs) > 0 || s.Usage == nil || s.Usage.Completion < 1 || s.Usage.Completion > 40 {
			t.Fatalf("%+v, usage %+v", s, s.Usage)
		}
		if n, err := e.Count(ctx, prompt); err != nil || n < 1 || (!s.Usage.Estimated && (n < s.Usage.Prompt/2 || n > 4*s.Usage.Prompt+16)) {
			t.Errorf("the prompt is counted as %d tokens (%v), the endpoint says %d", n, err, s.Usage.Prompt)
		}
		if (s.Finish == data.FinishLength) != (s.Usage.Completion == 40) && !s.Usage.Estimated {
			t.Errorf("ended by %s after %d tokens of 40", s.Finish, s.Usage.Completion)
		}
		if logprobs != (len(s.Logprobs) > 0) {
			t.Errorf("%d log-probabilities, wanted: %v", len(s.Logprobs), logprobs)
		}
		for _, lp := range s.Logprobs {
			if !(lp <= 1e-3) || math.IsInf(float64(lp), 0) {
				t.Errorf("log-probability %v", lp)
			}
		}
	})
	t.Run("ended by length", func(t *testing.T) {
		if s := ask(2, 2); s.Finish != data.FinishLength && s.Usage.Completion > 2 {
			t.Errorf("%+v, usage %+v", s, s.Usage)
		}
	})
	if same {
		t.Run("the same seed, the same text", func(t *testing.T) {
			if a, b := ask(3, 30), ask(3, 30); a.Text != b.Text {
				t.Errorf("%q and %q", a.Text, b.Text)
			}
		})
	}
	t.Run("no token ids", func(t *testing.T) { refusesIDs(ctx, t, e) })
	t.Run("cancelled", func(t *testing.T) {
		ended, end := context.WithCancel(ctx)
		end()
		r := engine.Request{ID: "text", Prompt: prompt, N: 1, Sampling: data.Sampling{Temperature: 1, MaxTokens: 8}}
		if err := e.Generate(ended, r, func(engine.Sample) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("Generate under an ended context: %v", err)
		}
	})
}

func refusesIDs(ctx context.Context, t *testing.T, e engine.Engine) {
	t.Helper()
	_, tokenize := e.Tokenize(ctx, data.Prompt{Text: "x"})
	_, score := e.Score(ctx, []int32{1, 2})
	for what, err := range map[string]error{"Tokenize": tokenize, "Score": score, "Load": e.Load(ctx, "x")} {
		if !errors.Is(err, engine.ErrNoTokenIDs) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
