package simulated

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Faults are what a server does wrong on demand to requests for completions, as
// shares of them. Which ones is a function of their number since the start, so
// that a request that comes again fares otherwise.
type Faults struct {
	Throttled   float64       // answered 429
	Unavailable float64       // answered 503
	Cut         float64       // the connection is cut before the answer
	Slow        float64       // answered after SlowFor
	SlowFor     time.Duration // default 1s
	// RetryAfter is sent with 429 and 503, in whole seconds rounded up; 0 sends none.
	RetryAfter time.Duration
	// Capacity answers 429 to what comes while so many requests are in flight; 0
	// for no bound.
	Capacity int
}

// faulty is the state of Faults.
type faulty struct {
	mu       sync.Mutex
	number   uint64
	inflight int
}

// generates reports whether a request asks for completions.
func generates(r *http.Request) bool {
	return r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "/completions") || strings.HasSuffix(r.URL.Path, "/generate"))
}

// spoil does to a request what is due; leave must be called after one that is
// not spoilt.
func (s *Server) spoil(w http.ResponseWriter, r *http.Request) (leave func(), spoilt bool) {
	f := &s.Faults
	s.faulty.mu.Lock()
	s.faulty.number++
	number := s.faulty.number
	full := f.Capacity > 0 && s.faulty.inflight >= f.Capacity
	if !full {
		s.faulty.inflight++
	}
	s.faulty.mu.Unlock()
	leave = func() {
		s.faulty.mu.Lock()
		defer s.faulty.mu.Unlock()
		s.faulty.inflight--
	}
	if full {
		s.putOff(w, http.StatusTooManyRequests, "too many requests in flight")
		return nil, true
	}
	spoilt = true // as long as fault has not returned: it may panic
	defer func() {
		if spoilt {
			leave()
		}
	}()
	spoilt = s.fault(w, r, chance(number))
	return leave, spoilt
}

// fault picks by u, uniform in [0, 1).
func (s *Server) fault(w http.ResponseWriter, r *http.Request, u float64) (spoilt bool) {
	f := &s.Faults
	switch {
	case u < f.Throttled:
		s.putOff(w, http.StatusTooManyRequests, "rate limit reached, on demand")
	case u < f.Throttled+f.Unavailable:
		s.putOff(w, http.StatusServiceUnavailable, "overloaded, on demand")
	case u < f.Throttled+f.Unavailable+f.Cut:
		panic(http.ErrAbortHandler) // how net/http cuts a connection
	case u < f.Throttled+f.Unavailable+f.Cut+f.Slow:
		d := f.SlowFor
		if d == 0 {
			d = time.Second
		}
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
		return false
	default:
		return false
	}
	return true
}

func (s *Server) putOff(w http.ResponseWriter, code int, why string) {
	if d := s.Faults.RetryAfter; d > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
	}
	refuse(w, code, why)
}

// chance is uniform in [0, 1) over numbers.
func chance(number uint64) float64 {
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, number*0x9e3779b97f4a7c15) // a hash does not fail
	return float64(h.Sum64()>>11) / (1 << 53)
}
