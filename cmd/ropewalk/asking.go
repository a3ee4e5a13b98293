package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// asking is what `rsa` and `sample` have in common: problems go to engines, and
// graded answers into a folder that can be gone on with.
type asking struct {
	urls        []string
	simulate    bool
	simulated   config.Simulated
	judge       []float64 // of the simulated engine
	text        textFlags
	concurrency int
	giveUp      time.Duration

	temperature float64
	maxTokens   int
	prompt      config.Prompt
	keepThought bool
	seed        int64

	grader   string
	limit    int
	skipBad  bool
	graders  int
	deadline time.Duration
	json     bool
	own      ownGraders
}

func (a *asking) register(flags *pflag.FlagSet) {
	d := config.Default()
	a.prompt, a.simulated = d.Prompt, d.Engine.Simulated
	flags.StringSliceVar(&a.urls, "engine", nil, "address of an engine; several, with commas, share the work and must serve the same model")
	flags.BoolVar(&a.simulate, "simulated", false, "ask the simulated engine: no model, answers right by formula")
	flags.Float64SliceVar(&a.simulated.Accuracy, "simulated-accuracy", a.simulated.Accuracy, "simulated: chance of a right answer with 0, 1, 2... right candidates in the prompt")
	flags.Float64Var(&a.simulated.Direct, "simulated-direct", a.simulated.Direct, "simulated: chance of a right answer to a direct prompt")
	flags.Float64SliceVar(&a.judge, "simulated-judge", []float64{0.3, 0.8}, "simulated: chance that a wrong, and a right answer is verified as right")
	flags.IntVar(&a.simulated.Tokens, "simulated-tokens", a.simulated.Tokens, "simulated: mean tokens of a completion")
	flags.DurationVar(&a.simulated.Latency, "simulated-latency", a.simulated.Latency, "simulated: time that one token takes")
	flags.Float64Var(&a.simulated.FailRate, "simulated-fail-rate", a.simulated.FailRate, "simulated: share of samples that fail")
	a.text.register(flags)
	flags.IntVar(&a.concurrency, "concurrency", d.Engine.Concurrency, "requests in flight, over all engines; to endpoints asked by text fewer, as they bear")
	flags.DurationVar(&a.giveUp, "give-up", 2*time.Minute, "end the run when no engine has answered for so long")
	flags.Float64Var(&a.temperature, "temperature", d.Sampling.Temperature, "sampling temperature")
	flags.IntVar(&a.maxTokens, "max-tokens", d.Sampling.MaxTokens, "tokens of a completion, at most")
	flags.StringVar(&a.prompt.Format, "prompt-format", a.prompt.Format, "chat: through the model's chat template; text: as it stands")
	flags.StringVar(&a.prompt.Answer, "answer", a.prompt.Answer, "built-in templates by the form of the answer: boxed, tags, letter, plain")
	flags.StringVar(&a.prompt.Templates, "templates", "", "folder with direct.tmpl, refine.tmpl and aggregate.tmpl, used instead")
	flags.IntVar(&a.prompt.MaxTokens, "max-prompt-tokens", 0, "tokens of a prompt, at most; candidates are cut to fit (default: what max-tokens leaves of the context)")
	flags.BoolVar(&a.keepThought, "keep-thinking", false, "leave <think>…</think> in candidates")
	flags.Int64Var(&a.seed, "seed", d.Run.Seed, "root of everything random")
	flags.StringVar(&a.grader, "grader", "", "grade by this grader, whatever the rows say")
	flags.IntVar(&a.limit, "limit", 0, "first problems of each dataset only (0: all)")
	flags.BoolVar(&a.skipBad, "skip-bad", false, "count and report bad rows instead of stopping at the first")
	flags.IntVar(&a.graders, "graders", d.Grading.Workers, "answers graded at a time")
	flags.DurationVar(&a.deadline, "grading-deadline", d.Grading.Deadline, "last guard of grading one answer")
	flags.BoolVar(&a.json, "json", false, "print the report as JSON")
	a.own.register(flags)
}

