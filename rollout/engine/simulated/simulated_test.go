package simulated_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/enginetest"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

func newEngine(t *testing.T, o simulated.Options) *simulated.Engine {
	t.Helper()
	e, err := simulated.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func serve(t *testing.T, e *simulated.Engine, o engine.Options) (*engine.HTTP, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(simulated.NewServer(e, 0))
	t.Cleanup(server.Close)
	client, err := engine.NewHTTP(server.URL, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, server
}

func probe(first int32, logprob float64) engine.Probe {
	return engine.Probe{Sequences: []engine.ProbeSequence{{IDs: []int32{first, 50, 60, 70}, Logprobs: []float64{logprob, -0.5, -3}}}}
}

func options(t *testing.T) enginetest.Options {
	t.Helper()
	dir := t.TempDir()
	corrupt := enginetest.Weights(t, filepath.Join(dir, "corrupt"), 3, probe(48, -3))
	path := filepath.Join(corrupt, "probe.json")
	body, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, bytes.Repeat([]byte("x"), len(body)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return enginetest.Options{
		Corrupt: corrupt,
		EndID:   simulated.EndID, Vocabulary: simulated.Vocabulary, Hint: &data.Hint{Gold: "46"},
		Good:  enginetest.Weights(t, filepath.Join(dir, "good"), 1, probe(48, -1)),
		Other: enginetest.Weights(t, filepath.Join(dir, "other"), 2, probe(48, -2)),
	}
}

var shape = simulated.Options{Simulated: config.Simulated{Tokens: 40, Tail: 0.5, Latency: 2 * time.Millisecond}, Context: 256}

func TestConformanceInProcess(t *testing.T) {
	e, o := newEngine(t, shape), options(t)
	o.Running = func(context.Context) (int, error) { return e.Running(), nil }
	enginetest.Run(t, e, o)
}

func TestConformanceOverHTTP(t *testing.T) {
	for _, route := range []engine.Route{engine.Auto, engine.Generate} {
		t.Run(string(route), func(t *testing.T) {
			client, server := serve(t, newEngine(t, shape), engine.Options{Route: route})
			o := options(t)
			o.Running = enginetest.Running(server.URL)
			enginetest.Run(t, client, o)
		})
	}
}

func request(text string, seed int64, n int, h *data.Hint) engine.Request {
	return engine.Request{
		ID: "r", PromptIDs: simulated.Encode(data.Prompt{Text: text}), N: n, Seed: seed, Hint: h,
		Sampling: data.Sampling{Temperature: 1, MaxTokens: 4000},
	}
}

func collect(t *testing.T, e engine.Engine, r engine.Request) []engine.Sample {
	t.Helper()
	out := make([]engine.Sample, r.N)
	if err := e.Generate(t.Context(), r, func(s engine.Sample) { out[s.Index] = s }); err != nil {
		t.Fatal(err)
	}
	return out
}

// Over HTTP and in process the same samples come out, also for seeds that use
// all 64 bits.
func TestHTTPChangesNothing(t *testing.T) {
	e := newEngine(t, simulated.Options{})
	client, _ := serve(t, e, engine.Options{})
	for _, seed := range []int64{0, 42, -7, math.MaxInt64 - 100} {
		h := &data.Hint{Gold: "12", Candidates: []float64{1, 0}, Answers: []string{"12", "13"}}
		here, there := collect(t, e, request("q", seed, 4, h)), collect(t, client, request("q", seed, 4, h))
		for i := range here {
			if here[i].Text != there[i].Text || here[i].Finish != there[i].Finish || len(here[i].Logprobs) != len(there[i].Logprobs) {
				t.Errorf("seed %d, sample %d: %q in process, %q over HTTP", seed, i, here[i].Text, there[i].Text)
			}
		}
	}
}

// A sample is a function of its seed and its prompt, and of nothing else.
func TestSamplesAreAFunctionOfSeedAndPrompt(t *testing.T) {
	one := newEngine(t, simulated.Options{})
	text := func(e engine.Engine, prompt string, seed int64) string {
		return collect(t, e, request(prompt, seed, 1, &data.Hint{Gold: "5"}))[0].Text
	}
	first := text(one, "q", 7)
	if first == text(one, "r", 7) || first == text(one, "q", 8) {
		t.Error("another prompt or another seed gives the same text")
	}
	other := newEngine(t, simulated.Options{})
	if err := other.Load(t.Context(), enginetest.Weights(t, filepath.Join(t.TempDir(), "w"), 3, probe(1, -1))); err != nil {
		t.Fatal(err)
	}
	text(other, "before", 1)
	if got := text(other, "q", 7); got != first {
		t.Errorf("another engine with other weights says %q, the first %q", got, first)
	}
}

func TestAccuracyFollowsRightCandidates(t *testing.T) {
	e := newEngine(t, simulated.Options{Simulated: config.Simulated{Accuracy: []float64{0.1, 0.5, 0.9}, Direct: 0.3}})
	for _, test := range []struct {
		candidates []float64
		want       float64
	}{{nil, 0.3}, {[]float64{0, 0}, 0.1}, {[]float64{0, 1}, 0.5}, {[]float64{1, 1}, 0.9}, {[]float64{1, 1, 1}, 0.9}} {
		h := &data.Hint{Gold: "1234", Candidates: test.candidates}
		right := 0
		for _, s := range collect(t, e, request("problem", 99, 2000, h)) {
			if strings.HasSuffix(s.Text, `\boxed{1234}`) {
				right++
			}
		}
		if got := float64(right) / 2000; math.Abs(got-test.want) > 0.04 {
			t.Errorf("candidates %v: %.3f right, want %.2f", test.candidates, got, test.want)
		}
	}
}

func TestWrongAnswersMakeMajorities(t *testing.T) {
	e := newEngine(t, simulated.Options{Simulated: config.Simulated{Accuracy: []float64{0}}})
	for _, gold := range []string{"46", "C", `\frac{1}{2}`, "0", ""} {
		counts := map[string]int{}
		for _, s := range collect(t, e, request("7=", 1, 400, &data.Hint{Gold: gold})) {
			counts[s.Text]++
		}
		most := 0
		for _, n := range counts {
			most = max(most, n)
		}
		if counts[gold] > 0 || len(counts) > 4 || len(counts) < 2 || most < 150 {
			t.Errorf("gold %q: wrong answers %v; want two to four of them, one with about half, none of them the gold", gold, counts)
		}
	}
}

func TestFormatFollowsThePrompt(t *testing.T) {
	e := newEngine(t, simulated.Options{Simulated: config.Simulated{Accuracy: []float64{1}}})
	for prompt, want := range map[string]string{
		"Put it into \\boxed{}.":                       `\boxed{5}`,
		"candidate: \\boxed{4}\nput it into <answer>":  "<answer>5</answer>",
		"candidate: <answer>4</answer> now in \\boxed": `\boxed{5}`,
		"2+3": `\boxed{5}`,
	} {
		if got := collect(t, e, request(prompt, 1, 1, &data.Hint{Gold: "5"}))[0].Text; !strings.HasSuffix(got, want) {
			t.Errorf("prompt %q: %q, want it to end with %q", prompt, got, want)
		}
	}
	if got := collect(t, e, request("2+3=", 1, 1, &data.Hint{Gold: "5"}))[0].Text; got != "5" {
		t.Errorf("a prompt that ends with =: %q, want the bare answer", got)
	}
}

func TestLengthsAreLogNormal(t *testing.T) {
	e := newEngine(t, simulated.Options{Simulated: config.Simulated{Tokens: 200, Tail: 0.5}})
	sum, longest := 0, 0
	for _, s := range collect(t, e, request("q", 3, 2000, &data.Hint{Gold: "5"})) {
		sum, longest = sum+len(s.IDs), max(longest, len(s.IDs))
	}
	if mean := float64(sum) / 2000; math.Abs(mean-200) > 10 || longest < 600 {
		t.Errorf("mean %.1f and longest %d, want about 200 and a tail over 600", mean, longest)
	}
}

func TestFailuresOnDemand(t *testing.T) {
	e := newEngine(t, simulated.Options{Simulated: config.Simulated{FailRate: 0.25}})
	client, _ := serve(t, e, engine.Options{})
	for name, under := range map[string]engine.Engine{"in process": e, "over HTTP": client} {
		failed := 0
		for seed := range int64(400) {
			err := under.Generate(t.Context(), request("q", seed, 1, nil), func(engine.Sample) {})
			if err != nil && !errors.Is(err, engine.ErrFailed) {
				t.Fatal(err)
			}
			again := under.Generate(t.Context(), request("q", seed, 1, nil), func(engine.Sample) {})
			if (err == nil) != (again == nil) {
				t.Fatalf("%s, seed %d: %v, then %v: a failure must be for good", name, seed, err, again)
			}
			if err != nil {
				failed++
			}
		}
		if failed < 70 || failed > 130 {
			t.Errorf("%s: %d of 400 failed, want about 100", name, failed)
		}
		got := 0
		err := under.Generate(t.Context(), request("q", 0, 40, nil), func(engine.Sample) { got++ })
		if !errors.Is(err, engine.ErrFailed) || got < 20 || got > 38 {
			t.Errorf("%s: a request of 40 delivered %d and %v; want most of them and ErrFailed", name, got, err)
		}
	}
}

func TestHangIsAStall(t *testing.T) {
	e := newEngine(t, simulated.Options{HangAfter: 2, Stall: 20 * time.Millisecond})
	client, _ := serve(t, e, engine.Options{Stall: 60 * time.Millisecond})
	for range 2 {
		collect(t, client, request("q", 1, 1, nil))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- client.Generate(ctx, request("q", 1, 1, nil), func(engine.Sample) {}) }()
	deadline := time.Now().Add(5 * time.Second)
	var err error
	for time.Now().Before(deadline) && err == nil {
		err = client.Healthy(ctx)
		time.Sleep(5 * time.Millisecond)
	}
	if !errors.Is(err, engine.ErrStalled) || !engine.Gone(err) {
		t.Errorf("a hung engine: %v, want ErrStalled", err)
	}
	if err := e.Healthy(ctx); !errors.Is(err, engine.ErrStalled) {
		t.Errorf("in process: %v, want ErrStalled", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the hung request, cancelled: %v", err)
	}
	if err := client.Healthy(t.Context()); err != nil {
		t.Errorf("idle again: %v", err)
	}
}

// A slow engine is not a stalled one: its counter moves though nothing finishes.
func TestSlowIsNoStall(t *testing.T) {
	e := newEngine(t, simulated.Options{Simulated: config.Simulated{Tokens: 50, Latency: 10 * time.Millisecond}})
	client, _ := serve(t, e, engine.Options{Stall: 50 * time.Millisecond})
	done := make(chan error, 1)
	go func() { done <- client.Generate(t.Context(), request("q", 1, 1, nil), func(engine.Sample) {}) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		case <-time.After(10 * time.Millisecond):
			if err := client.Healthy(t.Context()); err != nil {
				t.Fatalf("a slow engine: %v", err)
			}
		}
	}
}

func TestStartDelay(t *testing.T) {
	server := httptest.NewServer(simulated.NewServer(newEngine(t, simulated.Options{}), 100*time.Millisecond))
	defer server.Close()
	client, err := engine.NewHTTP(server.URL, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Healthy(t.Context()); !errors.Is(err, engine.ErrDead) {
		t.Errorf("starting: %v, want ErrDead", err)
	}
	time.Sleep(120 * time.Millisecond)
	if err := client.Healthy(t.Context()); err != nil {
		t.Errorf("started: %v", err)
	}
}

func TestImpossibleOptions(t *testing.T) {
	for _, o := range []config.Simulated{{Accuracy: []float64{1.5}}, {FailRate: -1}, {Tail: -1}, {Tokens: -1}, {Direct: math.NaN()}} {
		if _, err := simulated.New(simulated.Options{Simulated: o}); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
