// Package enginetest is the conformance suite of inference engines: what
// ropewalk relies on, asked of any [engine.Engine].
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Options tell the suite about the engine under test.
type Options struct {
	// Text is tokenised into the prompt of most tests; default "12+34=".
	Text string
	// EndID is the last id of every sample that the model ended; -1 if unknown.
	EndID int32
	// Vocabulary, if not 0, says that every id below it may be scored: then the
	// normalisation of log-probabilities is checked exactly.
	Vocabulary int
	// Tolerance in nats between log-probabilities of the same token on different
	// routes; default 1e-3.
	Tolerance float64
	// Loose allows other tokens for the same seed when the batch has another
	// shape (kernels whose rounding depends on it). The log-probabilities are
	// checked all the same.
	Loose bool
	// Good is a weights folder with a probe; Other has the same shape and other
	// weights.
	Good, Other string
	// Corrupt is a folder whose STABLE is in order and whose weights are not: the
	// load or its proof must fail.
	Corrupt string
	// Running counts what the engine works on at the moment.
	Running func(context.Context) (int, error)
	// Hint is sent with every request (simulated engine).
	Hint *data.Hint
}

type suite struct {
	e    engine.Engine
	o    Options
	info engine.Info
	ids  []int32
}

// Run asks everything of e, the weights in o.Good loaded first and last.
func Run(t *testing.T, e engine.Engine, o Options) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if o.Text == "" {
		o.Text = "12+34="
	}
	if o.Tolerance == 0 {
		o.Tolerance = 1e-3
	}
	s := &suite{e: e, o: o}
	var err error
	if s.info, err = e.Info(ctx); err != nil {
		t.Fatalf("Info: %v", err)
	}
	if s.ids, err = e.Tokenize(ctx, data.Prompt{Text: o.Text}); err != nil || len(s.ids) < 2 {
		t.Fatalf("Tokenize(%q) = %v, %v; want at least two ids", o.Text, s.ids, err)
	}
	if err := e.Load(ctx, o.Good); err != nil {
		t.Fatalf("Load(%s): %v", o.Good, err)
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, context.Context)
	}{
		{"info", s.information}, {"tokenize", s.tokenize}, {"samples", s.samples}, {"seeds", s.seeds},
		{"split", s.split}, {"score", s.score}, {"temperature", s.temperature}, {"length", s.length},
		{"too long", s.tooLong}, {"concurrent", s.concurrent}, {"cancel", s.cancel},
		{"load", s.load}, {"load in flight", s.loadInFlight}, {"load broken", s.loadBroken}, {"load corrupt", s.loadCorrupt},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, ctx) })
	}
}

func (s *suite) request(n int, seed int64, temperature float64, maxTokens int) engine.Request {
	return engine.Request{
		ID: "test", PromptIDs: s.ids, N: n, Seed: seed, Hint: s.o.Hint,
		Sampling: data.Sampling{Temperature: temperature, MaxTokens: maxTokens},
	}
}

// generate collects the samples by index.
func (s *suite) generate(ctx context.Context, r engine.Request) ([]engine.Sample, error) {
	out := make([]engine.Sample, r.N)
	seen := make([]bool, r.N)
	var wrong error
	err := s.e.Generate(ctx, r, func(got engine.Sample) {
		if got.Index < 0 || got.Index >= r.N || seen[got.Index] {
			wrong = fmt.Errorf("sample index %d of %d is out of range or came twice", got.Index, r.N)
			return
		}
		seen[got.Index], out[got.Index] = true, got
	})
	if err == nil && slices.Contains(seen, false) {
		err = fmt.Errorf("no error, yet samples are missing: %v", seen)
	}
	return out, errors.Join(err, wrong)
}

func (s *suite) must(t *testing.T, ctx context.Context, r engine.Request) []engine.Sample {
	t.Helper()
	out, err := s.generate(ctx, r)
	if err != nil {
		t.Fatalf("Generate: %v", err)
	}
	return out
}

func (s *suite) information(t *testing.T, ctx context.Context) {
	if s.info.Name == "" || s.info.Model == "" || s.info.MaxModelLen < 2 || len(s.info.Fingerprint) != 16 {
		t.Errorf("incomplete: %+v", s.info)
	}
	again, err := s.e.Info(ctx)
	if err != nil || again != s.info {
		t.Errorf("asked twice: %+v, then %+v, %v", s.info, again, err)
	}
	if err := s.e.Healthy(ctx); err != nil {
		t.Errorf("Healthy: %v", err)
	}
}

