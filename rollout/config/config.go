// Package config holds a run's configuration: one struct, the meaning,
// constraint and default of each field in its comment, read strictly from YAML
// by viper. It is the only importer of viper.
package config

import "time"

// Config is everything a run is told. The resolved form is written into the
// run folder as config.yaml; the trainer reads its sections model, trainer and
// sampling from there.
type Config struct {
	Run       Run       `mapstructure:"run" yaml:"run" json:"run"`
	Model     Model     `mapstructure:"model" yaml:"model" json:"model"`
	Data      Data      `mapstructure:"data" yaml:"data" json:"data"`
	Recipe    Recipe    `mapstructure:"recipe" yaml:"recipe" json:"recipe"`
	Prompt    Prompt    `mapstructure:"prompt" yaml:"prompt" json:"prompt"`
	Sampling  Sampling  `mapstructure:"sampling" yaml:"sampling" json:"sampling"`
	Advantage Advantage `mapstructure:"advantage" yaml:"advantage" json:"advantage"`
	Grading   Grading   `mapstructure:"grading" yaml:"grading" json:"grading"`
	Queue     Queue     `mapstructure:"queue" yaml:"queue" json:"queue"`
	Engine    Engine    `mapstructure:"engine" yaml:"engine" json:"engine"`
	Trainer   Trainer   `mapstructure:"trainer" yaml:"trainer" json:"trainer"`
}

// Run names the run and says when it ends.
type Run struct {
	Dir  string `mapstructure:"dir" yaml:"dir" json:"dir"`    // run folder; required
	Seed int64  `mapstructure:"seed" yaml:"seed" json:"seed"` // root of everything random; default 1
	// Steps is the number of trainer steps; required, at least 1.
	Steps int `mapstructure:"steps" yaml:"steps" json:"steps"`
	// Tokens ends the run after the first step at which this many completion
	// tokens have been generated; 0 for no such limit.
	Tokens int64 `mapstructure:"tokens" yaml:"tokens" json:"tokens"`
	// Stall is how long nothing may happen before the run says who waits for
	// whom; default 60s.
	Stall time.Duration `mapstructure:"stall" yaml:"stall" json:"stall"`
	// GiveUp is how long nothing may happen before the run fails; default 30m.
	GiveUp time.Duration `mapstructure:"give_up" yaml:"give_up" json:"give_up"`
}

// Model is the policy.
type Model struct {
	Path  string `mapstructure:"path" yaml:"path" json:"path"`    // Hugging Face folder; required unless the engine is simulated
	Dtype string `mapstructure:"dtype" yaml:"dtype" json:"dtype"` // of exports and engines: float32 | bfloat16; default bfloat16
}

// Data is where problems come from.
type Data struct {
	// Train lists dataset files; at least one. Their problems are shuffled
	// together, once per epoch, by the run's seed.
	Train []Source `mapstructure:"train" yaml:"train" json:"train"`
	// SkipBad counts and reports bad rows instead of stopping at the first.
	SkipBad bool `mapstructure:"skip_bad" yaml:"skip_bad" json:"skip_bad"`
}

// Source is one dataset file.
type Source struct {
	Path   string `mapstructure:"path" yaml:"path" json:"path"`                 // .parquet or .jsonl; required
	Name   string `mapstructure:"name" yaml:"name,omitempty" json:"name"`       // default: the row's own, else the file's base name
	Grader string `mapstructure:"grader" yaml:"grader,omitempty" json:"grader"` // default: by the row
	Limit  int    `mapstructure:"limit" yaml:"limit,omitempty" json:"limit"`    // first rows only; 0 for all
}

// Recipe decides which prompt comes next.
type Recipe struct {
	GroupSize      int `mapstructure:"group_size" yaml:"group_size" json:"group_size"`                   // G, rollouts of one prompt; default 8, at least 2
	GroupsPerBatch int `mapstructure:"groups_per_batch" yaml:"groups_per_batch" json:"groups_per_batch"` // prompts of one trainer step; default 64
	// Mix lists the kinds of prompt with their weights; default direct alone.
	Mix []Mix `mapstructure:"mix" yaml:"mix" json:"mix"`
	// Pool is the Parquet file of candidates that source pool draws on.
	Pool string `mapstructure:"pool" yaml:"pool" json:"pool"`
	// CacheSize is how many recent rollouts of a problem source cache keeps;
	// default 16.
	CacheSize int `mapstructure:"cache_size" yaml:"cache_size" json:"cache_size"`
	// MaxStaleness is the largest difference between the version a batch trains
	// and the oldest version in its rollouts; default 0, strictly on-policy.
	MaxStaleness int `mapstructure:"max_staleness" yaml:"max_staleness" json:"max_staleness"`
	// DropZeroVariance replaces groups whose rewards are all equal; default true.
	DropZeroVariance bool `mapstructure:"drop_zero_variance" yaml:"drop_zero_variance" json:"drop_zero_variance"`
	// MaxDrops fails the run if one batch drops more than this many times
	// groups_per_batch groups; default 20.
	MaxDrops int `mapstructure:"max_drops" yaml:"max_drops" json:"max_drops"`
}

