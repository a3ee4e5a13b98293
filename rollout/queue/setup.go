package queue

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// Keys of the streams' metadata.
const (
	runKey   = "ropewalk.run"
	wireKey  = "ropewalk.wire"
	leaseKey = "ropewalk.lease" // of jobs; for whoever makes the consumer

	originKey = "ropewalk.origin" // which run of this name

	wireVersion = "1" // of frames and subjects
)

const (
	// workers is the one consumer of jobs: all workers of a run pull from it.
	workers = "workers"
	// maxPending and maxWaiting are above any fleet's jobs and pulls in flight: the
	// server's own defaults (1000 and 512) would hold jobs back without a word.
	maxPending = 1 << 16
	maxWaiting = 1 << 14
)

// Setup makes the run's streams on the server, or checks those that are there.
// It is the coordinator's to call, as often as it likes.
func (c *Conn) Setup(ctx context.Context) error {
	group, all := errgroup.WithContext(ctx)
	for _, want := range c.keptStreams() {
		group.Go(func() error {
			return c.retry(all, "setting up stream "+want.Name, func(ctx context.Context) error { return c.ensure(ctx, want) })
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var created time.Time
	err := c.retry(ctx, "setting up the stream of jobs", func(ctx context.Context) (err error) {
		created, err = c.openJobs(ctx)
		return err
	})
	if err != nil {
		return err
	}
	c.jobs.settle(created)
	c.keeping.Do(func() { go c.keep() })
	_, err = c.watchPresence()
	return err
}

// openConsumer finds or makes the consumer of jobs. Like the jobs, its state is in
// the server's memory. (On disk it would be written some time after the fact, so
// that a server which was killed comes back with a state that does not fit the
// stream, and jobs that were never acknowledged are taken for acknowledged and never
// handed out.) Made anew, by whoever misses it first, the consumer begins with all
// jobs in the stream. Those being worked on are then handed out once more, which
// costs work and, as the first write wins, nothing else.
func (c *Conn) openConsumer(ctx context.Context) (jetstream.Consumer, error) {
	stream, err := c.js.Stream(ctx, c.names.jobs())
	if err != nil {
		return nil, err
	}
	config := stream.CachedInfo().Config
	lease, err := time.ParseDuration(config.Metadata[leaseKey])
	if err != nil {
		return nil, fmt.Errorf("%w: stream %s: lease: %w", ErrOtherConfig, config.Name, err)
	}
	return stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: workers, AckPolicy: jetstream.AckExplicitPolicy, MemoryStorage: true, Replicas: config.Replicas,
		// No BackOff: it would take the place of AckWait. No MaxDeliver: the job would
		// stay in the stream for ever, undelivered; who pulls sees Deliveries.
		AckWait: lease, MaxDeliver: -1,
		MaxAckPending: maxPending, MaxWaiting: maxWaiting,
	})
}

// common is what all of a run's streams share: one message per subject.
func (c *Conn) common(name, subjects string) jetstream.StreamConfig {
	return jetstream.StreamConfig{Name: name, Subjects: []string{c.names.subject(subjects)},
		Replicas: c.options.Replicas, MaxMsgsPerSubject: 1, MaxMsgSize: MaxMessage, AllowDirect: true,
		Metadata: map[string]string{runKey: c.options.Run, wireKey: wireVersion, originKey: c.options.Origin}}
}

// jobStream refuses a second job of a group while the first is open, and keeps
// nothing on disk: see keeper.
func (c *Conn) jobStream() jetstream.StreamConfig {
	jobs := c.common(c.names.jobs(), "job.*")
	jobs.Storage, jobs.Retention = jetstream.MemoryStorage, jetstream.WorkQueuePolicy
	jobs.Discard, jobs.DiscardNewPerSubject = jetstream.DiscardNew, true
	jobs.Metadata[leaseKey] = c.options.Lease.String()
	return jobs
}

// keptStreams are the state, where a new message takes the place of the old, and
// the results, where it is refused.
func (c *Conn) keptStreams() []jetstream.StreamConfig {
	kept := []jetstream.StreamConfig{c.common(c.names.state(), "state.*")}
	for shard := range shards {
		results := c.common(c.names.results(shard), fmt.Sprintf("res.%d.*.*", shard))
		results.Discard, results.DiscardNewPerSubject = jetstream.DiscardNew, true
		kept = append(kept, results)
	}
	for i := range kept {
		if kept[i].Storage = jetstream.FileStorage; c.options.Durability == Memory {
			kept[i].Storage = jetstream.MemoryStorage
		}
	}
	return kept
}

// ensure creates a stream unless it is there; then it must be as wanted.
func (c *Conn) ensure(ctx context.Context, want jetstream.StreamConfig) error {
	_, err := c.js.CreateStream(ctx, want)
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode != jetstream.JSErrCodeStreamNameInUse && api.Code != http.StatusServiceUnavailable {
		return &hopeless{err} // for instance more replicas than servers
	}
	if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return err
	}
	stream, err := c.js.Stream(ctx, want.Name)
	if err != nil {
		return err
	}
	// First write wins: samples of another run, or of one in a folder since deleted,
	// would be taken for this one's.
	if w, f := want.Metadata[originKey], stream.CachedInfo().Config.Metadata[originKey]; w != f {
		return fmt.Errorf("%w: stream %s is of run folder id %q, this one's is %q", ErrOtherRun, want.Name, f, w)
	}
	if diff := differences(want, stream.CachedInfo().Config); len(diff) > 0 {
		return fmt.Errorf("%w: stream %s: %s; continue the run as it was begun, or choose another name for it",
			ErrOtherConfig, want.Name, strings.Join(diff, "; "))
	}
	if stream.CachedInfo().Config.Metadata[leaseKey] == want.Metadata[leaseKey] {
		return nil
	}
	_, err = c.js.UpdateStream(ctx, want) // the lease may change with a resumed run
	return err
}

// ErrOtherConfig is of a run whose streams were made with other options.
var ErrOtherConfig = errors.New("the run is on this NATS server already, with other options")

// ErrOtherRun is of streams that another run of the same name left.
var ErrOtherRun = errors.New("another run of this name has used this NATS server")

func differences(want, found jetstream.StreamConfig) []string {
	var out []string
	compare := func(name string, want, found any) {
		if w, f := fmt.Sprint(want), fmt.Sprint(found); w != f {
			out = append(out, fmt.Sprintf("%s is %s, expected %s", name, f, w))
		}
	}
	compare("run", want.Metadata[runKey], found.Metadata[runKey])
	compare("wire format", want.Metadata[wireKey], found.Metadata[wireKey])
	compare("storage (durability)", want.Storage, found.Storage)
	compare("replicas", want.Replicas, found.Replicas)
	compare("subjects", want.Subjects, found.Subjects)
	compare("retention", want.Retention, found.Retention)
	compare("discard", want.Discard, found.Discard)
	compare("discard new per subject", want.DiscardNewPerSubject, found.DiscardNewPerSubject)
	compare("messages per subject", want.MaxMsgsPerSubject, found.MaxMsgsPerSubject)
	compare("message size", want.MaxMsgSize, found.MaxMsgSize)
	return out
}
