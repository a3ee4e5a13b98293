package rsa

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// work finds a task's rollout in the store, or asks for it and stores it.
func (r *runner) work(ctx context.Context, t task) result {
	record, found, err := r.store.Get(t.Place)
	if err == nil && found && record.ProblemID != t.problem.ID {
		err = fmt.Errorf("the journal has problem %s where the datasets have %s", record.ProblemID, t.problem.ID)
	}
	if err != nil || found {
		return result{task: t, record: record, found: found, err: err}
	}
	record, blameless, err := r.ask(ctx, t)
	if err == nil {
		err = r.gate.keep(record, blameless)
	}
	return result{task: t, record: record, err: err}
}

// ask renders the prompt, samples and grades. What concerns this sample alone
// becomes a record without completion; blameless says that its prompt, not the
// engine, is why.
func (r *runner) ask(ctx context.Context, t task) (record *Record, blameless bool, err error) {
	info := r.engines.Info()
	record = &Record{Place: t.Place, ProblemID: t.problem.ID, Parents: t.parents, Model: info.Model, Simulated: info.Simulated}
	err = r.sample(ctx, t, record)
	if err != nil && ofSample(err) {
		record.Finish, record.Err = data.FinishError, clean(err.Error())
		record.Verdict = data.Verdict{Status: data.Error, Reason: "no completion to grade"}
		return record, tooLong(err), nil
	}
	if err != nil {
		return nil, false, err
	}
	if t.kind == data.Verify {
		record.Verdict = readJudgement(record.Text, t.from[t.Index])
		return record, false, nil
	}
	return record, false, r.grade(ctx, t.problem, record)
}

// sample fills in the prompt's and the completion's part of the record.
func (r *runner) sample(ctx context.Context, t task, record *Record) error {
	spec := data.Spec{
		Group: r.shape.group(t.Place), Problem: t.problem.ID, Kind: t.kind, Round: t.Round, Candidates: t.members,
	}
	renderer, sampling := r.renderer, r.Sampling
	if t.kind == data.Verify {
		renderer, sampling = r.verifier, r.verifySampling()
	}
	request := engine.Request{
		ID: string(r.shape.ID(t.Place)), Sampling: sampling, Hint: r.hint(t),
		Seed: int64(rollout.Seed(r.Seed, "rsa sample of "+string(t.problem.ID), int64(t.Round), int64(t.Index)) >> 2),
	}
	cut, err := r.render(ctx, renderer, &spec, t.problem, &request)
	if err != nil {
		return err
	}
	record.setPrompt(&request, cut)
	held, err := r.purse.hold(ctx, record.promptTokens(), sampling.MaxTokens)
	if err != nil {
		return err
	}
	s, err := r.engines.Generate(ctx, request)
	if err != nil {
		held.settle(0, 0)
		return err
	}
	record.setCompletion(&s)
	held.settle(record.promptTokens(), record.tokens())
	return nil
}

// render fills in a request's prompt, as token ids or, for an engine without
// them, as text.
func (r *runner) render(ctx context.Context, renderer *rollout.Renderer, spec *data.Spec, p *data.Problem, request *engine.Request) (cut string, err error) {
	if !r.engines.Info().TextOnly {
		request.PromptIDs, cut, err = renderer.Render(ctx, spec, p)
		return cut, err
	}
	request.Prompt, cut, err = renderer.Fit(ctx, spec, p, func(ctx context.Context, prompt data.Prompt) (int, error) {
		n, err := r.engines.Count(ctx, prompt)
		request.PromptTokens = n
		return n, err
	})
	return cut, err
}

// hint is what the simulated engine must be told; nil for real ones.
func (r *runner) hint(t task) *data.Hint {
	if !r.engines.Info().Simulated {
		return nil
	}
	h := &data.Hint{Gold: t.problem.Gold, Verify: t.kind == data.Verify}
	for _, i := range t.parents {
		h.Candidates = append(h.Candidates, t.from[i].Verdict.Score)
		h.Answers = append(h.Answers, t.from[i].Verdict.Answer)
	}
	return h
}

// grade asks for the verdict, and for the rating if there is a rater.
func (r *runner) grade(ctx context.Context, p *data.Problem, record *Record) (err error) {
	ctx = reward.WithTokens(ctx, record.IDs.len())
	if record.Verdict, err = r.verdict(ctx, p, record.Text); err != nil {
		return err
	}
	record.Verdict.Steps = nil // only for --explain
	record.Verdict.Answer, record.Verdict.Reason = clean(record.Verdict.Answer), clean(record.Verdict.Reason)
	return r.rate(ctx, p, record)
}

// verdict waits for a grader. A verdict that came because the run was stopped is
// none: the rollout is then asked again.
func (r *runner) verdict(ctx context.Context, p *data.Problem, text string) (data.Verdict, error) {
	pending, err := r.grading.Grade(ctx, p, text)
	if err != nil {
		return data.Verdict{}, fmt.Errorf("grading problem %s: %w", p.ID, errors.Join(err, context.Cause(ctx)))
	}
	verdict := <-pending
	if ctx.Err() != nil {
		return data.Verdict{}, context.Cause(ctx)
	}
	return verdict, nil
}

// clean keeps a text the same through the journal's JSON.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
