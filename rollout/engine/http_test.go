package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// fake is a simulated engine's server with answers of the test's own in front.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []string
	answer map[string]http.HandlerFunc // by path
	next   http.Handler
}

func newFake(t *testing.T, o simulated.Options) *fake {
	t.Helper()
	e, err := simulated.New(o)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{answer: map[string]http.HandlerFunc{}, next: simulated.NewServer(e, 0)}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.calls = append(f.calls, r.URL.Path)
	own, next := f.answer[r.URL.Path], f.next
	f.mu.Unlock()
	if own != nil {
		own(w, r)
		return
	}
	next.ServeHTTP(w, r)
}

func (f *fake) set(path string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer[path] = h
}

// swap puts another process behind the address.
func (f *fake) swap(t *testing.T) {
	t.Helper()
	e, err := simulated.New(simulated.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = simulated.NewServer(e, 0)
}

func (f *fake) count(path string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == path {
			n++
		}
	}
	return n
}

func (f *fake) client(t *testing.T, o engine.Options) *engine.HTTP {
	t.Helper()
	c, err := engine.NewHTTP(f.URL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

var prompt = []int32{65, 66, 67}

func ask(n int) engine.Request {
	return engine.Request{ID: "r", PromptIDs: prompt, N: n, Seed: 1, Sampling: data.Sampling{Temperature: 1, MaxTokens: 5}}
}

func nothing(engine.Sample) {}

// What an engine answers is checked at the border, whatever is wrong with it.
func TestBadAnswersAreRefused(t *testing.T) {
	choice := func(index int, finish string, ids []int32, lps ...float64) wire.CompletionChoice {
		return wire.CompletionChoice{Index: index, FinishReason: finish, TokenIDs: ids, Logprobs: &wire.CompletionLogprobs{TokenLogprobs: lps}}
	}
	good := choice(0, "stop", []int32{5}, -1)
	for name, test := range map[string]struct {
		choices []wire.CompletionChoice
		want    string
	}{
		"no choice":          {nil, "asked for 1 samples, got 0"},
		"two choices":        {[]wire.CompletionChoice{good, choice(1, "stop", []int32{5}, -1)}, "got 2"},
		"wrong index":        {[]wire.CompletionChoice{choice(3, "stop", []int32{5}, -1)}, "index 3"},
		"no ids":             {[]wire.CompletionChoice{choice(0, "stop", nil)}, "return_token_ids"},
		"no logprobs":        {[]wire.CompletionChoice{{FinishReason: "stop", TokenIDs: []int32{5}}}, "1 token ids but 0"},
		"one logprob short":  {[]wire.CompletionChoice{choice(0, "stop", []int32{5, 6}, -1)}, "2 token ids but 1"},
		"negative id":        {[]wire.CompletionChoice{choice(0, "stop", []int32{-5}, -1)}, "token id -5"},
		"positive logprob":   {[]wire.CompletionChoice{choice(0, "stop", []int32{5}, 0.5)}, "log-probability 0.5"},
		"infinite logprob":   {[]wire.CompletionChoice{choice(0, "stop", []int32{5}, -1e300)}, "-Inf"},
		"too many":           {[]wire.CompletionChoice{choice(0, "length", []int32{1, 2, 3, 4, 5, 6}, -1, -1, -1, -1, -1, -1)}, "more than the 5"},
		"short of length":    {[]wire.CompletionChoice{choice(0, "length", []int32{1, 2}, -1, -1)}, "after 2"},
		"aborted":            {[]wire.CompletionChoice{choice(0, "abort", []int32{1}, -1)}, `"abort"`},
		"no finish reason":   {[]wire.CompletionChoice{choice(0, "", []int32{1}, -1)}, `""`},
		"unheard-of finish":  {[]wire.CompletionChoice{choice(0, "bored", []int32{1}, -1)}, `"bored"`},
		"good one, for once": {[]wire.CompletionChoice{good}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, simulated.Options{})
			c := f.client(t, engine.Options{})
			if _, err := c.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.set("/v1/completions", func(w http.ResponseWriter, _ *http.Request) {
				json.NewEncoder(w).Encode(wire.CompletionResponse{Choices: test.choices})
			})
			delivered := 0
			err := c.Generate(t.Context(), ask(1), func(engine.Sample) { delivered++ })
			if test.want == "" {
				if err != nil || delivered != 1 {
					t.Errorf("%v, %d samples", err, delivered)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || delivered > 0 {
				t.Errorf("%v, %d samples delivered; want an error with %q and none", err, delivered, test.want)
			}
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		is     func(error) bool
	}{
		"not JSON":    {status(200, "<html>"), func(err error) bool { return !engine.Gone(err) }},
		"refusal":     {status(400, `{"error":{"message":"no such thing"}}`), engine.Refused},
		"trouble":     {status(500, `{"message":"boom"}`), func(err error) bool { return !engine.Refused(err) && !engine.Gone(err) }},
		"larger":      {status(200, strings.Repeat("x", 4<<20)), func(err error) bool { return strings.Contains(err.Error(), "larger than") }},
		"half of one": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, func(err error) bool { return errors.Is(err, engine.ErrLost) }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, simulated.Options{})
			c := f.client(t, engine.Options{})
			if _, err := c.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := f.count("/v1/completions")
			f.set("/v1/completions", test.answer)
			err := c.Generate(t.Context(), ask(1), nothing)
			if err == nil || !test.is(err) {
				t.Errorf("%v", err)
			}
			if n := f.count("/v1/completions") - before; n != 1 {
				t.Errorf("asked %d times, want once", n)
			}
		})
	}
}

// Everything that shapes sampling is said, and nothing is left to a model's
// generation_config.json.
func TestSamplingIsExplicit(t *testing.T) {
	f := newFake(t, simulated.Options{})
	c := f.client(t, engine.Options{})
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	f.set("/v1/completions", func(w http.ResponseWriter, r *http.Request) {
		json.NewDecoder(r.Body).Decode(&body)
		status(500, "")(w, r)
	})
	r := ask(3)
	r.Seed, r.Sampling.Stop = -1, []int32{9}
	if err := c.Generate(t.Context(), r, nothing); err == nil {
		t.Fatal("no error")
	}
	for key, want := range map[string]any{
		"n": 3.0, "max_tokens": 5.0, "temperature": 1.0, "top_p": 1.0, "top_k": -1.0, "min_p": 0.0, "repetition_penalty": 1.0,
		"presence_penalty": 0.0, "frequency_penalty": 0.0, "logprobs": 0.0, "return_token_ids": true, "ignore_eos": false,
	} {
		if body[key] != want {
			t.Errorf("%s = %v, want %v", key, body[key], want)
		}
	}
	if seed, _ := body["seed"].(float64); seed < 0 {
		t.Errorf("seed %v: vLLM takes -1 for none", body["seed"])
	}
	if _, there := body["vllm_xargs"]; there {
		t.Error("a hint was sent without one")
	}
	if stop, _ := body["stop_token_ids"].([]any); len(stop) != 1 || stop[0] != 9.0 {
		t.Errorf("stop_token_ids %v", body["stop_token_ids"])
	}
}

func TestUnreachableSaturatedAndDead(t *testing.T) {
	refused, err := engine.NewHTTP("http://127.0.0.1:1", engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := refused.Healthy(t.Context()); !errors.Is(err, engine.ErrUnreachable) || !engine.Gone(err) {
		t.Errorf("nobody listens: %v", err)
	}
	f := newFake(t, simulated.Options{})
	c := f.client(t, engine.Options{Control: 30 * time.Millisecond})
	f.set("/health", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if err := c.Healthy(t.Context()); !errors.Is(err, engine.ErrSaturated) || engine.Gone(err) {
		t.Errorf("late: %v; want ErrSaturated, and nobody gone", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Healthy(ended); !errors.Is(err, context.Canceled) || engine.Gone(err) {
		t.Errorf("our own end: %v", err)
	}
	f.set("/health", status(503, "engine died"))
	if err := c.Healthy(t.Context()); !errors.Is(err, engine.ErrDead) || !strings.Contains(err.Error(), "engine died") {
		t.Errorf("503: %v", err)
	}
}

// A saturated engine that never moves again is a stalled one.
func TestSaturatedForTooLongIsStalled(t *testing.T) {
	f := newFake(t, simulated.Options{HangAfter: 1})
	c := f.client(t, engine.Options{Control: 10 * time.Millisecond, Stall: 100 * time.Millisecond})
	if err := c.Generate(t.Context(), ask(1), nothing); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go c.Generate(ctx, ask(1), nothing)
	f.set("/health", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && !errors.Is(err, engine.ErrStalled); {
		err = c.Healthy(ctx)
	}
	if !errors.Is(err, engine.ErrStalled) {
		t.Errorf("%v", err)
	}
}

// An engine left paused by a worker that died says so.
func TestPausedEngineIsNamed(t *testing.T) {
	f := newFake(t, simulated.Options{})
	c := f.client(t, engine.Options{Stall: 50 * time.Millisecond})
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(f.URL+"/pause?mode=keep", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	f.set("/metrics", status(200, "vllm:iteration_tokens_total_count 7\n"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go c.Generate(ctx, ask(1), nothing)
	for end := time.Now().Add(5 * time.Second); err == nil && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		err = c.Healthy(ctx)
	}
	if !errors.Is(err, engine.ErrStalled) || !strings.Contains(err.Error(), "it is paused") {
		t.Errorf("%v", err)
	}
}

func TestRouteFollowsTheServer(t *testing.T) {
	f := newFake(t, simulated.Options{})
	c := f.client(t, engine.Options{})
	if err := c.Generate(t.Context(), ask(2), nothing); err != nil || f.count("/inference/v1/generate") > 0 {
		t.Errorf("both offered: %v, tokens-only route called %d times", err, f.count("/inference/v1/generate"))
	}
	f.set("/v1/completions", status(404, `{"detail":"Not Found"}`))
	c = f.client(t, engine.Options{})
	var got []engine.Sample
	if err := c.Generate(t.Context(), ask(2), func(s engine.Sample) { got = append(got, s) }); err != nil || len(got) != 2 || got[0].Text == "" {
		t.Errorf("tokens only: %v, %+v", err, got)
	}
	f.set("/inference/v1/generate", status(404, ""))
	c = f.client(t, engine.Options{})
	if err := c.Generate(t.Context(), ask(2), nothing); err == nil || !strings.Contains(err.Error(), "offers neither") {
		t.Errorf("neither: %v", err)
	}
}

func TestFingerprintTellsTokenizersApart(t *testing.T) {
	f := newFake(t, simulated.Options{})
	first, err := f.client(t, engine.Options{}).Info(t.Context())
	if err != nil || !first.Simulated || first.Name != "simulated" {
		t.Fatalf("%+v, %v", first, err)
	}
	// A chat template that is missing is another tokenizer, not an error.
	f.set("/tokenize", func(w http.ResponseWriter, r *http.Request) {
		var in wire.TokenizeRequest
		json.NewDecoder(r.Body).Decode(&in)
		if in.Prompt == nil {
			status(400, "no chat template")(w, r)
			return
		}
		json.NewEncoder(w).Encode(wire.TokenizeResponse{Tokens: simulated.Encode(data.Prompt{Text: *in.Prompt})})
	})
	second, err := f.client(t, engine.Options{}).Info(t.Context())
	if err != nil || second.Fingerprint == first.Fingerprint {
		t.Errorf("%v, fingerprints %s and %s", err, first.Fingerprint, second.Fingerprint)
	}
	f.set("/tokenize", status(500, "down"))
	if _, err := f.client(t, engine.Options{}).Info(t.Context()); err == nil {
		t.Error("a tokenizer that fails has a fingerprint")
	}
}

func TestBadAddresses(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:8000", "localhost", "ftp://x", "http://"} {
		if _, err := engine.NewHTTP(address, engine.Options{}); err == nil {
			t.Errorf("%q was accepted", address)
		}
	}
}

// Idle connections are given up before the server's five seconds, and 64
// requests do not open a new one each.
func TestConnectionsAreReused(t *testing.T) {
	var mu sync.Mutex
	opened := 0
	f := newFake(t, simulated.Options{})
	server := httptest.NewUnstartedServer(f)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if s == http.StateNew {
			opened++
		}
	}
	server.Start()
	defer server.Close()
	c, err := engine.NewHTTP(server.URL, engine.Options{Concurrency: 32})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				if err := c.Generate(t.Context(), ask(1), nothing); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	mu.Lock()
	defer mu.Unlock()
	// A request may start before the connection of the last is back: a few more.
	if opened > 80 {
		t.Errorf("%d connections for 4 times 32 requests", opened)
	}
}
