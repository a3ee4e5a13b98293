package simulated

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// Server offers an [Engine] over the part of vLLM's protocol that ropewalk
// speaks, so that it can be started, killed and joined like a real one, and over
// OpenAI's routes for text.
type Server struct {
	// Faults are what goes wrong with requests for completions; set them before
	// the first request.
	Faults Faults

	faulty faulty
	engine *Engine
	boot   string
	ready  time.Time
	mux    *http.ServeMux
}

// NewServer wraps e; until delay has passed it answers 503, as a server does
// that is still reading its weights.
func NewServer(e *Engine, delay time.Duration) *Server {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	s := &Server{engine: e, boot: hex.EncodeToString(id), ready: time.Now().Add(delay), mux: http.NewServeMux()}
	for route, handle := range map[string]func(*http.Request) (any, error){
		"GET /health":                 s.health,
		"GET /metrics":                s.metrics,
		"GET /version":                s.version,
		"GET /v1/models":              s.models,
		"GET /is_paused":              s.isPaused,
		"POST /v1/completions":        s.completions,
		"POST /v1/chat/completions":   s.chat,
		"POST /inference/v1/generate": s.generate,
		"POST /tokenize":              s.tokenize,
		"POST /detokenize":            s.detokenize,
		"POST /pause":                 s.pause,
		"POST /resume":                s.resume,
		"POST /collective_rpc":        s.rpc,
		"POST /reset_prefix_cache":    s.nothing,
	} {
		s.mux.HandleFunc(route, s.answer(handle))
	}
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(wire.BootHeader, s.boot)
	if time.Now().Before(s.ready) {
		refuse(w, http.StatusServiceUnavailable, "starting")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<20)
	if generates(r) {
		leave, spoilt := s.spoil(w, r)
		if spoilt {
			return
		}
		defer leave()
	}
	s.mux.ServeHTTP(w, r)
}

// refused is an error with its HTTP status.
type refused struct {
	code int
	err  error
}

func (r *refused) Error() string { return r.err.Error() }

func bad(format string, args ...any) error {
	return &refused{http.StatusBadRequest, fmt.Errorf(format, args...)}
}

// text is an answer that is not JSON.
type text string

func (s *Server) answer(handle func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out, err := handle(r)
		if err != nil {
			var known *refused
			code := http.StatusInternalServerError
			if errors.As(err, &known) {
				code = known.code
			}
			refuse(w, code, err.Error())
			return
		}
		if t, ok := out.(text); ok {
			_, _ = w.Write([]byte(t)) // the client has gone if this fails
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // likewise
	}
}

func refuse(w http.ResponseWriter, code int, message string) {
	var e wire.Error
	e.Error.Message = message
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(e) // the client has gone if this fails
}

func (s *Server) nothing(*http.Request) (any, error) { return struct{}{}, nil }

func (s *Server) health(*http.Request) (any, error) { return text(""), nil }

func (s *Server) metrics(*http.Request) (any, error) {
	steps := s.engine.tick()
	return text(fmt.Sprintf("%s{engine=\"0\"} %d\n%s{engine=\"0\"} %d\n", wire.StepCounter, steps, wire.RunningGauge, s.engine.Running())), nil
}

func (s *Server) version(*http.Request) (any, error) {
	return wire.Version{Version: "1", Engine: "simulated"}, nil
}

func (s *Server) models(*http.Request) (any, error) {
	return wire.Models{Data: []wire.Model{{ID: s.engine.options.Model, OwnedBy: "simulated", MaxModelLen: s.engine.options.Context}}}, nil
}

func (s *Server) pause(*http.Request) (any, error) {
	s.engine.pause()
	return map[string]string{"status": "paused"}, nil
}

func (s *Server) resume(*http.Request) (any, error) {
	s.engine.resume()
	return map[string]string{"status": "resumed"}, nil
}

func (s *Server) isPaused(*http.Request) (any, error) {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	select {
	case <-s.engine.resumed:
		return wire.Paused{}, nil
	default:
		return wire.Paused{IsPaused: true}, nil
	}
}

func (s *Server) rpc(r *http.Request) (any, error) {
	var in wire.RPCRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, bad("not JSON: %w", err)
	}
	if in.Method != "reload_weights" {
		return nil, bad("method %q: only reload_weights", in.Method)
	}
	if err := s.engine.Load(r.Context(), in.Kwargs["weights_path"]); err != nil {
		return nil, err
	}
	return map[string][]any{"results": {nil}}, nil
}

func (s *Server) tokenize(r *http.Request) (any, error) {
	var in wire.TokenizeRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, bad("not JSON: %w", err)
	}
	p, err := data.Prompt{}, error(nil)
	if in.Prompt != nil {
		p.Text = *in.Prompt
	} else if p, err = fromMessages(in.Messages); err != nil {
		return nil, err
	}
	ids := Encode(p)
	return wire.TokenizeResponse{Count: len(ids), MaxModelLen: s.engine.options.Context, Tokens: ids}, nil
}

