package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
	"github.com/ropewalk/ropewalk/rollout/queue"
	"github.com/ropewalk/ropewalk/rollout/worker"
	"github.com/ropewalk/ropewalk/rollout/worker/onqueue"
)

// maxExtend is between extensions of a lease: cheap, so that a worker that was
// not told of a shorter lease than usual still holds its jobs.
const maxExtend = 3 * time.Second

// workerFlags are what the command line says; flags that were set override the
// configuration file.
type workerFlags struct {
	config, run, name, engine string
	simulated, parent         bool
	verbose                   bool
	queue                     config.Queue
	settings                  config.Engine
	tokenFile                 string
	weightsTimeout            time.Duration
}

func newWorkerCommand() *cobra.Command {
	var f workerFlags
	cmd := &cobra.Command{
		Use:   "worker --nats URL --engine URL",
		Short: "Work for a run: beside an inference engine, answer its prompts",
		Long: "worker takes jobs from a run's queue, has the engine beside it answer them, and publishes each sample\n" +
			"as soon as it is done. It loads every policy version that the run announces, and serves none that the\n" +
			"probe beside the weights has not proven. Workers join and leave at any time; what a lost one had not\n" +
			"finished goes to another.\n\n" +
			"The engine speaks vLLM's protocol and should listen on the loopback address, with this worker its only\n" +
			"caller. vLLM must be started with VLLM_SERVER_DEV_MODE=1 and --logprobs-mode processed_logprobs.\n\n" +
			"Ctrl-C gives unfinished jobs back within seconds, a second one leaves at once. Exit code 7 says that the\n" +
			"engine must be restarted.",
		Example: "  ropewalk worker --nats nats://coordinator:4222 --run demo --engine http://127.0.0.1:8000\n" +
			"  ropewalk worker --config runs/demo/config.yaml --nats nats://coordinator:4222 --engine http://127.0.0.1:8000 --concurrency 256\n" +
			"  ropewalk worker --nats nats://127.0.0.1:4222 --simulated",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.work(cmd) },
	}
	flags := cmd.Flags()
	def := config.Default()
	flags.StringVar(&f.config, "config", "", "run configuration; flags override its sections engine and queue")
	flags.StringVar(&f.queue.URL, "nats", "", "URL of the run's NATS server")
	flags.StringVar(&f.run, "run", "", "name of the run (default: the only one on the server)")
	flags.StringVar(&f.engine, "engine", "", "URL of the engine")
	flags.BoolVar(&f.simulated, "simulated", false, "simulate the engine inside this process, in place of --engine")
	flags.StringVar(&f.name, "name", "", "name in logs and status, unique in the run (default: host and process id)")
	flags.IntVar(&f.settings.Concurrency, "concurrency", def.Engine.Concurrency, "samples in the engine at a time")
	flags.IntVar(&f.settings.SamplesPerRequest, "samples-per-request", def.Engine.SamplesPerRequest, "samples of a group that share a request")
	flags.Float64Var(&f.settings.ProbeTolerance, "probe-tolerance", 0, "accepted difference of the probe in nats; 0 chooses by dtype (1e-3 or 0.15)")
	flags.DurationVar(&f.settings.StartTimeout, "start-timeout", def.Engine.StartTimeout, "how long the engine may take to start or return")
	flags.DurationVar(&f.settings.StallTimeout, "stall-timeout", def.Engine.StallTimeout, "how long the engine may make no progress with work in it")
	flags.DurationVar(&f.weightsTimeout, "weights-timeout", 30*time.Minute, "how long the run may take to announce its first weights")
	flags.DurationVar(&f.queue.Lease, "lease", def.Queue.Lease, "the run's queue.lease, where that is below 9s: leases are extended three times in it")
	flags.StringVar(&f.queue.Credentials, "credentials", "", "NATS creds file")
	flags.StringVar(&f.tokenFile, "token-file", "", "file with the NATS server's token")
	flags.StringVar(&f.queue.CA, "ca", "", "TLS: PEM file of the authority (default: the system's)")
	flags.StringVar(&f.queue.Cert, "cert", "", "TLS: PEM file of the client certificate")
	flags.StringVar(&f.queue.Key, "key", "", "TLS: PEM file of its key")
	flags.BoolVar(&f.parent, "exit-with-parent", false, "leave when standard input closes")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "log more")
	return cmd
}

func (f *workerFlags) work(cmd *cobra.Command) error {
	if err := f.resolve(cmd); err != nil {
		return err
	}
	if f.parent {
		exitWithParent(cmd.InOrStdin())
	}
	log := newLogger(cmd.ErrOrStderr(), f.verbose).With("worker", f.name)
	e, err := f.newEngine()
	if err != nil {
		return fail(exitUsage, "", err)
	}
	o, err := f.connection(cmd.Context())
	if err != nil {
		return workerError(err)
	}
	o.Log = log
	conn, err := queue.Connect(cmd.Context(), o)
	if err != nil {
		return workerError(err)
	}
	defer conn.Close()
	log.Info("working", "run", o.Run, "engine", cmp.Or(f.engine, "simulated, in this process"))
	err = worker.New(onqueue.New(conn, f.weightsTimeout), e, worker.Options{
		Name: f.name, Concurrency: f.settings.Concurrency, SamplesPerRequest: f.settings.SamplesPerRequest,
		Tolerance: f.settings.ProbeTolerance, StartTimeout: f.settings.StartTimeout, WeightsTimeout: f.weightsTimeout,
		Hold: f.queue.Lease, Extend: min(f.queue.Lease/3, maxExtend), Log: log,
	}).Run(cmd.Context())
	if err == nil && cmd.Context().Err() != nil {
		return fail(exitInterrupt, "", errors.New("stopped; unfinished jobs were given back"))
	}
	return workerError(err)
}

