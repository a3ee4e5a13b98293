// Package external grades with the user's own programs and services: a row names
// one, the user says beforehand what it is.
package external

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// maxReply is the longest reply, in bytes: room for the longest response as its
// answer, each byte of it escaped.
const maxReply = 8 << 20

// maxShown is how many bytes of another program's text a reason holds.
const maxShown = 300

// defaultDeadline bounds an answer whose caller set no deadline.
const defaultDeadline = 10 * time.Second

// request is what a program or a service is asked. Bytes of the response that are
// not UTF-8 arrive as U+FFFD.
type request struct {
	ID       int64           `json:"id"`
	Response string          `json:"response"`
	Gold     string          `json:"gold"`
	Meta     json.RawMessage `json:"meta,omitempty"`
}

// encode gives one line, its end included.
func (r *request) encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(r)
	return b.Bytes(), err
}

// reply is what comes back.
type reply struct {
	ID     json.Number `json:"id"`
	Score  *float64    `json:"score"`
	Answer string      `json:"answer"`
	Reason string      `json:"reason"`
	Status data.Status `json:"status"` // default scored
}

// decode reads the reply to request id. An error means that whoever sent it does
// not keep to the protocol, and that nothing it sends next can be trusted.
func decode(line []byte, id int64) (data.Verdict, error) {
	var r reply
	if err := json.Unmarshal(line, &r); err != nil {
		return data.Verdict{}, fmt.Errorf("replied %s, which is no reply: %w", show(string(line)), err)
	}
	if r.ID.String() != strconv.FormatInt(id, 10) {
		return data.Verdict{}, fmt.Errorf("replied to id %s; expected %d", show(r.ID.String()), id)
	}
	v := data.Verdict{Status: r.Status, Answer: r.Answer, Reason: cmp.Or(oneLine(r.Reason), "no reason given")}
	if v.Status == "" {
		v.Status = data.Scored
	}
	switch v.Status {
	case data.Scored:
		if r.Score == nil {
			return v, errors.New(`replied without a "score"`)
		}
		v.Score = *r.Score
	case data.NoAnswer, data.Ungradable, data.Timeout, data.Error:
		// The score of these is 0, whatever the reply says.
	default:
		return v, fmt.Errorf("replied status %s", show(string(v.Status)))
	}
	return v, nil
}

// failed is the verdict of trouble outside the response.
func failed(format string, args ...any) data.Verdict {
	return data.Verdict{Status: data.Error, Reason: fmt.Sprintf(format, args...)}
}

// gaveUp is the verdict of a call that ended with ctx: a time-out by the clock,
// an error if the caller cancelled it.
func gaveUp(ctx context.Context, format string, args ...any) data.Verdict {
	v := failed(format, args...)
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		v.Status = data.Timeout
	}
	return v
}

// inside gives a deadline a little before the caller's, so that the verdict can
// say more than that the time is over: a twentieth of what is left, 250 ms at most.
func inside(ctx context.Context) (context.Context, context.CancelFunc) {
	left := defaultDeadline
	if end, ok := ctx.Deadline(); ok {
		left = time.Until(end)
		left -= min(left/20, 250*time.Millisecond)
	}
	return context.WithTimeout(ctx, left)
}

// show quotes a stranger's text, cut to what a reason holds.
func show(s string) string { return strconv.Quote(clip(s)) }

// oneLine makes a stranger's text fit for a terminal, on one line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, clip(s))
}

func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}

// names lists what the user configured, for errors.
func names[V any](of map[string]V, sorted []string) string {
	if len(of) == 0 {
		return "none is configured"
	}
	return "configured: " + strings.Join(sorted, ", ")
}
