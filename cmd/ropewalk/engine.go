package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

// engineFlags are what the command line says; set flags override the
// configuration file.
type engineFlags struct {
	simulated bool
	config    string
	listen    string
	parent    bool
	delay     time.Duration
	options   simulated.Options
	faults    simulated.Faults
}

func newEngineCommand() *cobra.Command {
	var f engineFlags
	cmd := &cobra.Command{
		Use:   "engine --simulated",
		Short: "Serve the simulated inference engine over vLLM's protocol and OpenAI's",
		Long: "engine serves completions without a model: lengths, latencies, right and wrong answers follow from each\n" +
			"sample's seed and prompt alone. It serves trials of everything else, tests and capacity planning; what it\n" +
			"answers is marked as simulated everywhere. Its address is the first line of standard output.\n\n" +
			"Real engines are not started by this command: `vllm serve` is one, `python -m ropewalk_trainer.engine` another.",
		Example: "  ropewalk engine --simulated\n" +
			"  ropewalk engine --simulated --listen 127.0.0.1:8000 --latency 20ms --fail-rate 0.01\n" +
			"  ropewalk engine --simulated --throttle-rate 0.1 --retry-after 1s --capacity 32   # a hosted API on a bad day\n" +
			"  ropewalk engine --simulated --config examples/demo.yaml --hang-after 100",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.simulated, "simulated", false, "confirm that no model is wanted (required)")
	flags.StringVar(&f.config, "config", "", "run configuration whose section engine.simulated describes the engine")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	flags.BoolVar(&f.parent, "exit-with-parent", false, "leave when standard input closes")
	flags.DurationVar(&f.delay, "start-delay", 0, "answer 503 for so long, as an engine that reads its weights")
	def := config.Default().Engine
	o := &f.options
	flags.Float64SliceVar(&o.Accuracy, "accuracy", def.Simulated.Accuracy, "chance of a right answer by the number of right candidates in the prompt")
	flags.Float64Var(&o.Direct, "direct", def.Simulated.Direct, "chance of a right answer without candidates")
	flags.IntVar(&o.Tokens, "tokens", def.Simulated.Tokens, "mean length of a completion")
	flags.Float64Var(&o.Tail, "tail", def.Simulated.Tail, "sigma of the log-normal lengths")
	flags.DurationVar(&o.Latency, "latency", def.Simulated.Latency, "time per token")
	flags.Float64Var(&o.FailRate, "fail-rate", def.Simulated.FailRate, "share of samples that fail for good")
	flags.IntVar(&o.Context, "context", def.Context, "tokens of prompt and completion together")
	flags.IntVar(&o.HangAfter, "hang-after", 0, "hang from this many requests on while health checks answer; 0 for never")
	f.registerFaults(flags)
	return cmd
}

// registerFaults has the flags of what goes wrong on demand.
func (f *engineFlags) registerFaults(flags *pflag.FlagSet) {
	x := &f.faults
	flags.Float64Var(&x.Throttled, "throttle-rate", 0, "share of requests answered 429")
	flags.Float64Var(&x.Unavailable, "unavailable-rate", 0, "share of requests answered 503")
	flags.Float64Var(&x.Cut, "cut-rate", 0, "share of requests whose connection is cut")
	flags.Float64Var(&x.Slow, "slow-rate", 0, "share of requests answered late")
	flags.DurationVar(&x.SlowFor, "slow", time.Second, "how late")
	flags.DurationVar(&x.RetryAfter, "retry-after", 0, "sent with 429 and 503, in whole seconds")
	flags.IntVar(&x.Capacity, "capacity", 0, "requests in flight beyond which all are answered 429; 0 for no bound")
}

func (f *engineFlags) run(cmd *cobra.Command) error {
	if !f.simulated {
		return fail(exitUsage, "add --simulated; for a real engine see `vllm serve --help` or `python -m ropewalk_trainer.engine --help`",
			errors.New("engine serves the simulated engine only"))
	}
	if err := f.fromConfig(cmd); err != nil {
		return err
	}
	e, err := simulated.New(f.options)
	if err != nil {
		return fail(exitUsage, "", err)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fail(exitFailure, "another process may have the port; --listen 127.0.0.1:0 picks a free one", fmt.Errorf("listening on %s: %w", f.listen, err))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "http://%s\n", listener.Addr())
	if f.parent {
		exitWithParent(cmd.InOrStdin())
	}
	server := simulated.NewServer(e, f.delay)
	server.Faults = f.faults
	return serveEngine(cmd.Context(), listener, server)
}

// fromConfig takes from the file what no flag says.
func (f *engineFlags) fromConfig(cmd *cobra.Command) error {
	if f.config == "" {
		return nil
	}
	cfg, err := config.Load(f.config, nil, os.Environ())
	if err != nil {
		return fail(exitUsage, "`ropewalk config schema` lists every key", err)
	}
	said := f.options
	f.options.Simulated, f.options.Context = cfg.Engine.Simulated, cfg.Engine.Context
	o := &f.options
	for name, take := range map[string]func(){
		"accuracy": func() { o.Accuracy = said.Accuracy }, "direct": func() { o.Direct = said.Direct },
		"tokens": func() { o.Tokens = said.Tokens }, "tail": func() { o.Tail = said.Tail },
		"latency": func() { o.Latency = said.Latency }, "fail-rate": func() { o.FailRate = said.FailRate },
		"context": func() { o.Context = said.Context },
	} {
		if cmd.Flags().Changed(name) {
			take()
		}
	}
	return nil
}

// serveEngine serves until ctx ends, and then gives requests a second.
func serveEngine(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(bounded) != nil {
			_ = server.Close() // what still runs is cut
		}
	})()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fail(exitFailure, "", fmt.Errorf("serving: %w", err))
	}
	return nil
}
