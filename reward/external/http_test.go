package external_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward/external"
	"github.com/ropewalk/ropewalk/reward/rewardtest"
)

// service is a real server on this machine; handle may be nil to grade only.
func service(t *testing.T, handle func(w http.ResponseWriter, a asked) (done bool)) (*external.HTTP, *atomic.Int64) {
	connections := &atomic.Int64{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a asked
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if handle == nil || !handle(w, a) {
			_ = json.NewEncoder(w).Encode(a.verdict())
		}
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	h := external.NewHTTP(map[string]external.Service{"same": {URL: server.URL}})
	t.Cleanup(func() { _ = h.Close() })
	return h, connections
}

func post(t *testing.T, h *external.HTTP, response string, deadline time.Duration) data.Verdict {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	return h.Grade(ctx, &data.Problem{Gold: "5", Meta: []byte(`{"service":"same"}`)}, response)
}

func TestHTTPContract(t *testing.T) {
	h, _ := service(t, nil)
	rewardtest.Run(t, h, "testdata/http")
}

func TestHTTPKeepsItsConnection(t *testing.T) {
	h, connections := service(t, nil)
	for range 20 {
		expect(t, post(t, h, "5", time.Minute), data.Scored, "the same")
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for answers one after the other", n)
	}
}

func TestHTTPTriesAgain(t *testing.T) {
	for _, test := range []struct {
		status int
		after  string
		least  time.Duration
	}{{429, "1", time.Second}, {503, "", 0}, {500, "soon", 0}} {
		var tries atomic.Int64
		h, _ := service(t, func(w http.ResponseWriter, a asked) bool {
			if tries.Add(1) > 1 {
				return false
			}
			if test.after != "" {
				w.Header().Set("Retry-After", test.after)
			}
			w.WriteHeader(test.status)
			return true
		})
		began := time.Now()
		expect(t, post(t, h, "5", time.Minute), data.Scored)
		if took := time.Since(began); took < test.least || tries.Load() != 2 {
			t.Errorf("status %d: %d tries in %v", test.status, tries.Load(), took)
		}
	}
}

func TestHTTPGivesUp(t *testing.T) {
	h, _ := service(t, func(w http.ResponseWriter, a asked) bool {
		switch a.Response {
		case "later":
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "never":
			http.Error(w, "who are you", http.StatusUnauthorized)
		case "elsewhere":
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		case "slow":
			time.Sleep(2 * time.Second)
		case "flood":
			fmt.Fprint(w, strings.Repeat("x", 9<<20))
		case "text":
			fmt.Fprint(w, "it is right")
		default:
			return false
		}
		return true
	})
	expect(t, post(t, h, "later", time.Minute), data.Error, "503", "after the deadline")
	expect(t, post(t, h, "never", time.Minute), data.Error, "401", "who are you")
	expect(t, post(t, h, "elsewhere", time.Minute), data.Error, "302")
	expect(t, post(t, h, "slow", 300*time.Millisecond), data.Timeout, "1 tries")
	expect(t, post(t, h, "flood", time.Minute), data.Error, "more than")
	expect(t, post(t, h, "text", time.Minute), data.Error, "it is right")
	v := h.Grade(t.Context(), &data.Problem{Meta: []byte(`{"service":"http://example.com"}`)}, "5")
	expect(t, v, data.Error, "same", "--service")
}

func TestHTTPNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close()
	h := external.NewHTTP(map[string]external.Service{"same": {URL: url}})
	v := post(t, h, "5", time.Second)
	if v.Status.Counts() || !strings.Contains(v.Reason, "refused") {
		t.Errorf("%+v", v)
	}
}