// check refuses what no flag says on its own.
func (a *asking) check() error {
	switch {
	case a.simulate && len(a.urls) > 0:
		return fail(exitUsage, "", errors.New("--engine and --simulated exclude each other"))
	case !a.simulate && len(a.urls) == 0:
		return fail(exitUsage, "give --engine http://HOST:PORT, or --simulated for a trial without a model", errors.New("no engine given"))
	case a.limit < 0:
		return fail(exitUsage, "", fmt.Errorf("--limit is %d: it must be 0 (all) or more", a.limit))
	case a.concurrency < 1:
		return fail(exitUsage, "", fmt.Errorf("--concurrency is %d: it must be at least 1", a.concurrency))
	}
	if err := a.text.check(a.prompt.Format); err != nil {
		return fail(exitUsage, "", err)
	}
	return nil
}

// load reads the problems and makes sure that each can be graded.
func (a *asking) load(paths []string, graders *reward.Set, stderr io.Writer) ([]data.Problem, error) {
	var sources []table.Source
	for _, path := range paths {
		sources = append(sources, table.Source{Path: path, Grader: a.grader, Limit: a.limit})
	}
	problems, skipped, err := table.Load(sources, a.skipBad)
	for _, row := range skipped {
		fmt.Fprintf(stderr, "skipped %v\n", row)
	}
	if err != nil {
		return nil, fail(exitBadInput, "", err)
	}
	for i := range problems {
		if _, err := graders.Get(problems[i].Grader); err != nil {
			return nil, fail(exitBadInput, "--grader NAME grades all rows by another", fmt.Errorf("problem %s: %w", problems[i].ID, err))
		}
	}
	return problems, nil
}

func (a *asking) options(n, k, t int) (rsa.Options, error) {
	prompt := a.prompt
	prompt.StripThinking = !a.keepThought
	o := rsa.Options{
		N: n, K: k, T: t, Prompt: prompt, Seed: a.seed,
		Sampling:    data.Sampling{Temperature: a.temperature, MaxTokens: a.maxTokens},
		Concurrency: a.concurrency, Graders: a.graders, Deadline: a.deadline, Price: a.text.price,
	}
	if err := o.Check(); err != nil {
		return o, fail(exitUsage, "", err)
	}
	return o, nil
}

// settings are what the folder is bound to.
func (a *asking) settings(o rsa.Options, problems []data.Problem) (rsa.Settings, error) {
	s, err := rsa.NewSettings(o, problems)
	if err != nil {
		return nil, fail(exitUsage, "--answer is boxed, tags, letter or plain; --templates is a folder", err)
	}
	s["engine"] = "real"
	a.text.settings(s)
	if a.simulate {
		sim := a.simulated
		s["engine"] = fmt.Sprintf("simulated (accuracy %v, direct %v, tokens %d, fail rate %v)", sim.Accuracy, sim.Direct, sim.Tokens, sim.FailRate)
		if o.Verify {
			s["engine"] += fmt.Sprintf(" judging %v", a.judge)
		}
	}
	return s, nil
}

// connect reaches the engines.
func (a *asking) connect(ctx context.Context) (*rsa.Engines, error) {
	endpoints, err := a.endpoints(ctx)
	if err != nil {
		return nil, fail(exitUsage, "", err)
	}
	engines, err := rsa.Connect(ctx, endpoints, rsa.Patience{GiveUp: a.giveUp})
	if err != nil {
		return nil, askingError(err)
	}
	return engines, nil
}

func (a *asking) endpoints(ctx context.Context) ([]rsa.Endpoint, error) {
	if a.simulate {
		eng, err := simulated.New(simulated.Options{Simulated: a.simulated, Judge: a.judge})
		return []rsa.Endpoint{{Name: "the simulated engine", Engine: eng}}, err
	}
	var list []rsa.Endpoint
	for _, url := range a.urls {
		text, err := a.text.asText(ctx, url)
		if err != nil {
			return nil, err
		}
		if text {
			eng, err := a.text.client(url, a.prompt.Format == "chat", a.concurrency, a.giveUp)
			if err != nil {
				return nil, err
			}
			list = append(list, rsa.Endpoint{Name: eng.URL(), Engine: eng})
			continue
		}
		renew := func() (engine.Engine, error) {
			return engine.NewHTTP(url, engine.Options{Concurrency: a.concurrency})
		}
		eng, err := renew()
		if err != nil {
			return nil, err
		}
		list = append(list, rsa.Endpoint{Name: url, Engine: eng, Renew: renew})
	}
	return list, nil
}

