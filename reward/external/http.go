package external

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// Pauses between tries of a service that says no later time by Retry-After.
const (
	firstRetry = 100 * time.Millisecond
	maxRetry   = 5 * time.Second
)

// Service is one of the user's services.
type Service struct {
	URL     string        // requests are posted here
	Timeout time.Duration // of one try; 0 for as long as the answer has
}

// HTTP grades with the service that meta.service names: each answer is one POST
// of a request, and the body of a 200 is the reply; see request and reply. Lost
// connections and the statuses 429 and 5xx are tried again while the answer has
// time, after the seconds of Retry-After where there are any. What is then not
// answered is data.Error, or data.Timeout where the last try was cut off by the
// clock, never a score.
type HTTP struct {
	services map[string]Service
	sorted   []string
	client   *http.Client
	asked    atomic.Int64
}

// NewHTTP takes the user's services by name.
func NewHTTP(services map[string]Service) *HTTP {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256 // one for each answer in flight, kept
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect would turn the POST into a GET
	}}
	return &HTTP{services: services, sorted: slices.Sorted(maps.Keys(services)), client: client}
}

// Name is "http".
func (*HTTP) Name() string { return "http" }

// Grade asks the service.
func (h *HTTP) Grade(ctx context.Context, p *data.Problem, response string) data.Verdict {
	name, err := named(p, "service")
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: err.Error()}
	}
	service, ok := h.services[name]
	if !ok {
		return failed("meta.service is %s, which the user has not named (%s): give it under grading.services or with --service NAME=URL", show(name), names(h.services, h.sorted))
	}
	r := request{ID: h.asked.Add(1), Response: response, Gold: p.Gold, Meta: p.Meta}
	body, err := r.encode()
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: "meta: " + oneLine(err.Error())}
	}
	ctx, cancel := inside(ctx)
	defer cancel()
	for try := 1; ; try++ {
		text, again, err := h.post(ctx, service, body)
		if err == nil {
			v, err := decode(text, r.ID)
			if err != nil {
				return failed("service %q %v", name, err)
			}
			return v
		}
		if again < 0 {
			return failed("service %q: %v", name, err)
		}
		wait := max(again, min(firstRetry<<min(try-1, 20), maxRetry))
		if end, _ := ctx.Deadline(); ctx.Err() == nil && time.Until(end) < wait {
			return failed("service %q: %v; try %d would be in %v, after the deadline", name, err, try+1, wait)
		}
		if ctx.Err() != nil || !pause(ctx, wait) {
			return gaveUp(ctx, "service %q: no answer by the deadline, in %d tries; the last: %v", name, try, err)
		}
	}
}

// post tries once. again is how long the service wants to be left alone: 0 where
// it does not say, negative where trying again is of no use.
func (h *HTTP) post(ctx context.Context, s Service, body []byte) (text []byte, again time.Duration, err error) {
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Timeout)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return nil, -1, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, 0, err
	case len(text) > maxReply:
		return nil, -1, fmt.Errorf("replied with more than %d bytes", maxReply)
	case resp.StatusCode == http.StatusOK:
		return text, 0, nil
	}
	err = fmt.Errorf("status %s, %s", resp.Status, show(string(bytes.TrimSpace(text))))
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		return nil, retryAfter(resp.Header.Get("Retry-After"), time.Now()), err
	}
	return nil, -1, err
}

// retryAfter reads the header, seconds or a date; 0 if it is neither.
func retryAfter(header string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// pause waits; false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Close drops the connections that are kept.
func (h *HTTP) Close() error {
	h.client.CloseIdleConnections()
	return nil
}
