package reward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
)

// part is one piece of a composed score, as meta.parts names it.
type part struct {
	Name   string          `json:"name"`   // default: the grader's name
	Grader string          `json:"grader"` // any but a composed one, or format or length
	Weight *json.Number    `json:"weight"` // weighted only; default 1
	Gold   *string         `json:"gold"`   // default: the problem's
	Meta   json.RawMessage `json:"meta"`   // the part's grader's options
}

// maxParts bounds the parts of one score.
const maxParts = 16

// readyPart is a part that can be graded.
type readyPart struct {
	name   string
	weight float64
	grader Grader
	// own is the part's problem.
	own data.Problem
}

// readParts reads meta.parts. An error means that the problem is bad.
func readParts(graders lookup, p *data.Problem) ([]readyPart, error) {
	var meta struct {
		Parts []part `json:"parts"`
	}
	if err := readMeta(p, &meta); err != nil {
		return nil, err
	}
	if len(meta.Parts) == 0 || len(meta.Parts) > maxParts {
		return nil, fmt.Errorf("meta.parts has %d entries; expected 1 to %d", len(meta.Parts), maxParts)
	}
	ready := make([]readyPart, len(meta.Parts))
	names := map[string]bool{}
	for i := range meta.Parts {
		r, err := meta.Parts[i].prepare(graders, p)
		if err == nil && names[r.name] {
			err = fmt.Errorf("the name %s is used before", show(r.name))
		}
		if err != nil {
			return nil, fmt.Errorf("meta.parts, entry %d: %w", i+1, err)
		}
		names[r.name] = true
		ready[i] = r
	}
	return ready, nil
}

func (in part) prepare(graders lookup, p *data.Problem) (readyPart, error) {
	r := readyPart{name: in.Name, weight: 1, own: *p}
	if r.name == "" {
		r.name = in.Grader
	}
	if len(r.name) > maxSuggest {
		return r, fmt.Errorf("the name has %d bytes; the limit is %d", len(r.name), maxSuggest)
	}
	var err error
	if in.Weight != nil {
		r.weight, err = in.Weight.Float64()
		if err != nil || !(r.weight > 0 && r.weight <= 1e6) {
			return r, fmt.Errorf("weight is %s; expected a number above 0, up to 1000000", show(in.Weight.String()))
		}
	}
	switch in.Grader {
	case format{}.Name():
		r.grader = format{}
	case length{}.Name():
		r.grader = length{}
	default:
		if r.grader, err = graders.Get(in.Grader); err != nil {
			return r, err
		}
	}
	if composed(r.grader) && in.Grader != (List{}).Name() {
		return r, fmt.Errorf("grader %q is itself made of parts", in.Grader)
	}
	r.own.Grader, r.own.Meta = in.Grader, in.Meta
	if in.Gold != nil {
		r.own.Gold = *in.Gold
	}
	return r, nil
}

// composed reports whether a grader asks other ones. None of them asks another
// of them, so that a problem cannot nest them without end.
func composed(g Grader) bool {
	switch g.(type) {
	case List, Weighted, All:
		return true
	}
	return false
}

// errNoVerdict: a part has no score, and so the whole has none.
var errNoVerdict = errors.New("a part has no verdict")

// gradeParts grades every part. On errNoVerdict whole is the verdict.
func gradeParts(ctx context.Context, parts []readyPart, response string) (scores []float64, whole data.Verdict, err error) {
	var t trace
	whole = data.Verdict{Status: data.NoAnswer, Parts: map[string]float64{}}
	for i := range parts {
		part := &parts[i]
		v := part.grader.Grade(ctx, &part.own, response)
		for _, step := range v.Steps {
			t.add("%s: %s", part.name, step)
		}
		t.add("%s: %s, score %g: %s", part.name, v.Status, v.Score, v.Reason)
		if !v.Status.Counts() {
			return nil, t.on(data.Verdict{Status: v.Status, Reason: fmt.Sprintf("part %s: %s", show(part.name), v.Reason)}), errNoVerdict
		}
		if whole.Answer == "" {
			whole.Answer = v.Answer
		}
		if v.Status == data.Scored && !measures(part.grader) {
			whole.Status = data.Scored // some part had something to judge
		}
		scores = append(scores, v.Score)
		whole.Parts[part.name] = v.Score
	}
	return scores, t.on(whole), nil
}

// measures reports whether a grader looks at how the response is written, and
// so has a score where there is no answer.
func measures(g Grader) bool {
	switch g.(type) {
	case format, length:
		return true
	}
	return false
}
