package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

const secret = "sk-not-for-your-eyes"

// endpoint answers completions as a test says and lists one model of an owner
// that means nothing.
func endpoint(t *testing.T, answer func(w http.ResponseWriter, n int, body map[string]any)) string {
	t.Helper()
	var mu sync.Mutex
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/models") {
			fmt.Fprint(w, `{"data":[{"id":"m","owned_by":"someone"}]}`)
			return
		}
		var body map[string]any
		raw, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(raw, &body)
		mu.Lock()
		asked++
		n := asked
		mu.Unlock()
		answer(w, n, body)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

func ask(ctx context.Context, c *Client) (s engine.Sample, err error) {
	r := engine.Request{
		ID: "g000000/0", Prompt: data.Prompt{System: "Be brief.", Text: "1+1?", Chat: true}, N: 1, Seed: 7,
		Sampling: data.Sampling{Temperature: 0.5, MaxTokens: 9},
	}
	return s, c.Generate(ctx, r, func(got engine.Sample) { s = got })
}

// good is an answer in which a test has changed something.
func good(w http.ResponseWriter, old, now string) {
	fmt.Fprint(w, strings.Replace(`{"choices":[{"index":0,"message":{"role":"assistant","content":"two"},"finish_reason":"stop"}],`+
		`"usage":{"prompt_tokens":11,"completion_tokens":3}}`, old, now, 1))
}

func TestRequestIsAllSpelledOut(t *testing.T) {
	var got map[string]any
	url := endpoint(t, func(w http.ResponseWriter, _ int, body map[string]any) { got = body; good(w, "", "") })
	extra := map[string]json.RawMessage{"reasoning_effort": json.RawMessage(`"low"`), "seed": json.RawMessage("null")}
	if _, err := ask(t.Context(), connect(t, url, Options{Chat: true, Extra: extra, Logprobs: true})); err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(got)
	want := `{"logprobs":true,"max_tokens":9,"messages":[{"content":"Be brief.","role":"system"},{"content":"1+1?","role":"user"}],"model":"m","n":1,` +
		`"reasoning_effort":"low","stream":false,"temperature":0.5,"top_p":1}`
	if string(raw) != want {
		t.Errorf("got\n%s, want\n%s", raw, want)
	}
}

func TestAnswersAsServersVaryThem(t *testing.T) {
	for name, c := range map[string]struct {
		old, now string
		text     string
		finish   data.FinishReason
		usage    engine.Usage
		failed   string
	}{
		"plain":             {"", "", "two", data.FinishStop, engine.Usage{Prompt: 11, Completion: 3}, ""},
		"cut short":         {`"stop"`, `"length"`, "two", data.FinishLength, engine.Usage{Prompt: 11, Completion: 3}, ""},
		"reasoning_content": {`"content"`, `"reasoning_content":"1+1","content"`, "<think>1+1</think>two", data.FinishStop, engine.Usage{Prompt: 11, Completion: 3}, ""},
		"reasoning":         {`"content"`, `"reasoning":"1+1","content"`, "<think>1+1</think>two", data.FinishStop, engine.Usage{Prompt: 11, Completion: 3}, ""},
		"cut while thinking": {`"content":"two"},"finish_reason":"stop"`, `"reasoning":"1+1","content":null},"finish_reason":"length"`,
			"<think>1+1", data.FinishLength, engine.Usage{Prompt: 11, Completion: 3}, ""},
		"parts":     {`"two"`, `[{"type":"text","text":"tw"},{"type":"text","text":"o"}]`, "two", data.FinishStop, engine.Usage{Prompt: 11, Completion: 3}, ""},
		"no usage":  {`"usage"`, `"use"`, "two", data.FinishStop, engine.Usage{Prompt: 21, Completion: 1, Estimated: true}, ""},
		"filtered":  {`"stop"`, `"content_filter"`, "", "", engine.Usage{}, `finish reason "content_filter"`},
		"no reason": {`"stop"`, `null`, "", "", engine.Usage{}, `finish reason ""`},
		"a tool":    {`"stop"`, `"tool_calls"`, "", "", engine.Usage{}, `finish reason "tool_calls"`},
		"no choice": {`"choices"`, `"choice"`, "", "", engine.Usage{}, "got 0"},
	} {
		t.Run(name, func(t *testing.T) {
			url := endpoint(t, func(w http.ResponseWriter, _ int, _ map[string]any) { good(w, c.old, c.now) })
			s, err := ask(t.Context(), connect(t, url, Options{Chat: true}))
			if c.failed != "" {
				if !errors.Is(err, engine.ErrFailed) || !strings.Contains(err.Error(), c.failed) {
					t.Errorf("%v, want one failed sample: %s", err, c.failed)
				}
				return
			}
			if err != nil || s.Text != c.text || s.Finish != c.finish || *s.Usage != c.usage || len(s.IDs) > 0 {
				t.Errorf("%+v, usage %+v, %v", s, s.Usage, err)
			}
		})
	}
}

