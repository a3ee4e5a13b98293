package enginetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

func (s *suite) loadAndProve(t *testing.T, ctx context.Context, dir string) {
	t.Helper()
	if err := s.e.Load(ctx, dir); err != nil {
		t.Fatalf("Load(%s): %v", dir, err)
	}
	worst, err := engine.Prove(ctx, s.e, dir, s.o.Tolerance)
	if err != nil {
		t.Fatalf("Prove: %v", err)
	}
	t.Logf("%s proven, worst token off by %.2g nats", dir, worst)
}

// load goes to other weights and back; each proof must fail for the other.
func (s *suite) load(t *testing.T, ctx context.Context) {
	for _, way := range [][2]string{{s.o.Good, s.o.Other}, {s.o.Other, s.o.Good}} {
		s.loadAndProve(t, ctx, way[0])
		_, err := engine.Prove(ctx, s.e, way[1], s.o.Tolerance)
		var off *engine.Disagreement
		if !errors.As(err, &off) || off.Off == 0 {
			t.Errorf("weights of %s loaded: those of %s are proven too: %v", way[0], way[1], err)
		}
	}
	s.must(t, ctx, s.request(2, 1, 1, 8))
}

// loadInFlight loads while requests run: they must all come back whole.
func (s *suite) loadInFlight(t *testing.T, ctx context.Context) {
	done := make(chan error, 1)
	tokens := min(128, s.info.MaxModelLen-len(s.ids))
	var got []engine.Sample
	go func() {
		var err error
		got, err = s.generate(ctx, s.request(8, 11, 1, tokens))
		done <- err
	}()
	if err := s.until(ctx, func(n int) bool { return n > 0 }); err != nil {
		t.Fatalf("the request never ran: %v", err)
	}
	s.loadAndProve(t, ctx, s.o.Other)
	if err := <-done; err != nil {
		t.Fatalf("a request in flight during a load: %v", err)
	}
	for _, sample := range got {
		s.check(t, sample, tokens)
	}
	s.loadAndProve(t, ctx, s.o.Good)
}

// loadBroken names a folder that is no export: the old weights go on serving.
func (s *suite) loadBroken(t *testing.T, ctx context.Context) {
	err := s.e.Load(ctx, t.TempDir())
	if err == nil || errors.Is(err, engine.ErrDirty) {
		t.Errorf("a folder without STABLE: %v; want an error that leaves the engine as it was", err)
	}
	if _, err := engine.Prove(ctx, s.e, s.o.Good, s.o.Tolerance); err != nil {
		t.Errorf("after a refused load: %v", err)
	}
	s.must(t, ctx, s.request(1, 1, 1, 8))
}

// loadCorrupt must not end in an engine that serves and passes for proven.
func (s *suite) loadCorrupt(t *testing.T, ctx context.Context) {
	err := s.e.Load(ctx, s.o.Corrupt)
	if err == nil {
		_, err = engine.Prove(ctx, s.e, s.o.Corrupt, s.o.Tolerance)
	}
	if err == nil {
		t.Fatal("corrupt weights were loaded and proven")
	}
	t.Logf("refused: %v", err)
	if errors.Is(err, engine.ErrDirty) {
		if _, again := s.generate(ctx, s.request(1, 1, 1, 8)); !errors.Is(again, engine.ErrDirty) {
			t.Errorf("a dirty engine generates: %v", again)
		}
	}
	s.loadAndProve(t, ctx, s.o.Good)
	s.must(t, ctx, s.request(1, 1, 1, 8))
}

// Running reads the number of running sequences from an engine's /metrics.
func Running(url string) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
		if err != nil {
			return 0, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if !strings.HasPrefix(lines.Text(), wire.RunningGauge) {
				continue
			}
			fields := strings.Fields(lines.Text())
			v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			return int(v), err
		}
		return 0, fmt.Errorf("%s/metrics has no %s", url, wire.RunningGauge)
	}
}
