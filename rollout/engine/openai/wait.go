package openai

import (
	"errors"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/rollout/engine"
)

// outcome is what an attempt says about the server.
type outcome int

const (
	answered  outcome = iota // well or with a refusal of this very request
	putOff                   // too many requests, or overloaded: again, later, and fewer at a time
	stumbled                 // an error, a lost connection, a late answer: again, a few times
	vanished                 // nobody listens: for who chooses between endpoints
	cancelled                // by us
)

// stumbles is how often one request is sent to a server that fails.
const stumbles = 4

// judge sorts an attempt's error.
func judge(err error) outcome {
	var status *engine.StatusError
	switch {
	case err == nil:
		return answered
	case errors.As(err, &status):
		switch code := status.Code; {
		case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable, code == 529:
			return putOff
		case code >= 500, code == http.StatusRequestTimeout, code == http.StatusConflict:
			return stumbled
		}
		return answered
	case errors.Is(err, engine.ErrUnreachable):
		return vanished
	case errors.Is(err, engine.ErrSaturated), errors.Is(err, engine.ErrLost), errors.Is(err, errNotJSON):
		return stumbled
	}
	return cancelled
}

// overloaded reports whether fewer requests at a time would help.
func overloaded(o outcome, err error) bool {
	var status *engine.StatusError
	return o == putOff || errors.Is(err, engine.ErrSaturated) || (errors.As(err, &status) && status.Code == http.StatusGatewayTimeout)
}

// backoff is the wait before attempt n+1 of a request, n from 1: doubled each
// time, at most a minute, and of that a share between a half and the whole, drawn
// from the request's name, so that those refused together do not come back
// together and a run behaves the same twice.
func backoff(base time.Duration, name string, n int) time.Duration {
	h := fnv.New64a()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(h.Sum64(), uint64(n)))
	d := min(float64(base)*math.Pow(2, float64(n-1)), float64(time.Minute))
	return time.Duration(d * (0.5 + rng.Float64()/2))
}

// longest bounds what a header may ask for.
const longest = 24 * time.Hour

// retryAfter reads how long a refusal asks to wait: Retry-After in seconds or as
// a date (by the server's clock if it tells it), retry-after-ms, or the reset of
// a limit that is used up.
func retryAfter(h http.Header, now time.Time) (d time.Duration, said bool) {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms >= 0 {
		return bounded(ms / 1e3), true
	}
	text := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 {
		return bounded(s), true
	}
	if at, err := http.ParseTime(text); err == nil {
		if clock, err := http.ParseTime(h.Get("Date")); err == nil {
			now = clock
		}
		return bounded(at.Sub(now).Seconds()), true
	}
	return headroom(h, now)
}

// headroom reads the X-RateLimit headers: exhausted says that a limit has nothing
// left for the next d.
func headroom(h http.Header, now time.Time) (d time.Duration, exhausted bool) {
	for _, kind := range []string{"-Requests", "-Tokens", ""} {
		left, err := strconv.ParseFloat(h.Get("X-Ratelimit-Remaining"+kind), 64)
		if err != nil || left > 0 {
			continue
		}
		if reset, ok := span(h.Get("X-Ratelimit-Reset"+kind), now); ok {
			d, exhausted = max(d, reset), true
		}
	}
	return d, exhausted
}

// span reads "1m30s", "20ms", seconds, or the second of an epoch, in milliseconds
// or not.
func span(text string, now time.Time) (time.Duration, bool) {
	if d, err := time.ParseDuration(text); err == nil {
		return bounded(d.Seconds()), true
	}
	s, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(s >= 0):
		return 0, false
	case s > 1e12:
		s = s/1e3 - float64(now.Unix())
	case s > 1e9:
		s -= float64(now.Unix())
	}
	return bounded(s), true
}

func bounded(seconds float64) time.Duration {
	if !(seconds > 0) { // NaN too
		return 0
	}
	return time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
}
