package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ropewalk/ropewalk/rollout/engine/wire"
)

// Load has the engine read the weights in dir: pause, reload, forget cached
// prompts, resume. Requests in flight stay and go on with the new weights.
//
// An error before the reload leaves the old weights serving. A reload that
// fails may have replaced half of them: the engine stays paused, the error is
// [ErrDirty], and so is every request's until a later Load succeeds or the
// engine is restarted.
func (h *HTTP) Load(ctx context.Context, dir string) error {
	h.loading.Lock()
	defer h.loading.Unlock()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := CheckFolder(dir); err != nil {
		return fmt.Errorf("loading weights: %w", err)
	}
	boot := h.begin()
	if err := h.pause(ctx); err != nil {
		h.restore(boot)
		return fmt.Errorf("loading %s: %w", dir, err)
	}
	if err := h.reload(ctx, dir); err != nil {
		return h.soil(fmt.Errorf("loading %s: %w: %w", dir, ErrDirty, err))
	}
	if err := h.resume(ctx); err != nil {
		return h.soil(fmt.Errorf("loading %s: the engine does not resume: %w: %w", dir, ErrDirty, err))
	}
	h.finish(ctx)
	return nil
}

// begin forgets which process's weights were known: the next one to answer is
// the one being loaded.
func (h *HTTP) begin() (boot string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	boot = h.state.boot
	h.state.boot, h.state.paused = "", true
	return boot
}

func (h *HTTP) restore(boot string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.boot, h.state.paused = boot, false
}

func (h *HTTP) soil(err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.dirty = err
	return err
}

func (h *HTTP) finish(ctx context.Context) {
	h.mu.Lock()
	h.state.dirty, h.state.paused = nil, false
	h.state.advanced, h.state.steps = time.Now(), 0
	h.mu.Unlock()
	// So that a restart is seen against this process also where responses carry
	// no boot id; what is wrong with the metrics is Healthy's to say.
	_ = h.readMetrics(ctx)
}

// pause stops scheduling and keeps requests in flight. If the answer is late
// the engine may have paused all the same, so it is resumed.
func (h *HTTP) pause(ctx context.Context) error {
	err := h.do(ctx, call{route: "/pause?mode=keep&clear_cache=false", post: true, timeout: 5 * time.Minute})
	switch {
	case err == nil:
		return nil
	case missing(err):
		return fmt.Errorf("the engine cannot load weights: %w (vLLM offers this with VLLM_SERVER_DEV_MODE=1 in its environment)", err)
	case !Gone(err):
		if again := h.resume(ctx); again != nil {
			return fmt.Errorf("%w; and it does not resume: %v", err, again)
		}
	}
	return err
}

// reload replaces the weights and drops every cached prompt, those of running
// requests included: their next tokens are drawn from the new weights alone.
func (h *HTTP) reload(ctx context.Context, dir string) error {
	in := wire.RPCRequest{Method: "reload_weights", Kwargs: map[string]string{"weights_path": dir}}
	if err := h.do(ctx, call{route: "/collective_rpc", in: in, timeout: h.options.LoadTimeout}); err != nil {
		return err
	}
	return h.do(ctx, call{route: "/reset_prefix_cache?reset_running_requests=true", post: true, timeout: 5 * time.Minute})
}

// resume is repeated, and goes on when ctx has ended: a lost resume would leave
// the engine paused for ever.
func (h *HTTP) resume(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var err error
	for wait := 50 * time.Millisecond; wait < 2*time.Second; wait *= 2 {
		if err = h.do(ctx, call{route: "/resume", post: true, timeout: 6 * h.options.Control}); err == nil || missing(err) {
			return err
		}
		time.Sleep(wait)
	}
	return err
}
