// Package reward turns a response into a verdict and verdicts into advantages.
//
// A grader is total: any bytes in, a verdict out, the same every time, within a
// bound on work. See [Grader]. The graders are listed, as a value, in [Default].
package reward

import (
	"context"

	"github.com/ropewalk/ropewalk/data"
)

// Grader judges one response to one problem.
//
// Grade is total and deterministic: it never panics, it counts its work instead
// of watching the clock, and it is safe for concurrent use. What the response
// causes is data.Scored with score 0 and a reason; a bad gold is
// data.Ungradable; data.Timeout and data.Error are for trouble outside the
// response. ctx is the last guard only.
type Grader interface {
	// Name is the word by which problems ask for this grader.
	Name() string
	Grade(ctx context.Context, p *data.Problem, response string) data.Verdict
}

// Comparer is implemented by graders that can tell whether two extracted
// answers are the same answer, for majority votes. Without it, answers are
// compared as strings.
type Comparer interface {
	SameAnswer(p *data.Problem, a, b string) bool
}

// GoldReader is implemented by graders whose gold need not be an answer. Without
// it, the gold itself is one.
type GoldReader interface {
	// GoldAnswer is an answer that must get the full score; known is false if the
	// problem does not say one.
	GoldAnswer(p *data.Problem) (answer string, known bool)
}
