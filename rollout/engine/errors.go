package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// What can be wrong with an engine, as opposed to a request. All of them make
// [Gone] true.
var (
	// ErrUnreachable: nobody listens at the address.
	ErrUnreachable = errors.New("engine unreachable")
	// ErrLost: the connection broke before the answer was complete.
	ErrLost = errors.New("connection to the engine lost")
	// ErrDead: the engine says of itself that it cannot serve.
	ErrDead = errors.New("engine reports itself dead")
	// ErrStalled: requests are in flight and the step counter stands still.
	ErrStalled = errors.New("engine stalled")
	// ErrRestarted: another process answers at the address; its weights are unknown.
	ErrRestarted = errors.New("engine restarted")
	// ErrDirty: a load failed midway; the weights are a mixture and the engine is
	// left paused.
	ErrDirty = errors.New("engine dirty: its weights are unknown after a failed load")
)

// ErrSaturated: the engine did not answer a control request in time. It may
// merely be busy: only ErrStalled says that it does not advance.
var ErrSaturated = errors.New("engine too busy to answer")

// ErrNoTokenIDs is wrapped where token ids are needed from a server that speaks
// text alone, such as an OpenAI-compatible endpoint.
var ErrNoTokenIDs = errors.New("the engine does not give token ids")

// ErrTooLong is what a [TooLongError] is.
var ErrTooLong = errors.New("prompt too long")

// ErrFailed is what a [SampleError] is: the engine gave up one sample.
var ErrFailed = errors.New("sample failed")

// Gone reports whether err says that the engine, and not the request, is at
// fault: the work belongs to another engine, and this one must be proven anew.
func Gone(err error) bool {
	for _, e := range []error{ErrUnreachable, ErrLost, ErrDead, ErrStalled, ErrRestarted, ErrDirty} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// TooLongError refuses a prompt that leaves no room for a completion. It holds
// for every engine of the run, so nobody should try again.
type TooLongError struct {
	Prompt  int // tokens of the prompt
	Context int // tokens the engine holds, prompt and completion together
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("the prompt has %d tokens but the engine's context is %d tokens, prompt and completion together", e.Prompt, e.Context)
}

// Is makes errors.Is(err, ErrTooLong) true.
func (e *TooLongError) Is(target error) bool { return target == ErrTooLong }

// SampleError says which sample of a request failed in the engine; the others
// were delivered.
type SampleError struct {
	Index  int // 0..N-1
	Reason string
}

func (e *SampleError) Error() string { return fmt.Sprintf("sample %d failed: %s", e.Index, e.Reason) }

// Is makes errors.Is(err, ErrFailed) true.
func (e *SampleError) Is(target error) bool { return target == ErrFailed }

// StatusError is an HTTP status other than 200. A 4xx is a refusal and is not
// worth a second try at the same engine.
type StatusError struct {
	Route   string
	Code    int
	Message string // the server's words, bounded
	// RetryAfter is when the server wants to be asked again; zero if it does not say.
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d: %s", e.Route, e.Code, e.Message)
}

// Refused reports whether err is the engine's refusal of this very request.
func Refused(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Code >= 400 && status.Code < 500
}

// missing reports whether the server has no such route. 405 is how FastAPI says
// it for a path that exists with another method only.
func missing(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusMethodNotAllowed)
}

// Classify turns what net/http reports into one of the errors above, so that a
// refused connection (dead) and a late answer (busy) are told apart. A parent
// context that ended wins: then nothing is the engine's fault.
func Classify(parent context.Context, route string, err error) error {
	if parent.Err() != nil {
		return fmt.Errorf("%s: %w", route, context.Cause(parent))
	}
	var dns *net.DNSError
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &dns), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Errorf("%s: %w: %v", route, ErrUnreachable, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s: %w: %v", route, ErrSaturated, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.As(err, &op):
		return fmt.Errorf("%s: %w: %v", route, ErrLost, err)
	}
	return fmt.Errorf("%s: %w", route, err)
}