// openFolder takes the folder of a run, with hints for what can be wrong.
func openFolder(dir string, s rsa.Settings) (*rsa.Folder, error) {
	f, err := rsa.OpenFolder(dir, s)
	if err != nil {
		return nil, askingError(err)
	}
	return f, nil
}

// run asks for what the folder's journal lacks and hands the whole to finish.
func (a *asking) run(cmd *cobra.Command, f *rsa.Folder, o rsa.Options, problems []data.Problem, graders *reward.Set,
	finish func(*rsa.Journal, rsa.Report) error) (err error) {
	engines, err := a.connect(cmd.Context())
	if err != nil {
		return err
	}
	defer engines.Close()
	introduce(cmd.ErrOrStderr(), engines.Info())
	if err := o.Resolve(engines.Info().MaxModelLen); err != nil {
		return fail(exitUsage, "", err)
	}
	if err := f.Pin(engines.Info()); err != nil {
		return askingError(err)
	}
	shape := o.Shape(len(problems))
	journal, err := f.Journal(shape)
	if err != nil {
		return askingError(err)
	}
	defer func() { err = errors.Join(err, askingError(journal.Close())) }()
	line := newAskingLine(cmd.ErrOrStderr(), engines.Info().Simulated)
	if n := journal.Count(); n > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "going on with %s: %d of %d rollouts are there\n", f.Dir, n, shape.Size())
	}
	o.Progress = line.show
	report, err := rsa.Run(cmd.Context(), o, problems, engines, graders, journal)
	line.end()
	if err != nil {
		return askingError(err)
	}
	return finish(journal, report)
}

// askingError gives the ways in which a run ends their exit codes and hints.
func askingError(err error) error {
	var status *engine.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status) && (status.Code == http.StatusUnauthorized || status.Code == http.StatusForbidden):
		return fail(exitUnreachable, "the API key comes from the variable that --api-key-env names; "+defaultKeyEnv+" by default, over https only", err)
	case errors.Is(err, rsa.ErrBudget):
		return fail(exitPartial, "what was answered is kept; the same command with a larger --max-cost goes on from here", err)
	case errors.Is(err, context.Canceled):
		return fail(exitInterrupt, "", errors.New("stopped; the same command goes on from here"))
	case errors.Is(err, rsa.ErrUnreachable):
		return fail(exitUnreachable, "is the engine up, and its address right? the same command goes on from here", err)
	case errors.Is(err, rsa.ErrRefused):
		return fail(exitUnreachable, "", err)
	case errors.Is(err, rsa.ErrUnlike):
		return fail(exitUsage, "engines that share a run serve the same model under the same name", err)
	case errors.Is(err, rsa.ErrSettings):
		return fail(exitUsage, "repeat the call that made it, or choose another folder or file", err)
	case errors.Is(err, rsa.ErrInUse):
		return fail(exitBadInput, "wait for the other process, or choose another folder or file", err)
	case errors.Is(err, rsa.ErrForeign):
		return fail(exitBadInput, "choose an empty folder or a new one", err)
	case errors.Is(err, rsa.ErrCorrupt):
		return fail(exitBadInput, "", err)
	}
	return fail(exitFailure, "", err)
}

// partly is the end of a run in which samples failed; nil if none did.
func partly(failed, ungraded, all int) error {
	if failed+ungraded == 0 {
		return nil
	}
	return fail(exitPartial, "they are left out of all means; the archive's columns error and reason say why",
		fmt.Errorf("of %d samples %d failed and %d could not be graded", all, failed, ungraded))
}