func (s *suite) tokenize(t *testing.T, ctx context.Context) {
	again, err := s.e.Tokenize(ctx, data.Prompt{Text: s.o.Text})
	if err != nil || !slices.Equal(again, s.ids) {
		t.Errorf("asked twice: %v, then %v, %v", s.ids, again, err)
	}
	twice, err := s.e.Tokenize(ctx, data.Prompt{Text: s.o.Text + s.o.Text})
	if err != nil || len(twice) <= len(s.ids) {
		t.Errorf("twice the text has %d ids, once %d, %v", len(twice), len(s.ids), err)
	}
	chat, err := s.e.Tokenize(ctx, data.Prompt{Text: s.o.Text, Chat: true})
	switch {
	case engine.Refused(err):
		t.Logf("no chat template: %v", err)
	case err != nil:
		t.Errorf("chat: %v", err)
	case len(chat) < len(s.ids):
		t.Errorf("a chat of the text has %d ids, the text %d", len(chat), len(s.ids))
	}
}

func (s *suite) samples(t *testing.T, ctx context.Context) {
	got := s.must(t, ctx, s.request(8, 7, 1, 24))
	same := 0
	for _, sample := range got {
		s.check(t, sample, 24)
		if slices.Equal(sample.IDs, got[0].IDs) {
			same++
		}
	}
	if same == len(got) {
		t.Errorf("all %d samples are the same: %v", same, got[0].IDs)
	}
}

// check is what holds of every sample.
func (s *suite) check(t *testing.T, sample engine.Sample, maxTokens int) {
	t.Helper()
	r := data.Rollout{ID: "test", CompletionIDs: sample.IDs, Logprobs: sample.Logprobs, Finish: sample.Finish}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	if len(sample.IDs) > maxTokens {
		t.Errorf("%d tokens, at most %d were allowed", len(sample.IDs), maxTokens)
	}
	switch sample.Finish {
	case data.FinishStop:
		if last := sample.IDs[len(sample.IDs)-1]; s.o.EndID >= 0 && last != s.o.EndID {
			t.Errorf("a sample that stopped ends with id %d, the end token is %d", last, s.o.EndID)
		}
	case data.FinishLength:
		if len(sample.IDs) != maxTokens {
			t.Errorf("ended by length after %d of %d tokens", len(sample.IDs), maxTokens)
		}
	default:
		t.Errorf("finish reason %q", sample.Finish)
	}
}

func (s *suite) seeds(t *testing.T, ctx context.Context) {
	r := s.request(4, 1234, 1, 24)
	first, second := s.must(t, ctx, r), s.must(t, ctx, r)
	for i := range first {
		s.same(t, fmt.Sprintf("sample %d, asked twice", i), first[i], second[i], false)
	}
	r.Seed = 987654321
	other := s.must(t, ctx, r)
	if slices.EqualFunc(first, other, func(a, b engine.Sample) bool { return slices.Equal(a.IDs, b.IDs) }) {
		t.Error("another seed gives the same samples")
	}
}

// same compares two samples of one seed. loose forgives other tokens, not other
// log-probabilities of the same first tokens.
func (s *suite) same(t *testing.T, what string, a, b engine.Sample, loose bool) {
	t.Helper()
	if !slices.Equal(a.IDs, b.IDs) {
		if loose {
			t.Logf("%s: other tokens (allowed)", what)
			return
		}
		t.Errorf("%s: ids %v, then %v", what, a.IDs, b.IDs)
		return
	}
	for i := range a.Logprobs {
		if !near(a.Logprobs[i], b.Logprobs[i], s.o.Tolerance) {
			t.Errorf("%s: log-probability %d is %v, then %v", what, i, a.Logprobs[i], b.Logprobs[i])
			return
		}
	}
}

func near(a, b float32, tolerance float64) bool {
	return math.Abs(float64(a)-float64(b)) <= tolerance
}

// split asks for four samples in one request, in two and in four.
func (s *suite) split(t *testing.T, ctx context.Context) {
	whole := s.must(t, ctx, s.request(4, 50, 1, 24))
	for _, n := range []int{1, 2} {
		for first := 0; first < 4; first += n {
			part := s.must(t, ctx, s.request(n, 50+int64(first), 1, 24))
			for i := range part {
				s.same(t, fmt.Sprintf("sample %d, in requests of 4 and of %d", first+i, n), whole[first+i], part[i], s.o.Loose)
			}
		}
	}
}

// score compares what sampling reported at temperature 1 with what scoring the
// same ids gives.
func (s *suite) score(t *testing.T, ctx context.Context) {
	for i, sample := range s.must(t, ctx, s.request(4, 77, 1, 24)) {
		scores, err := s.e.Score(ctx, slices.Concat(s.ids, sample.IDs))
		if err != nil {
			t.Fatalf("Score: %v", err)
		}
		if len(scores) != len(s.ids)+len(sample.IDs)-1 {
			t.Fatalf("%d scores for %d ids", len(scores), len(s.ids)+len(sample.IDs))
		}
		for k, lp := range sample.Logprobs {
			if at := len(s.ids) - 1 + k; !near(lp, scores[at], s.o.Tolerance) {
				t.Errorf("sample %d, token %d (id %d): %v when sampled, %v when scored", i, k, sample.IDs[k], lp, scores[at])
			}
		}
	}
}

