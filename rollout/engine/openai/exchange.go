package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/rollout/engine"
)

// exchange is one question and its answer.
type exchange struct {
	url     string
	in      any // JSON body; nil is a GET
	out     any
	limit   int64 // bytes of the answer; 0 for 1 MiB
	timeout time.Duration
}

// do sends once. Neither errors nor the server's words in them hold the key.
func (c *Client) do(parent context.Context, x exchange) error {
	ctx, cancel := context.WithTimeout(parent, x.timeout)
	defer cancel()
	req, err := c.request(ctx, x)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return engine.Classify(parent, x.url, err)
	}
	defer resp.Body.Close()
	limit := x.limit
	if limit == 0 {
		limit = 1 << 20
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return engine.Classify(parent, x.url, err)
	case int64(len(body)) > limit:
		return fmt.Errorf("%s: the answer is larger than %d bytes", x.url, limit)
	}
	if wait, exhausted := headroom(resp.Header, time.Now()); exhausted {
		c.gate.close(wait)
	}
	if resp.StatusCode != http.StatusOK {
		return c.refused(x.url, resp.StatusCode, resp.Header, body)
	}
	if err := json.Unmarshal(body, x.out); err != nil {
		return fmt.Errorf("%s: %w: %w", x.url, errNotJSON, err)
	}
	return nil
}

// errNotJSON is an answer of another kind: a gateway's page, mostly.
var errNotJSON = errors.New("the answer is not the expected JSON")

func (c *Client) request(ctx context.Context, x exchange) (*http.Request, error) {
	method, body := http.MethodGet, []byte(nil)
	if x.in != nil {
		var err error
		if body, err = json.Marshal(x.in); err != nil {
			return nil, err
		}
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, x.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "ropewalk")
	if x.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.options.Key != "" {
		req.Header.Set("Authorization", "Bearer "+string(c.options.Key))
	}
	return req, nil
}

// refused makes the error of a status other than 200.
func (c *Client) refused(url string, code int, header http.Header, body []byte) error {
	if code == http.StatusTooManyRequests && bytes.Contains(body, []byte("insufficient_quota")) {
		code = http.StatusPaymentRequired // OpenAI's word for an empty account: waiting does not fill it
	}
	wait, _ := retryAfter(header, time.Now())
	return &engine.StatusError{Route: url, Code: code, Message: c.scrub(engine.Refusal(body)), RetryAfter: wait}
}

// scrub takes the key out of a server's words: some repeat what they refuse.
func (c *Client) scrub(text string) string {
	if c.options.Key == "" {
		return text
	}
	return strings.ReplaceAll(text, string(c.options.Key), hidden)
}
