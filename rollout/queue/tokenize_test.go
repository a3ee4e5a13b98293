package queue

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
)

// lengths is a tokenizer whose ids are the lengths of system and text.
func lengths(_ context.Context, prompts []data.Prompt) ([][]int32, error) {
	var out [][]int32
	for _, p := range prompts {
		out = append(out, []int32{int32(len(p.System)), int32(len(p.Text))})
	}
	return out, nil
}

func TestTokenizing(t *testing.T) {
	c := setUp(t, Options{})
	worker := connect(t, c.options)
	check(t, worker.ServeTokenize(t.Context(), lengths))
	prompts := []data.Prompt{{Text: strings.Repeat("x", requestBytes+1)}} // a request by itself
	for i := range 3 * requestPrompts {
		prompts = append(prompts, data.Prompt{System: strings.Repeat("s", i), Text: strings.Repeat("t", 5000), Chat: true})
	}
	want, _ := lengths(t.Context(), prompts)
	got, err := c.Tokenize(t.Context(), prompts)
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if none, err := c.Tokenize(t.Context(), nil); len(none) != 0 || err != nil {
		t.Errorf("none: %v, %v", none, err)
	}
}

func TestTokenizingWaitsForAWorker(t *testing.T) {
	c := setUp(t, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Tokenize(ctx, []data.Prompt{{Text: "x"}}); !errors.Is(err, ErrNoTokenizer) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody there: %v", err)
	}
	time.AfterFunc(200*time.Millisecond, func() {
		if err := c.ServeTokenize(t.Context(), lengths); err != nil {
			t.Error(err)
		}
	})
	got, err := c.Tokenize(t.Context(), []data.Prompt{{Text: "xyz"}})
	check(t, err)
	if diff := cmp.Diff([][]int32{{0, 3}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnEngineThatFailsToTokenize(t *testing.T) {
	c := setUp(t, Options{})
	var calls atomic.Int32
	failures := int32(2)
	check(t, c.ServeTokenize(t.Context(), func(ctx context.Context, p []data.Prompt) ([][]int32, error) {
		if calls.Add(1) <= failures {
			return nil, errors.New("engine is restarting")
		}
		return lengths(ctx, p)
	}))
	_, err := c.Tokenize(t.Context(), []data.Prompt{{Text: "xyz"}})
	check(t, err)

	failures = 1 << 30
	_, err = c.Tokenize(t.Context(), []data.Prompt{{Text: "xyz"}})
	if err == nil || !strings.Contains(err.Error(), "engine is restarting") {
		t.Errorf("error: %v", err)
	}
	if n := calls.Load(); n != 3+tokenizeTries {
		t.Errorf("%d calls, want %d", n, 3+tokenizeTries)
	}
}

func TestAWorkerThatStopsServingIsAskedNoMore(t *testing.T) {
	c := setUp(t, Options{})
	ctx, stop := context.WithCancel(t.Context())
	check(t, c.ServeTokenize(ctx, func(context.Context, []data.Prompt) ([][]int32, error) { return nil, errors.New("stopped") }))
	check(t, c.ServeTokenize(t.Context(), lengths))
	stop()
	time.Sleep(50 * time.Millisecond)
	for range 20 {
		_, err := c.Tokenize(t.Context(), []data.Prompt{{Text: "x"}})
		check(t, err)
	}
}
