package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// Healthy asks /health and reads the step counter, for a hung engine answers
// 200 as well. Nobody listening is [ErrUnreachable], 503 is [ErrDead], an
// answer that is late is [ErrSaturated] until nothing has moved for the stall
// time with requests in flight, and then [ErrStalled].
func (h *HTTP) Healthy(ctx context.Context) error {
	err := h.do(ctx, call{route: "/health", timeout: h.options.Control})
	var status *StatusError
	if errors.As(err, &status) && status.Code == http.StatusServiceUnavailable {
		return fmt.Errorf("%w: %s", ErrDead, status.Message)
	}
	if missing(err) {
		return fmt.Errorf("%s: %w: it has no /health, as an engine that speaks vLLM's protocol does", h.base, ErrNoTokenIDs)
	}
	if err == nil {
		err = h.readMetrics(ctx)
	}
	if err != nil && !errors.Is(err, ErrSaturated) {
		return err
	}
	if stalled := h.stalled(); stalled != nil {
		return h.explain(ctx, stalled)
	}
	return err
}

// explain adds the one cause of a stall that can be asked for.
func (h *HTTP) explain(ctx context.Context, stalled error) error {
	var state wire.Paused
	err := h.do(ctx, call{route: "/is_paused", out: &state, timeout: h.options.Control})
	if err == nil && state.IsPaused {
		return fmt.Errorf("%w: it is paused, as a worker leaves it that dies while it loads weights; restart it, or POST /resume if its weights are known", stalled)
	}
	return stalled
}

// stalled judges by the client's own clock: progress is a step or an answer.
func (h *HTTP) stalled() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.inflight == 0 || h.state.paused {
		h.state.advanced = time.Now()
		return nil
	}
	if still := time.Since(h.state.advanced); still > h.options.Stall {
		return fmt.Errorf("%w: %d requests in flight and no step for %s", ErrStalled, h.state.inflight, still.Round(time.Second/10))
	}
	return nil
}

// readMetrics notes progress and a change of process. A server without metrics
// has only its answers as signs of progress.
func (h *HTTP) readMetrics(ctx context.Context) error {
	var body []byte
	err := h.do(ctx, call{route: "/metrics", out: &body, limit: 32 << 20, timeout: h.options.Control})
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	steps, created, found := parseMetrics(body)
	if !found {
		return nil
	}
	if err := h.sawSteps(steps); err != nil {
		return err
	}
	if created != "" {
		// Only where no header says it better: the two ids are never compared.
		h.mu.Lock()
		byHeader := h.state.boot != "" && !strings.HasPrefix(h.state.boot, "metrics:")
		h.mu.Unlock()
		if !byHeader {
			return h.sawBoot("metrics:" + created)
		}
	}
	return nil
}

func (h *HTTP) sawSteps(steps float64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.state.steps
	if steps != before {
		h.state.steps, h.state.advanced = steps, time.Now()
	}
	if steps < before {
		h.state.dirty = fmt.Errorf("%w: its step counter fell from %g to %g", ErrRestarted, before, steps)
		return h.state.dirty
	}
	return nil
}

// parseMetrics sums the step counter over the engine's ranks and finds the time
// at which the counter was made, which is that of the process.
func parseMetrics(body []byte) (steps float64, created string, found bool) {
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		name, value, ok := sample(line)
		if !ok {
			continue
		}
		switch name {
		case wire.StepCounter:
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				steps, found = steps+v, true
			}
		case strings.TrimSuffix(wire.StepCounter, "_count") + "_created":
			created += value
		}
	}
	return steps, created, found
}

// sample splits a line of the Prometheus text format.
func sample(line string) (name, value string, ok bool) {
	if line == "" || line[0] == '#' {
		return "", "", false
	}
	cut := strings.LastIndexByte(line, ' ')
	if cut < 0 {
		return "", "", false
	}
	name, _, _ = strings.Cut(line[:cut], "{")
	return strings.TrimSpace(name), line[cut+1:], true
}