// A server on a bad day answers everything in the end, the same as on a good one.
func TestFaultsAreOutlived(t *testing.T) {
	texts := func(f simulated.Faults) string {
		c := connect(t, serveSimulated(t, f, simulated.Options{}), Options{Chat: true, Concurrency: 32, Backoff: time.Millisecond})
		out := make([]string, 60)
		var wait sync.WaitGroup
		for i := range out {
			wait.Go(func() {
				r := engine.Request{
					ID: fmt.Sprint(i), Prompt: data.Prompt{Text: "1+1?", Chat: true}, N: 1, Seed: int64(i), Sampling: data.Sampling{Temperature: 1, MaxTokens: 30},
				}
				if err := c.Generate(t.Context(), r, func(s engine.Sample) { out[i] = s.Text }); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		return strings.Join(out, "\n")
	}
	calm := texts(simulated.Faults{})
	if stormy := texts(simulated.Faults{Throttled: 0.15, Unavailable: 0.1, Cut: 0.05, Slow: 0.05, SlowFor: 20 * time.Millisecond, Capacity: 10}); stormy != calm {
		t.Error("what is answered depends on how often it was asked")
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	var first time.Time
	url := endpoint(t, func(w http.ResponseWriter, n int, _ map[string]any) {
		switch {
		case n == 1:
			first = time.Now()
			w.Header().Set("Retry-After-Ms", "150")
			w.WriteHeader(http.StatusTooManyRequests)
		case time.Since(first) < 150*time.Millisecond:
			t.Errorf("asked again after %s", time.Since(first))
			fallthrough
		default:
			good(w, "", "")
		}
	})
	if _, err := ask(t.Context(), connect(t, url, Options{Chat: true, Backoff: time.Millisecond})); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNotAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		status, attempts int
		header, body     string
	}{
		"a refusal":                  {400, 1, "", `{"error":{"message":"no"}}`},
		"a wrong key":                {401, 1, "", `{"error":{"message":"Incorrect API key provided: ` + secret + `"}}`},
		"an empty account":           {429, 1, "", `{"error":{"message":"pay","code":"insufficient_quota"}}`},
		"a wait beyond patience":     {429, 1, "3600", `{}`},
		"a server that stays broken": {500, stumbles, "", `{}`},
		"a page in place of JSON":    {200, stumbles, "", `<html>`},
		"refused under 200":          {200, 1, "", `{"error":{"message":"no","code":400}}`},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			url := endpoint(t, func(w http.ResponseWriter, n int, _ map[string]any) {
				attempts = n
				if c.header != "" {
					w.Header().Set("Retry-After", c.header)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			_, err := ask(t.Context(), connect(t, url, Options{Chat: true, Key: secret, Backoff: time.Millisecond}))
			if err == nil || attempts != c.attempts {
				t.Errorf("%d attempts, want %d: %v", attempts, c.attempts, err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
				t.Errorf("the error holds the key: %v", err)
			}
		})
	}
}

func TestNewNameOfMaxTokens(t *testing.T) {
	var names []string
	url := endpoint(t, func(w http.ResponseWriter, _ int, body map[string]any) {
		if _, old := body["max_tokens"]; old {
			names = append(names, "old")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}`)
			return
		}
		names = append(names, "new")
		good(w, "", "")
	})
	c := connect(t, url, Options{Chat: true})
	for range 2 {
		if _, err := ask(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(names, " "); got != "old new new" {
		t.Errorf("asked %s", got)
	}
}

func TestKeyIsSentAndNeverShown(t *testing.T) {
	var sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
		fmt.Fprint(w, `{"data":[{"id":"m"}]}`)
	}))
	defer server.Close()
	o := Options{Chat: true, Key: secret}
	if _, err := connect(t, server.URL, o).Info(t.Context()); err != nil || sent != "Bearer "+secret {
		t.Errorf("sent %q, %v", sent, err)
	}
	raw, err := json.Marshal(o)
	if shown := fmt.Sprintf("%v %+v %#v %s %q %s", o, o, o, o.Key, o.Key, raw); err != nil || strings.Contains(shown, secret) {
		t.Errorf("%s, %v", shown, err)
	}
	for _, address := range []string{"https://" + secret + "@host/v1", "https://host/v1?key=" + secret, "ftp://host/" + "v1", "host:1"} {
		if _, err := New(address, o); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("New(%s): %v", address, err)
		}
	}
}

func TestPromptsAreMeasuredByTheirBytes(t *testing.T) {
	url := endpoint(t, nil)
	c := connect(t, url, Options{Chat: true, BytesPerToken: 2})
	n, err := c.Count(t.Context(), data.Prompt{Chat: true, System: "1234", Text: "字字"})
	if want := (4+6)/2 + 2*perMessage; err != nil || n != want {
		t.Errorf("%d tokens, %v, want %d", n, err, want)
	}
	info, err := c.Info(t.Context())
	if err != nil || !info.ContextAssumed || info.MaxModelLen != DefaultContext || !strings.Contains(info.Fingerprint, "2 bytes a token") {
		t.Errorf("%+v, %v", info, err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(`{"choices":[{"message":{"content":"two","reasoning":{}},"finish_reason":"stop","logprobs":{"content":[{"logprob":-1}]}}],"usage":{"completion_tokens":-1}}`)
	f.Add(`{"choices":[{"text":[{"text":1}],"finish_reason":"length"}],"error":{"code":[]}}`)
	f.Add(`{"error":{"code":4e2,"message":"x"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		url := endpoint(t, func(w http.ResponseWriter, _ int, _ map[string]any) { fmt.Fprint(w, body) })
		s, err := ask(t.Context(), connect(t, url, Options{Chat: true, Backoff: time.Microsecond, Patience: time.Millisecond}))
		if err == nil && (s.Usage == nil || s.Usage.Completion < 1 || s.Finish == data.FinishError) {
			t.Errorf("%+v", s)
		}
	})
}
