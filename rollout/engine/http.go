package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// Route is how completions are asked for.
type Route string

const (
	// Auto takes /v1/completions, whose answer carries the text that graders
	// read, and /inference/v1/generate from a server that offers only that.
	Auto        Route = ""
	Completions Route = "/v1/completions"
	Generate    Route = "/inference/v1/generate"
)

// Options shape an [HTTP]. Zero values choose the defaults.
type Options struct {
	Concurrency int           // idle connections kept; default 64
	Stall       time.Duration // work in flight without a step for so long is ErrStalled; default 2m
	Route       Route
	Control     time.Duration // deadline of a question that costs the engine nothing; default 5s
	LoadTimeout time.Duration // deadline of reading weights; default 12m
}

// HTTP speaks vLLM's protocol to one engine: vLLM itself, the small engine, or
// the simulated one. It is meant to be the engine's only caller: the routes for
// loading are not authenticated, so the engine should listen on loopback.
//
// A request of N samples is answered as a whole, when the last of them is done;
// ask for fewer at a time to have them sooner.
type HTTP struct {
	base    string
	client  *http.Client
	options Options

	loading sync.Mutex // one load at a time: a second pause or resume racing the first deadlocks some servers

	mu    sync.Mutex
	state state
}

// state is what the client remembers between calls, under HTTP.mu.
type state struct {
	info     *Info
	route    Route
	inflight int
	paused   bool      // by a load of ours
	dirty    error     // why the weights are unknown, nil if they are not
	boot     string    // of the process whose weights we know, "" if unknown
	steps    float64   // the step counter when last read
	advanced time.Time // when the engine last showed progress, or was idle
}

var _ Engine = (*HTTP)(nil)

// NewHTTP makes a client for the engine at base ("http://127.0.0.1:8000"). It
// sends nothing; the error is about the address.
func NewHTTP(base string, o Options) (*HTTP, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("engine address %q: want http://HOST:PORT", base)
	}
	setDefault(&o.Concurrency, 64)
	setDefault(&o.Stall, 2*time.Minute)
	setDefault(&o.Control, 5*time.Second)
	setDefault(&o.LoadTimeout, 12*time.Minute)
	transport := &http.Transport{
		DialContext: (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		// One connection per request in flight (the servers speak HTTP/1.1), given
		// up before uvicorn's own 5 s, for a request sent into a closing connection
		// is lost.
		MaxIdleConnsPerHost: o.Concurrency + 8,
		IdleConnTimeout:     2 * time.Second,
		DisableCompression:  true,
	}
	h := &HTTP{base: strings.TrimRight(base, "/"), client: &http.Client{Transport: transport}, options: o}
	h.state.advanced = time.Now()
	return h, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// URL is the engine's address.
func (h *HTTP) URL() string { return h.base }

// Close drops idle connections.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

// call is one exchange. A nil in is a GET, or a POST without body if post is set.
type call struct {
	route   string
	in      any
	post    bool
	out     any           // decoded from JSON; *[]byte takes the body as it is; nil ignores it
	timeout time.Duration // 0 for none but ctx's
	limit   int64         // bytes of the answer; 0 for 1 MiB
	anyBoot bool          // the answer does not depend on the weights: a new process may give it
}

func (h *HTTP) do(ctx context.Context, c call) error {
	parent := ctx
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	req, err := h.request(ctx, c)
	if err != nil {
		return fmt.Errorf("%s: %w", c.route, err)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return Classify(parent, h.base+c.route, err)
	}
	defer resp.Body.Close()
	setDefault(&c.limit, 1<<20)
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.limit+1))
	if err != nil {
		return Classify(parent, h.base+c.route, err)
	}
	if int64(len(body)) > c.limit {
		return fmt.Errorf("%s: the answer is larger than %d bytes", c.route, c.limit)
	}
	if err := h.sawBoot(resp.Header.Get(wire.BootHeader)); err != nil && !c.anyBoot {
		return fmt.Errorf("%s: %w", c.route, err)
	}
	if resp.StatusCode >= 500 {
		// uvicorn closes the connection after an exception, without saying so in the
		// answer: the next request on it would be lost.
		h.client.CloseIdleConnections()
	}
	if resp.StatusCode != http.StatusOK {
		return &StatusError{Route: c.route, Code: resp.StatusCode, Message: Refusal(body)}
	}
	return decode(c, body)
}

func (h *HTTP) request(ctx context.Context, c call) (*http.Request, error) {
	method, body := http.MethodGet, []byte(nil)
	if c.in != nil {
		var err error
		if body, err = json.Marshal(c.in); err != nil {
			return nil, err
		}
	}
	if c.in != nil || c.post {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base+c.route, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func decode(c call, body []byte) error {
	switch out := c.out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = body
		return nil
	default:
		if err := json.Unmarshal(body, out); err != nil {
			return fmt.Errorf("%s: answer is not the expected JSON: %w", c.route, err)
		}
		return nil
	}
}

// Refusal picks the server's words out of an error body, bounded.
func Refusal(body []byte) string {
	var e wire.Error
	text := strings.TrimSpace(string(body))
	if json.Unmarshal(body, &e) == nil {
		switch {
		case e.Error.Message != "":
			text = e.Error.Message
		case e.Message != "":
			text = e.Message
		case e.Detail != nil:
			text = fmt.Sprint(e.Detail)
		}
	}
	if text == "" {
		text = "no explanation"
	}
	if len(text) > 500 {
		text = text[:500] + "…"
	}
	return text
}

func isStatus(err error) bool {
	var status *StatusError
	return errors.As(err, &status)
}

// sawBoot compares the id of the process that answered with the one whose
// weights are known. After a change it fails until the next Load succeeds.
func (h *HTTP) sawBoot(id string) error {
	if id == "" {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.boot == "" {
		h.state.boot = id
	}
	if h.state.boot != id {
		h.state.dirty = fmt.Errorf("%w: boot id %q, was %q", ErrRestarted, id, h.state.boot)
		return h.state.dirty
	}
	return nil
}