// Mix is one kind of prompt.
type Mix struct {
	Kind   string  `mapstructure:"kind" yaml:"kind" json:"kind"`                 // direct | refine | aggregate
	Weight float64 `mapstructure:"weight" yaml:"weight" json:"weight"`           // share of groups; positive
	K      int     `mapstructure:"k" yaml:"k,omitempty" json:"k"`                // candidates; aggregate only, default 4
	Source string  `mapstructure:"source" yaml:"source,omitempty" json:"source"` // pool | policy | cache; not for direct
	Rounds int     `mapstructure:"rounds" yaml:"rounds,omitempty" json:"rounds"` // policy: rounds after the direct one; default 1
	Mixed  bool    `mapstructure:"mixed" yaml:"mixed,omitempty" json:"mixed"`    // policy: skip populations that are all right or all wrong
}

// Prompt is how prompts are rendered.
type Prompt struct {
	Format    string `mapstructure:"format" yaml:"format" json:"format"`          // chat | text; default chat
	Answer    string `mapstructure:"answer" yaml:"answer" json:"answer"`          // boxed | tags | letter | plain: which built-in templates; default boxed
	Templates string `mapstructure:"templates" yaml:"templates" json:"templates"` // folder of KIND.tmpl files used instead; "" for the built-in ones
	// MaxTokens is the budget of a rendered prompt; default 8192. Longer ones have
	// their candidates cut by the rule in docs/architecture.md.
	MaxTokens int `mapstructure:"max_tokens" yaml:"max_tokens" json:"max_tokens"`
	// StripThinking removes <think>…</think> from candidates; default true.
	StripThinking bool `mapstructure:"strip_thinking" yaml:"strip_thinking" json:"strip_thinking"`
}

// Sampling is how completions are drawn.
type Sampling struct {
	Temperature float64 `mapstructure:"temperature" yaml:"temperature" json:"temperature"` // default 1; above 0
	MaxTokens   int     `mapstructure:"max_tokens" yaml:"max_tokens" json:"max_tokens"`    // per completion; default 2048
	// TopP must stay 1, neutral: a truncated distribution's log-probabilities are
	// not the policy's.
	TopP float64 `mapstructure:"top_p" yaml:"top_p" json:"top_p"`
	// TopK must stay 0, neutral, for the same reason.
	TopK int `mapstructure:"top_k" yaml:"top_k" json:"top_k"`
}

// Advantage names the estimator.
type Advantage struct {
	Estimator string  `mapstructure:"estimator" yaml:"estimator" json:"estimator"` // rloo | grpo | dr_grpo | reinforce | maxrl | pass_at_k; default rloo
	Epsilon   float64 `mapstructure:"epsilon" yaml:"epsilon" json:"epsilon"`       // grpo's divisor guard; default 1e-6
	K         int     `mapstructure:"k" yaml:"k" json:"k"`                         // pass_at_k only; default 4
}

// Grading bounds the graders.
type Grading struct {
	Workers  int           `mapstructure:"workers" yaml:"workers" json:"workers"`    // default: number of CPUs
	Deadline time.Duration `mapstructure:"deadline" yaml:"deadline" json:"deadline"` // last guard of one answer; default 10s
	// Commands are the user's programs for the grader command.
	Commands []Command `mapstructure:"commands" yaml:"commands" json:"commands"`
	// Services are the user's services for the grader http.
	Services []Service `mapstructure:"services" yaml:"services" json:"services"`
}

// Command is a program that grades, talking JSON lines.
type Command struct {
	Name    string   `mapstructure:"name" yaml:"name" json:"name"`                    // what rows say in meta.command; required
	Argv    []string `mapstructure:"argv" yaml:"argv" json:"argv"`                    // the program and its arguments, no shell; required
	Workers int      `mapstructure:"workers" yaml:"workers,omitempty" json:"workers"` // processes at a time, at most; 0 for one a CPU
}

