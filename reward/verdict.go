package reward

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ropewalk/ropewalk/data"
)

// maxShown is how many bytes of untrusted text a reason or a step quotes.
const maxShown = 80

// clip cuts s to what a reason may hold, at a rune's border.
func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// show quotes untrusted text on one line, fit for a terminal. Backquotes leave
// LaTeX's backslashes as they are.
func show(s string) string {
	s = clip(s)
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r == '`' || !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return "`" + s + "`"
}

// right is the verdict of a response worth the full score.
func right(answer, format string, args ...any) data.Verdict {
	return data.Verdict{Status: data.Scored, Score: 1, Answer: answer, Reason: fmt.Sprintf(format, args...)}
}

// wrong is the verdict of a response that was judged and is worth nothing.
func wrong(answer, format string, args ...any) data.Verdict {
	return data.Verdict{Status: data.Scored, Answer: answer, Reason: fmt.Sprintf(format, args...)}
}

// noAnswer is the verdict of a response in which nothing can be judged.
func noAnswer(format string, args ...any) data.Verdict {
	return data.Verdict{Status: data.NoAnswer, Reason: fmt.Sprintf(format, args...)}
}

// ungradable is the verdict on a problem whose gold or meta is bad.
func ungradable(format string, args ...any) data.Verdict {
	return data.Verdict{Status: data.Ungradable, Reason: fmt.Sprintf(format, args...)}
}

// failed is the verdict of trouble outside the response.
func failed(format string, args ...any) data.Verdict {
	return data.Verdict{Status: data.Error, Reason: fmt.Sprintf(format, args...)}
}

// maxSteps bounds the steps of one verdict.
const maxSteps = 64

// trace collects the steps that --explain shows.
type trace []string

func (t *trace) add(format string, args ...any) {
	switch {
	case len(*t) < maxSteps-1:
		*t = append(*t, fmt.Sprintf(format, args...))
	case len(*t) == maxSteps-1:
		*t = append(*t, "further steps are left out")
	}
}

// on puts the steps on a verdict.
func (t trace) on(v data.Verdict) data.Verdict {
	v.Steps = t
	return v
}