// temperature checks the first token's log-probability against the softmax of
// the scores of the whole vocabulary, divided by the temperature.
func (s *suite) temperature(t *testing.T, ctx context.Context) {
	if s.o.Vocabulary == 0 {
		if err := engine.CheckTemperature(ctx, s.e, s.ids, s.o.Hint); err != nil {
			t.Error(err)
		}
		return
	}
	at1, err := s.vocabulary(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, temperature := range []float64{0.5, 1, 1.7} {
		sum := 0.0
		for _, lp := range at1 {
			sum += math.Exp(float64(lp) / temperature)
		}
		for i, sample := range s.must(t, ctx, s.request(4, 5, temperature, 1)) {
			want := float64(at1[sample.IDs[0]])/temperature - math.Log(sum)
			if math.Abs(want-float64(sample.Logprobs[0])) > s.o.Tolerance {
				t.Errorf("temperature %v, sample %d: id %d has log-probability %v, the softmax says %v", temperature, i, sample.IDs[0], sample.Logprobs[0], want)
			}
		}
	}
}

// vocabulary scores each id as the one after the prompt.
func (s *suite) vocabulary(ctx context.Context) ([]float32, error) {
	out := make([]float32, s.o.Vocabulary)
	for id := range out {
		scores, err := s.e.Score(ctx, append(slices.Clone(s.ids), int32(id)))
		if err != nil {
			return nil, fmt.Errorf("scoring id %d: %w", id, err)
		}
		out[id] = scores[len(scores)-1]
	}
	return out, nil
}

func (s *suite) length(t *testing.T, ctx context.Context) {
	for _, sample := range s.must(t, ctx, s.request(8, 3, 1, 3)) {
		s.check(t, sample, 3)
	}
	r := s.request(2, 3, 1, 50)
	r.PromptIDs = s.fill(s.info.MaxModelLen - 2)
	for _, sample := range s.must(t, ctx, r) {
		s.check(t, sample, 2) // max_tokens is cut to the room
	}
}

// fill repeats the prompt's ids up to n.
func (s *suite) fill(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = s.ids[i%len(s.ids)]
	}
	return out
}

func (s *suite) tooLong(t *testing.T, ctx context.Context) {
	r := s.request(1, 3, 1, 5)
	r.PromptIDs = s.fill(s.info.MaxModelLen)
	_, err := s.generate(ctx, r)
	var long *engine.TooLongError
	if !errors.Is(err, engine.ErrTooLong) || !errors.As(err, &long) || long.Prompt != s.info.MaxModelLen || long.Context != s.info.MaxModelLen {
		t.Errorf("a prompt of the context's length %d: %v; want ErrTooLong with both numbers", s.info.MaxModelLen, err)
	}
}

// concurrent sends 64 requests at once and expects of each what it gets alone.
func (s *suite) concurrent(t *testing.T, ctx context.Context) {
	const n = 64
	got := make([]engine.Sample, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			out, err := s.generate(ctx, s.request(1, 1000+int64(i), 1, 16))
			got[i], errs[i] = out[0], err
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		s.check(t, got[i], 16)
	}
	for _, i := range []int{0, 31, 63} {
		alone := s.must(t, ctx, s.request(1, 1000+int64(i), 1, 16))
		s.same(t, fmt.Sprintf("request %d, among 64 and alone", i), got[i], alone[0], s.o.Loose)
	}
}

// cancel gives up long requests and expects the engine to give them up too.
func (s *suite) cancel(t *testing.T, ctx context.Context) {
	inner, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		_, err := s.generate(inner, s.request(64, 9, 1, s.info.MaxModelLen-len(s.ids)))
		done <- err
	}()
	if err := s.until(ctx, func(n int) bool { return n > 0 }); err != nil {
		t.Fatalf("the request never ran: %v", err)
	}
	stop()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v; want context.Canceled", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Generate does not return when cancelled")
	}
	if err := s.until(ctx, func(n int) bool { return n == 0 }); err != nil {
		t.Errorf("the engine goes on with a cancelled request: %v", err)
	}
	s.must(t, ctx, s.request(1, 9, 1, 4))
}

// until polls Running for at most 10 s.
func (s *suite) until(ctx context.Context, ok func(int) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		n, err := s.o.Running(ctx)
		if err != nil {
			return err
		}
		if ok(n) {
			return nil
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("still %d requests running after 10 s", n)
		}
	}
}