// Service is an HTTP service that grades.
type Service struct {
	Name    string        `mapstructure:"name" yaml:"name" json:"name"`                    // what rows say in meta.service; required
	URL     string        `mapstructure:"url" yaml:"url" json:"url"`                       // where answers are posted, http or https; required
	Timeout time.Duration `mapstructure:"timeout" yaml:"timeout,omitempty" json:"timeout"` // of one try; 0 for as long as the answer has
}

// Queue is NATS JetStream.
type Queue struct {
	URL         string        `mapstructure:"url" yaml:"url" json:"url"`                         // "" embeds a server in the run folder
	Listen      string        `mapstructure:"listen" yaml:"listen" json:"listen"`                // embedded: host:port; default 127.0.0.1:0
	Credentials string        `mapstructure:"credentials" yaml:"credentials" json:"credentials"` // NATS creds file
	CA          string        `mapstructure:"ca" yaml:"ca" json:"ca"`                            // TLS: PEM of the authority; "" for the system's
	Cert        string        `mapstructure:"cert" yaml:"cert" json:"cert"`                      // TLS: client certificate
	Key         string        `mapstructure:"key" yaml:"key" json:"key"`                         // TLS: its key
	Durability  string        `mapstructure:"durability" yaml:"durability" json:"durability"`    // fsync | interval | memory; default fsync
	Lease       time.Duration `mapstructure:"lease" yaml:"lease" json:"lease"`                   // a job unheard of for so long goes to another worker; default 30s
	Replicas    int           `mapstructure:"replicas" yaml:"replicas" json:"replicas"`          // external clusters; default 1
}

// Engine is inference.
type Engine struct {
	Kind string `mapstructure:"kind" yaml:"kind" json:"kind"` // small | vllm | simulated | external; default vllm
	// Workers is how many local worker and engine pairs train starts; default 1,
	// 0 to wait for workers that join by themselves.
	Workers int `mapstructure:"workers" yaml:"workers" json:"workers"`
	// URLs are of engines already running, one worker each; kind external only.
	URLs []string `mapstructure:"urls" yaml:"urls" json:"urls"`
	// Concurrency is how many samples one engine works on at a time; default 64.
	Concurrency int `mapstructure:"concurrency" yaml:"concurrency" json:"concurrency"`
	// SamplesPerRequest is how many samples of a group share one request. 1, the
	// default, loses least when a worker dies; more is cheaper for tiny models.
	SamplesPerRequest int `mapstructure:"samples_per_request" yaml:"samples_per_request" json:"samples_per_request"`
	// Context is the engine's context length in tokens; default 32768.
	Context int `mapstructure:"context" yaml:"context" json:"context"`
	// Args are further arguments of the engine's command line.
	Args []string `mapstructure:"args" yaml:"args" json:"args"`
	// Python runs the engine: "" for the environment scripts/venv installs.
	Python string `mapstructure:"python" yaml:"python" json:"python"`
	// StartTimeout bounds an engine's start; default 10m.
	StartTimeout time.Duration `mapstructure:"start_timeout" yaml:"start_timeout" json:"start_timeout"`
	// StallTimeout is how long an engine with work may make no progress before it
	// is restarted; default 2m.
	StallTimeout time.Duration `mapstructure:"stall_timeout" yaml:"stall_timeout" json:"stall_timeout"`
	// ProbeTolerance is the largest accepted difference in nats between an engine's
	// log-probabilities and the trainer's; 0 chooses by dtype (1e-3 or 0.15).
	ProbeTolerance float64 `mapstructure:"probe_tolerance" yaml:"probe_tolerance" json:"probe_tolerance"`
	// Simulated describes the simulated engine.
	Simulated Simulated `mapstructure:"simulated" yaml:"simulated" json:"simulated"`
}

