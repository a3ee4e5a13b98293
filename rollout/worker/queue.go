package worker

import (
	"context"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

// Queue is what a worker needs of the queue: jobs, results, and the run.
type Queue interface {
	Jobs
	Results
	Run
}

// Jobs hands out leases.
type Jobs interface {
	// Fetch gives up to n jobs, waiting for the first for at most wait. None is
	// not an error.
	Fetch(ctx context.Context, n int, wait time.Duration) ([]Lease, error)
}

// Results takes samples; the first of a slot wins.
type Results interface {
	// Stored says which slots of a group of the size are there already.
	Stored(ctx context.Context, group data.GroupID, size int) ([]bool, error)
	// PublishResult returns once the sample is durable; stored is false if the
	// slot had one.
	PublishResult(ctx context.Context, r data.Rollout) (stored bool, err error)
}

// Run is what binds the worker to its run.
type Run interface {
	Beat(ctx context.Context, p Presence) error
	// Peers are the other workers' last heartbeats, as far as they are known.
	Peers() []Presence
	// OnCancel calls cancelled with groups that nobody waits for any more, until
	// ctx ends. It returns once it listens.
	OnCancel(ctx context.Context, cancelled func([]data.GroupID)) error
	// WatchWeights delivers the weights to serve: the current ones at once, if
	// there are any, then each new announcement. The channel closes with ctx, or
	// when the run is lost.
	WatchWeights(ctx context.Context) (<-chan Weights, error)
	// ServeTokenize answers the coordinator's questions until ctx ends. It returns
	// once it listens.
	ServeTokenize(ctx context.Context, tokenize func(context.Context, []data.Prompt) ([][]int32, error)) error
}

// Lease is a job that is ours until it is settled by Done or Retry, or
// until we have not extended it for the queue's lease time.
type Lease interface {
	Job() data.Job
	Deliveries() int // how often the job was handed out, this time included
	Extend() error
	Done(ctx context.Context) error
	// Retry gives the job back for another worker, after delay.
	Retry(delay time.Duration, reason string) error
}

// Weights is an announcement of a policy version.
type Weights struct {
	Version int
	Dir     string // where the worker's engine finds the export
	SHA     string // of the export, "" if not announced
}

// Presence is a worker's heartbeat.
type Presence struct {
	Worker      string
	Engine      string // name and version
	Model       string
	Fingerprint string // of its tokenizer
	State       State
	Version     int    // policy version served, -1 before the first
	Running     int    // samples in the engine
	Done        int64  // samples stored since it started
	Tokens      int64  // completion tokens of these
	Waiting     string // whom for, "" if it serves
	Left        bool   // its last heartbeat
}

// State is what a worker does.
type State string

// The states, in the order of a life.
const (
	Starting   State = "starting"    // waits for its engine
	Idle       State = "idle"        // waits for the first weights
	Loading    State = "loading"     // has the engine read weights
	Proving    State = "proving"     // compares the probe
	Serving    State = "serving"     // takes jobs
	EngineDown State = "engine_down" // waits for its engine to return
	Stalled    State = "stalled"     // its engine hangs: it exits
	Dirty      State = "dirty"       // its engine's weights are unknown: it exits
	Stopping   State = "stopping"    // gives its jobs back
)
