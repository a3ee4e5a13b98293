package rsa

import (
	"container/heap"
	"context"
	"regexp"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// verifyTemperature of self-verification is nearly greedy: one judgement is asked
// for, not an opinion poll.
const verifyTemperature = 0.1

// verifications makes the tasks that ask about each completed rollout of a
// population; how many.
func (r *runner) verifications(problem int, p *population) int {
	n := 0
	for i, m := range p.members {
		if !m.completed() {
			continue
		}
		n++
		heap.Push(&r.ready, task{
			Place: Place{Problem: problem, Round: r.T + p.round, Index: i}, stage: 2*p.round + 1,
			parents: []int{i}, from: p.members, kind: data.Verify, problem: &r.problems[problem],
			members: r.candidates(problem, p.round, p.members, []int{i}),
		})
	}
	return n
}

// verifySampling is how verifications are drawn.
func (r *runner) verifySampling() data.Sampling {
	return data.Sampling{Temperature: verifyTemperature, MaxTokens: r.VerifyTokens}
}

var trueOrFalse = regexp.MustCompile(`(?i)\b(true|false)\b`)

// readJudgement makes the verdict of a verification from its text: the last true
// or false in it is the answer. The score says whether the judgement is right.
func readJudgement(text string, judged *Record) data.Verdict {
	words := trueOrFalse.FindAllString(text, -1)
	switch {
	case !judged.counts():
		return data.Verdict{Status: data.Ungradable, Reason: "what it judges has no score"}
	case len(words) == 0:
		return data.Verdict{Status: data.NoAnswer, Reason: "neither true nor false"}
	}
	v := data.Verdict{Status: data.Scored, Answer: strings.ToLower(words[len(words)-1])}
	if (v.Answer == "true") == judged.right() {
		v.Score = 1
	}
	return v
}

// accepts reports whether a verification calls its rollout right.
func accepts(verification *Record) bool { return verification.Verdict.Answer == "true" }

// rate asks the verifying grader, if there is one, for its opinion. A grader that
// cannot judge rates nothing.
func (r *runner) rate(ctx context.Context, p *data.Problem, record *Record) error {
	if r.Rater == "" {
		return nil
	}
	asked := *p
	asked.Grader = r.Rater
	verdict, err := r.verdict(ctx, &asked, record.Text)
	if err == nil && verdict.Status.Counts() {
		record.Rating = &verdict.Score
	}
	return err
}
