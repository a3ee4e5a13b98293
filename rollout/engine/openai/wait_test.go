package openai

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		header map[string]string
		want   time.Duration
		said   bool
	}{
		"nothing":                {nil, 0, false},
		"seconds":                {map[string]string{"Retry-After": "7"}, 7 * time.Second, true},
		"a fraction":             {map[string]string{"Retry-After": " 0.5 "}, 500 * time.Millisecond, true},
		"milliseconds first":     {map[string]string{"Retry-After": "7", "Retry-After-Ms": "250"}, 250 * time.Millisecond, true},
		"a date":                 {map[string]string{"Retry-After": "Sun, 01 Mar 2026 12:00:30 GMT"}, 30 * time.Second, true},
		"by the server's clock":  {map[string]string{"Retry-After": "Sun, 01 Mar 2026 13:00:30 GMT", "Date": "Sun, 01 Mar 2026 13:00:20 GMT"}, 10 * time.Second, true},
		"a date gone by":         {map[string]string{"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0, true},
		"negative":               {map[string]string{"Retry-After": "-5"}, 0, false},
		"not a number":           {map[string]string{"Retry-After": "NaN"}, 0, false},
		"nonsense":               {map[string]string{"Retry-After": "soon"}, 0, false},
		"absurd":                 {map[string]string{"Retry-After": "1e300"}, longest, true},
		"requests are used up":   {map[string]string{"X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "1m30s"}, 90 * time.Second, true},
		"tokens too, longer":     {map[string]string{"X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "1s", "X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Reset-Tokens": "20s"}, 20 * time.Second, true},
		"something is left":      {map[string]string{"X-Ratelimit-Remaining-Requests": "3", "X-Ratelimit-Reset-Requests": "1m"}, 0, false},
		"reset as an epoch":      {map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1772366405"}, 5 * time.Second, true},
		"reset in milliseconds":  {map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1772366405000"}, 5 * time.Second, true},
		"reset as plain seconds": {map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "12"}, 12 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range c.header {
				h.Set(k, v)
			}
			if got, said := retryAfter(h, now); got != c.want || said != c.said {
				t.Errorf("%v %v, want %v %v", got, said, c.want, c.said)
			}
		})
	}
}

func TestBackoffDoublesWithJitterOfItsOwn(t *testing.T) {
	const base = 100 * time.Millisecond
	for n := 1; n <= 30; n++ {
		full := min(base<<min(n-1, 20), time.Minute)
		got := backoff(base, "g000001/3", n)
		if got < full/2 || got > full {
			t.Errorf("attempt %d waits %s, want between half of %s and all", n, got, full)
		}
		if again := backoff(base, "g000001/3", n); again != got {
			t.Errorf("attempt %d waits %s and then %s", n, got, again)
		}
	}
	seen := map[time.Duration]bool{}
	for _, name := range []string{"a", "b", "c", "d"} {
		seen[backoff(base, name, 1)] = true
	}
	if len(seen) < 4 {
		t.Error("requests refused together come back together")
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("7", "0", "1m")
	f.Add("Sun, 01 Mar 2026 12:00:30 GMT", "-1", "1e400")
	f.Fuzz(func(t *testing.T, after, left, reset string) {
		h := http.Header{}
		h.Set("Retry-After", after)
		h.Set("X-RateLimit-Remaining-Tokens", left)
		h.Set("X-RateLimit-Reset-Tokens", reset)
		if d, _ := retryAfter(h, time.Now()); d < 0 || d > longest {
			t.Errorf("%v", d)
		}
	})
}
