// Package openai speaks to servers that take and give text: hosted APIs,
// llama-server, Ollama, SGLang, and vLLM's own chat route. [Client] is an
// [engine.Engine] without token ids: it answers rsa and sample, and nothing of it
// can be trained on.
//
// A prompt's walk: it waits for its turn (how many requests are in flight adapts
// to what the server bears; requests and tokens per minute can be bounded), is
// sent, and is sent again when the server puts it off or fails. What is asked
// never depends on any of that.
package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// DefaultContext is assumed of a server that does not say what it holds, in
// tokens of prompt and completion together.
const DefaultContext = 32768

// DefaultBytesPerToken measures prompts where the server does not tokenise:
// UTF-8 bytes a token. English text has about four, formulas about three, and so
// has a Chinese character, which is about one token: rather too many tokens than
// too few.
const DefaultBytesPerToken = 3.0

// Key is a secret. It prints as a placeholder, whatever the verb or encoder.
type Key string

const hidden = "(API key)"

// String hides the key.
func (Key) String() string { return hidden }

// GoString hides the key from %#v.
func (Key) GoString() string { return hidden }

// MarshalText hides the key from encoders.
func (Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Options shape a [Client]. Zero values choose the defaults.
type Options struct {
	Model   string // "": the only one that the server lists
	Chat    bool   // ask by /chat/completions, else by /completions
	Key     Key    // bearer token; "" sends none
	Context int    // tokens of prompt and completion; 0: what the server says, else DefaultContext
	// BytesPerToken measures prompts where the server does not tokenise.
	BytesPerToken float64
	Logprobs      bool                       // ask for log-probabilities
	Extra         map[string]json.RawMessage // further fields of every request; null takes one out

	Concurrency int           // most requests in flight; default 64
	RPM         int           // requests a minute; 0: unbounded
	TPM         int           // tokens a minute, prompts and max_tokens; 0: unbounded
	Timeout     time.Duration // of one attempt; default 10m
	// Patience is how long the server may put everything off (429, 503) before a
	// request fails; default 2m.
	Patience time.Duration
	// Backoff is the first wait before another attempt; it doubles; default 500ms.
	Backoff time.Duration
}

// Client is safe for concurrent use.
type Client struct {
	base    string // with the version's path: …/v1
	root    string // without: where /tokenize and /props are
	client  *http.Client
	options Options
	gate    *gate

	mu   sync.Mutex
	info *known
}

// known is what was found out about the server.
type known struct {
	engine.Info
	kind kind
	// modern: the server wants max_completion_tokens in place of max_tokens.
	modern bool
	count  counter
}

var _ engine.Engine = (*Client)(nil)

// New makes a client for the endpoint at base ("https://api.example.com/v1"; an
// address without a path gets /v1). It sends nothing.
func New(base string, o Options) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("engine address %q: want http://HOST:PORT/v1 or https://HOST/v1", withoutSecrets(u, base))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("engine address %q: holds a user or a query; a key belongs into the environment, where it is not written down", withoutSecrets(u, base))
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if u.Path == "" {
		u.Path = "/v1"
	}
	o.Concurrency = cmp.Or(max(o.Concurrency, 0), 64)
	o.Timeout = cmp.Or(o.Timeout, 10*time.Minute)
	o.Patience = cmp.Or(o.Patience, 2*time.Minute)
	o.Backoff = cmp.Or(o.Backoff, 500*time.Millisecond)
	o.BytesPerToken = cmp.Or(o.BytesPerToken, DefaultBytesPerToken)
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		// Local servers close idle connections after 5 s; a request sent into a
		// closing connection is lost.
		MaxIdleConnsPerHost: o.Concurrency + 8,
		IdleConnTimeout:     2 * time.Second,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	root := *u
	root.Path = strings.TrimSuffix(root.Path, "/v1")
	return &Client{
		base: u.String(), root: root.String(), client: &http.Client{Transport: transport}, options: o,
		gate: newGate(o.Concurrency, o.RPM, o.TPM),
	}, nil
}

// withoutSecrets is an address fit for a message.
func withoutSecrets(u *url.URL, text string) string {
	if u == nil {
		return "…"
	}
	clean := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return cmp.Or(clean.String(), text)
}

// URL is the endpoint's address.
func (c *Client) URL() string { return c.base }

// Limit is how many requests may be in flight now.
func (c *Client) Limit() int { return c.gate.now() }

// Close drops idle connections.
func (c *Client) Close() { c.client.CloseIdleConnections() }

// Count measures a prompt in tokens: by the server's tokenizer if it has one to
// ask, else by its length. See [Options.BytesPerToken].
func (c *Client) Count(ctx context.Context, p data.Prompt) (int, error) {
	k, err := c.known(ctx)
	if err != nil {
		return 0, err
	}
	return k.count(ctx, p)
}

// Tokenize, Score and Load are what an endpoint without token ids cannot do.

// Tokenize fails with [engine.ErrNoTokenIDs].
func (c *Client) Tokenize(context.Context, data.Prompt) ([]int32, error) {
	return nil, fmt.Errorf("%s: %w", c.base, engine.ErrNoTokenIDs)
}

// Score fails with [engine.ErrNoTokenIDs].
func (c *Client) Score(context.Context, []int32) ([]float32, error) {
	return nil, fmt.Errorf("%s: %w", c.base, engine.ErrNoTokenIDs)
}

// Load fails with [engine.ErrNoTokenIDs].
func (c *Client) Load(context.Context, string) error {
	return fmt.Errorf("%s: %w: it cannot be given weights", c.base, engine.ErrNoTokenIDs)
}

// Healthy is nil: such a server says nothing of its progress, and each attempt
// has its own deadline.
func (c *Client) Healthy(context.Context) error { return nil }