func (s *Server) detokenize(r *http.Request) (any, error) {
	var in wire.DetokenizeRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, bad("not JSON: %w", err)
	}
	return wire.DetokenizeResponse{Prompt: Decode(in.Tokens)}, nil
}

// run generates and turns the engine's errors into statuses. failed holds the
// samples that the engine gave up; vLLM has no word for that but "error".
func (s *Server) run(ctx context.Context, prompt []int32, how wire.Sampling, hint *data.Hint) (samples []engine.Sample, err error) {
	if how.N > 1<<14 {
		return nil, bad("n is %d, at most 16384", how.N)
	}
	if len(prompt)+how.MaxTokens > s.engine.options.Context {
		return nil, bad("this model's maximum context length is %d tokens; %d in the prompt and %d to generate were asked for", s.engine.options.Context, len(prompt), how.MaxTokens)
	}
	r := engine.Request{
		PromptIDs: prompt, N: how.N, Seed: how.Seed, Hint: hint,
		Sampling: data.Sampling{Temperature: how.Temperature, MaxTokens: how.MaxTokens, Stop: how.StopTokenIDs},
	}
	samples = make([]engine.Sample, max(0, how.N))
	for i := range samples {
		samples[i] = engine.Sample{Index: i, Finish: data.FinishError}
	}
	err = s.engine.Generate(ctx, r, func(got engine.Sample) { samples[got.Index] = got })
	if err != nil && !errors.Is(err, engine.ErrFailed) {
		return nil, bad("%w", err)
	}
	return samples, nil
}

func (s *Server) completions(r *http.Request) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bad("reading the request: %w", err)
	}
	if wantsText(body) {
		return s.plain(r.Context(), body)
	}
	var in wire.CompletionRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, bad("not JSON: %w", err)
	}
	hint, err := readHint(in.XArgs)
	if err != nil {
		return nil, err
	}
	samples, err := s.run(r.Context(), in.Prompt, in.Sampling, hint)
	if err != nil {
		return nil, err
	}
	out := wire.CompletionResponse{ID: "cmpl-simulated", Model: s.engine.options.Model}
	for _, got := range samples {
		c := wire.CompletionChoice{Index: got.Index, Text: got.Text, FinishReason: string(got.Finish), TokenIDs: got.IDs, Logprobs: &wire.CompletionLogprobs{}}
		for _, lp := range got.Logprobs {
			c.Logprobs.TokenLogprobs = append(c.Logprobs.TokenLogprobs, float64(lp))
		}
		out.Choices = append(out.Choices, c)
	}
	if in.PromptLogprobs != nil {
		prompt, err := s.promptLogprobs(r.Context(), in.Prompt)
		if err != nil {
			return nil, err
		}
		for i := range out.Choices {
			out.Choices[i].PromptLogprobs = prompt
		}
	}
	return out, nil
}

func (s *Server) generate(r *http.Request) (any, error) {
	var in wire.GenerateRequest
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, bad("not JSON: %w", err)
	}
	samples, err := s.run(r.Context(), in.TokenIDs, in.SamplingParams, nil)
	if err != nil {
		return nil, err
	}
	var out wire.GenerateResponse
	for _, got := range samples {
		c := wire.GenerateChoice{Index: got.Index, FinishReason: string(got.Finish), TokenIDs: got.IDs, Logprobs: &wire.GenerateLogprobs{}}
		for _, lp := range got.Logprobs {
			c.Logprobs.Content = append(c.Logprobs.Content, wire.TokenLogprob{Logprob: float64(lp)})
		}
		out.Choices = append(out.Choices, c)
	}
	if in.SamplingParams.PromptLogprobs != nil {
		if out.PromptLogprobs, err = s.promptLogprobs(r.Context(), in.TokenIDs); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *Server) promptLogprobs(ctx context.Context, ids []int32) ([]map[string]wire.TokenLogprob, error) {
	scores, err := s.engine.Score(ctx, ids)
	if err != nil {
		return nil, bad("%w", err)
	}
	out := make([]map[string]wire.TokenLogprob, len(ids))
	for i, lp := range scores {
		out[i+1] = map[string]wire.TokenLogprob{strconv.Itoa(int(ids[i+1])): {Logprob: float64(lp)}}
	}
	return out, nil
}

func readHint(args map[string]string) (*data.Hint, error) {
	body, ok := args[wire.HintArg]
	if !ok {
		return nil, nil
	}
	var h data.Hint
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		return nil, bad("%s: %w", wire.HintArg, err)
	}
	return &h, nil
}