// resolve takes from the configuration what no flag says.
func (f *workerFlags) resolve(cmd *cobra.Command) error {
	if f.config != "" {
		cfg, err := config.Load(f.config, nil, os.Environ())
		if err != nil {
			return fail(exitUsage, "`ropewalk config schema` lists every key", err)
		}
		f.override(cmd, cfg)
	}
	switch {
	case f.queue.URL == "":
		return fail(exitUsage, "train prints the URL of the server it embeds", errors.New("no NATS server: give --nats URL"))
	case (f.engine == "") == !f.simulated:
		return fail(exitUsage, "", errors.New("name one engine: --engine URL, or --simulated"))
	case f.settings.Concurrency < 1 || f.settings.SamplesPerRequest < 1 || f.queue.Lease < time.Second:
		return fail(exitUsage, "", fmt.Errorf("--concurrency %d, --samples-per-request %d, --lease %s: want at least 1, 1 and 1s",
			f.settings.Concurrency, f.settings.SamplesPerRequest, f.queue.Lease))
	}
	if f.name == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "worker"
		}
		f.name = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	return nil
}

// override lays the flags that were set over the configuration.
func (f *workerFlags) override(cmd *cobra.Command, cfg *config.Config) {
	said, saidQueue := f.settings, f.queue
	f.settings, f.queue = cfg.Engine, cfg.Queue
	e, q := &f.settings, &f.queue
	for name, take := range map[string]func(){
		"concurrency":         func() { e.Concurrency = said.Concurrency },
		"samples-per-request": func() { e.SamplesPerRequest = said.SamplesPerRequest },
		"probe-tolerance":     func() { e.ProbeTolerance = said.ProbeTolerance },
		"start-timeout":       func() { e.StartTimeout = said.StartTimeout },
		"stall-timeout":       func() { e.StallTimeout = said.StallTimeout },
		"nats":                func() { q.URL = saidQueue.URL },
		"lease":               func() { q.Lease = saidQueue.Lease },
		"credentials":         func() { q.Credentials = saidQueue.Credentials },
		"ca":                  func() { q.CA = saidQueue.CA },
		"cert":                func() { q.Cert = saidQueue.Cert },
		"key":                 func() { q.Key = saidQueue.Key },
	} {
		if cmd.Flags().Changed(name) {
			take()
		}
	}
}

func (f *workerFlags) newEngine() (engine.Engine, error) {
	if f.simulated {
		return simulated.New(simulated.Options{Simulated: f.settings.Simulated, Context: f.settings.Context, Stall: f.settings.StallTimeout})
	}
	if u, err := url.Parse(f.engine); err == nil && u.Host != "" && strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("--engine %s: %w: an address with a path is an OpenAI-compatible endpoint; those serve `rsa` and `sample`, not `train`", f.engine, engine.ErrNoTokenIDs)
	}
	return engine.NewHTTP(f.engine, engine.Options{Concurrency: f.settings.Concurrency, Stall: f.settings.StallTimeout})
}

// connection finds the run if it was not named.
func (f *workerFlags) connection(ctx context.Context) (queue.Options, error) {
	q := f.queue
	o := queue.Options{URL: q.URL, Credentials: q.Credentials, CA: q.CA, Cert: q.Cert, Key: q.Key, Name: "worker " + f.name}
	if f.tokenFile != "" {
		token, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return o, fail(exitBadInput, "", fmt.Errorf("token file: %w", err))
		}
		o.Token = strings.TrimSpace(string(token))
	}
	if f.run != "" {
		o.Run = queue.RunID(f.run)
		return o, nil
	}
	runs, err := queue.Runs(ctx, o)
	if err != nil {
		return o, err
	}
	if len(runs) != 1 {
		return o, fail(exitUsage, "choose one with --run NAME; train sets a run up when it starts", fmt.Errorf("the server has %d runs: %s", len(runs), strings.Join(runs, ", ")))
	}
	o.Run = runs[0]
	return o, nil
}

// workerError gives the ways in which a worker ends their exit codes and hints.
func workerError(err error) error {
	var known *exitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, worker.ErrRefused):
		return fail(exitBadInput, "", err)
	case errors.Is(err, worker.ErrEngineBad):
		return fail(exitEngine, "restart the engine; tied models must be started from an export, where the head is written out", err)
	case errors.Is(err, worker.ErrEngineGone):
		return fail(exitUnreachable, "is the engine up, and --engine right?", err)
	case errors.Is(err, worker.ErrQueueGone), errors.Is(err, queue.ErrUnreachable):
		return fail(exitUnreachable, "is the NATS server up, and --nats right?", err)
	case errors.Is(err, worker.ErrNoWeights):
		return fail(exitFailure, "is the coordinator running, and does this machine see the run's folder?", err)
	case errors.Is(err, context.Canceled):
		return fail(exitInterrupt, "", errors.New("stopped"))
	}
	return fail(exitFailure, "", err)
}