// Simulated describes the simulated engine: no model, accuracy by formula.
type Simulated struct {
	// Accuracy[c] is the chance of a right answer with c right candidates in the
	// prompt; Accuracy[0] also of a direct one unless Direct is set. The last
	// entry serves all larger c. Default [0.4, 0.5, 0.7, 0.85, 0.95].
	Accuracy []float64     `mapstructure:"accuracy" yaml:"accuracy" json:"accuracy"`
	Direct   float64       `mapstructure:"direct" yaml:"direct" json:"direct"`          // default 0.4
	Tokens   int           `mapstructure:"tokens" yaml:"tokens" json:"tokens"`          // mean completion length; default 64
	Tail     float64       `mapstructure:"tail" yaml:"tail" json:"tail"`                // sigma of the log-normal lengths; default 0.5
	Latency  time.Duration `mapstructure:"latency" yaml:"latency" json:"latency"`       // per token; default 0
	FailRate float64       `mapstructure:"fail_rate" yaml:"fail_rate" json:"fail_rate"` // share of samples that fail for good; default 0
}

// Trainer is the PyTorch side. Its Python names are the same.
type Trainer struct {
	Start  bool   `mapstructure:"start" yaml:"start" json:"start"`    // train starts it; default true. False waits for one that reads the run folder
	Python string `mapstructure:"python" yaml:"python" json:"python"` // "" for the environment scripts/venv installs
	Device string `mapstructure:"device" yaml:"device" json:"device"` // auto | cpu | cuda; default auto
	// Threads bounds CPU threads; 0 leaves it to PyTorch.
	Threads int `mapstructure:"threads" yaml:"threads" json:"threads"`

	Loss     string  `mapstructure:"loss" yaml:"loss" json:"loss"`                // pg (truncated importance ratio) | ppo (clip); default pg
	RatioCap float64 `mapstructure:"ratio_cap" yaml:"ratio_cap" json:"ratio_cap"` // pg: ratio truncated above this; default 2
	ClipLow  float64 `mapstructure:"clip_low" yaml:"clip_low" json:"clip_low"`    // ppo: 1-clip_low; default 0.2
	ClipHigh float64 `mapstructure:"clip_high" yaml:"clip_high" json:"clip_high"` // ppo: 1+clip_high; default 0.2 (0.28 is DAPO's)
	KL       float64 `mapstructure:"kl" yaml:"kl" json:"kl"`                      // coefficient of the KL to the reference; default 0
	// Normalise divides the summed loss by: tokens (trained tokens of the batch) |
	// constant (sequences × sampling.max_tokens, Dr. GRPO); default tokens.
	Normalise string `mapstructure:"normalise" yaml:"normalise" json:"normalise"`

	LR          float64 `mapstructure:"lr" yaml:"lr" json:"lr"`                               // default 1e-6
	Schedule    string  `mapstructure:"schedule" yaml:"schedule" json:"schedule"`             // constant | cosine; default constant
	Warmup      int     `mapstructure:"warmup" yaml:"warmup" json:"warmup"`                   // steps; default 0
	MinLR       float64 `mapstructure:"min_lr" yaml:"min_lr" json:"min_lr"`                   // cosine's end, as a share of lr; default 0.1
	Beta1       float64 `mapstructure:"beta1" yaml:"beta1" json:"beta1"`                      // default 0.9
	Beta2       float64 `mapstructure:"beta2" yaml:"beta2" json:"beta2"`                      // default 0.99
	WeightDecay float64 `mapstructure:"weight_decay" yaml:"weight_decay" json:"weight_decay"` // default 0.01
	GradClip    float64 `mapstructure:"grad_clip" yaml:"grad_clip" json:"grad_clip"`          // global norm; default 1, 0 for none
	MicroTokens int     `mapstructure:"micro_tokens" yaml:"micro_tokens" json:"micro_tokens"` // tokens of one forward pass; default 16384
	// SharePrefix computes a group's prompt once for all its completions; default true.
	SharePrefix bool `mapstructure:"share_prefix" yaml:"share_prefix" json:"share_prefix"`
	// CheckpointEvery is in steps; default 10. The last step is always saved.
	CheckpointEvery int `mapstructure:"checkpoint_every" yaml:"checkpoint_every" json:"checkpoint_every"`
	KeepCheckpoints int `mapstructure:"keep_checkpoints" yaml:"keep_checkpoints" json:"keep_checkpoints"` // newest kept; default 2
	KeepWeights     int `mapstructure:"keep_weights" yaml:"keep_weights" json:"keep_weights"`             // newest exports kept beside version 0; default 3
	// MismatchWarn is the KL of sampler to trainer, in nats per token, above which
	// a step warns; default 0.01.
	MismatchWarn float64 `mapstructure:"mismatch_warn" yaml:"mismatch_warn" json:"mismatch_warn"`
}
