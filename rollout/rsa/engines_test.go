package rsa

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// moody answers as its mood says, else as the engine it wraps.
type moody struct {
	engine.Engine
	model   string
	asked   atomic.Int64
	mood    func(asked int64, r engine.Request) error
	healthy func() error
}

func (m *moody) Generate(ctx context.Context, r engine.Request, got func(engine.Sample)) error {
	if m.mood != nil {
		switch err := m.mood(m.asked.Add(1), r); {
		case errors.Is(err, errHang):
			<-ctx.Done()
			return context.Cause(ctx)
		case err != nil:
			return err
		}
	}
	return m.Engine.Generate(ctx, r, got)
}

func (m *moody) Info(ctx context.Context) (engine.Info, error) {
	info, err := m.Engine.Info(ctx)
	if m.model != "" {
		info.Model = m.model
	}
	return info, err
}

func (m *moody) Healthy(ctx context.Context) error {
	if m.healthy != nil {
		return m.healthy()
	}
	return m.Engine.Healthy(ctx)
}

var errHang = errors.New("hang")

func status(code int) error {
	return &engine.StatusError{Route: "/v1/completions", Code: code, Message: "no"}
}

func someRequest() engine.Request {
	return engine.Request{ID: "g000001/0", PromptIDs: []int32{1, 2}, Seed: 5, Sampling: data.Sampling{Temperature: 1, MaxTokens: 50}}
}

func TestTroubleIsTriedElsewhere(t *testing.T) {
	sim := simulate(t, config.Simulated{})
	for _, trouble := range []error{engine.ErrUnreachable, engine.ErrLost, engine.ErrDead, engine.ErrSaturated, status(500), status(429), status(503)} {
		t.Run(trouble.Error(), func(t *testing.T) {
			bad := &moody{Engine: sim, mood: func(int64, engine.Request) error { return trouble }}
			good := &moody{Engine: sim, mood: func(int64, engine.Request) error { return nil }}
			e := connect(t, Patience{}, bad, good)
			for range 3 {
				if _, err := e.Generate(context.Background(), someRequest()); err != nil {
					t.Fatal(err)
				}
			}
			if bad.asked.Load() != 1 || good.asked.Load() != 3 {
				t.Errorf("the bad engine was asked %d times, the good one %d times; want 1 and 3: it rests while it is down", bad.asked.Load(), good.asked.Load())
			}
		})
	}
}

func TestOneEngineRecovers(t *testing.T) {
	m := &moody{Engine: simulate(t, config.Simulated{}), mood: func(asked int64, _ engine.Request) error {
		if asked <= 2 {
			return engine.ErrLost
		}
		return nil
	}}
	if _, err := connect(t, Patience{}, m).Generate(context.Background(), someRequest()); err != nil {
		t.Error(err)
	}
}

func TestGivingUp(t *testing.T) {
	m := &moody{Engine: simulate(t, config.Simulated{}), mood: func(int64, engine.Request) error { return engine.ErrUnreachable }}
	start := time.Now()
	_, err := connect(t, Patience{GiveUp: 300 * time.Millisecond}, m).Generate(context.Background(), someRequest())
	if !errors.Is(err, ErrUnreachable) || !errors.Is(err, engine.ErrUnreachable) {
		t.Errorf("error %v, want ErrUnreachable", err)
	}
	if took := time.Since(start); took > 5*time.Second || took < 300*time.Millisecond {
		t.Errorf("gave up after %s", took)
	}
}

// TestOnePoisonousRequest: what fails again and again while others succeed is the
// request's fault, and the run goes on.
func TestOnePoisonousRequest(t *testing.T) {
	m := &moody{Engine: simulate(t, config.Simulated{}), mood: func(_ int64, r engine.Request) error {
		if r.ID == "poison" {
			return status(500)
		}
		return nil
	}}
	e := connect(t, Patience{}, m)
	stop := make(chan struct{})
	defer close(stop)
	go func() { // the other requests of the run
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				_, _ = e.Generate(context.Background(), someRequest())
			}
		}
	}()
	r := someRequest()
	r.ID = "poison"
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := e.Generate(ctx, r); !ofSample(err) {
		t.Errorf("error %v, want one of this sample", err)
	}
}

func TestSortingRefusals(t *testing.T) {
	tests := []struct {
		err    error
		sample bool // of this sample alone
	}{
		{status(http.StatusBadRequest), true},
		{status(http.StatusUnprocessableEntity), true},
		{&engine.SampleError{Index: 0, Reason: "broken"}, true},
		{&engine.TooLongError{Prompt: 10, Context: 5}, true},
		{status(http.StatusNotFound), false},
		{status(http.StatusUnauthorized), false},
	}
	for _, test := range tests {
		m := &moody{Engine: simulate(t, config.Simulated{}), mood: func(int64, engine.Request) error { return fmt.Errorf("request: %w", test.err) }}
		_, err := connect(t, Patience{}, m).Generate(context.Background(), someRequest())
		if ofSample(err) != test.sample || errors.Is(err, ErrRefused) == test.sample {
			t.Errorf("%v became %v", test.err, err)
		}
		if m.asked.Load() != 1 {
			t.Errorf("%v was tried %d times", test.err, m.asked.Load())
		}
	}
}

// TestStalledEngine: requests in flight at an engine that does not advance are
// given to another.
func TestStalledEngine(t *testing.T) {
	sim := simulate(t, config.Simulated{})
	hung := &moody{Engine: sim, mood: func(int64, engine.Request) error { return errHang },
		healthy: func() error { return fmt.Errorf("%w: for a minute", engine.ErrStalled) }}
	good := &moody{Engine: sim, mood: func(int64, engine.Request) error { return nil }}
	e := connect(t, Patience{Health: 20 * time.Millisecond}, hung, good)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := e.Generate(ctx, someRequest()); err != nil {
		t.Fatal(err)
	}
	if hung.asked.Load() != 1 || good.asked.Load() != 1 {
		t.Errorf("asked %d and %d times, want once each", hung.asked.Load(), good.asked.Load())
	}
}

func TestRestartedEngine(t *testing.T) {
	for _, model := range []string{"", "another"} {
		sim := simulate(t, config.Simulated{})
		old := &moody{Engine: sim, mood: func(int64, engine.Request) error { return engine.ErrRestarted }}
		renewed := &moody{Engine: sim, model: model}
		e, err := Connect(context.Background(), []Endpoint{{Name: "e", Engine: old, Renew: func() (engine.Engine, error) { return renewed, nil }}}, Patience{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Generate(context.Background(), someRequest())
		e.Close()
		if model == "" && err != nil || model != "" && !errors.Is(err, errOtherModel) {
			t.Errorf("restarted with model %q: %v", model, err)
		}
	}
}

func TestEnginesMustBeAlike(t *testing.T) {
	sim := simulate(t, config.Simulated{})
	_, err := Connect(context.Background(), []Endpoint{{Name: "a", Engine: sim}, {Name: "b", Engine: &moody{Engine: sim, model: "other"}}}, Patience{})
	if !errors.Is(err, ErrUnlike) {
		t.Errorf("error %v, want ErrUnlike", err)
	}
}

func TestEndOfContextEndsWaiting(t *testing.T) {
	m := &moody{Engine: simulate(t, config.Simulated{}), mood: func(int64, engine.Request) error { return errHang }}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(30*time.Millisecond, cancel)
	if _, err := connect(t, Patience{}, m).Generate(ctx, someRequest()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
