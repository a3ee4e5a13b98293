package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/reward/advantage"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/queue"
)

// Options are what train is told beside the configuration.
type Options struct {
	Resume bool
	Self   string // path of this binary, for workers and the simulated engine
	Log    *slog.Logger
	Status io.Writer // progress lines for people
	Live   bool      // Status is a terminal
}

// training is a run being worked on.
type training struct {
	Options
	cfg     *config.Config
	folder  *Folder
	conn    *queue.Conn
	graders *reward.Set
	fleet   *Fleet
	store   *Store
	status  *status
}

// Train runs a configuration to its end: it returns nil once the last batch is
// trained and its weights are exported.
func Train(ctx context.Context, cfg *config.Config, problems []data.Problem, o Options) (err error) {
	folder, err := OpenFolder(cfg, o.Resume)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	for _, name := range EndLeftovers(folder.Dir) {
		o.Log.Warn("ended a process that an earlier attempt left behind", "process", name)
	}
	t := &training{Options: o, cfg: cfg, folder: folder, graders: Graders(cfg.Grading)}
	defer func() { err = errors.Join(err, t.graders.Close()) }()
	if err := t.checkProblems(problems); err != nil {
		return err
	}
	server, err := t.connect(ctx)
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Close()
	}
	defer t.conn.Close()
	loop, err := t.loop(problems)
	if err != nil {
		return err
	}
	return t.run(ctx, loop)
}

// checkProblems finds a missing grader before anything is sampled.
func (t *training) checkProblems(problems []data.Problem) error {
	for i := range problems {
		if _, err := t.graders.Get(problems[i].Grader); err != nil {
			return fmt.Errorf("problem %s: %w", problems[i].ID, err)
		}
	}
	return nil
}

// connect embeds a server, or joins the one that the configuration names.
func (t *training) connect(ctx context.Context) (*queue.Server, error) {
	q := t.cfg.Queue
	o := queue.Options{URL: q.URL, Credentials: q.Credentials, CA: q.CA, Cert: q.Cert, Key: q.Key,
		Run: t.folder.Name, Durability: q.Durability, Replicas: q.Replicas, Lease: q.Lease, Name: "coordinator"}
	var server *queue.Server
	if q.URL == "" {
		var err error
		server, err = queue.StartServer(queue.ServerOptions{Dir: t.folder.Path("nats"), Listen: q.Listen, Durability: q.Durability, Name: t.folder.Name, Log: t.Log})
		if err != nil {
			return nil, err
		}
		o.InProcess = server
		q.URL = server.ClientURL()
	}
	if server == nil {
		o.Origin = t.folder.ID // an embedded server's store lies in the folder itself
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := queue.Connect(ctx, o)
	if err == nil {
		err = conn.Setup(ctx)
	}
	if err != nil {
		if server != nil {
			server.Close()
		}
		return nil, err
	}
	t.conn = conn
	t.fleet = &Fleet{Config: t.cfg, Folder: t.folder, NATS: q.URL, Self: t.Self, Log: t.Log}
	return server, nil
}

// loop rebuilds the coordinator from the folder.
func (t *training) loop(problems []data.Problem) (*Loop, error) {
	pool, err := t.pool()
	if err != nil {
		return nil, err
	}
	planner, err := rollout.NewPlanner(t.cfg, problems, pool)
	if err != nil {
		return nil, err
	}
	a := t.cfg.Advantage
	estimator, err := advantage.New(a.Estimator, advantage.Options{Epsilon: a.Epsilon, K: a.K})
	if err != nil {
		return nil, err
	}
	renderer, err := rollout.NewRenderer(t.cfg.Prompt, t.conn)
	if err != nil {
		return nil, err
	}
	t.store = NewStore(t.folder, t.cfg, estimator)
	ledger, err := t.store.Ledger(planner)
	if err != nil {
		return nil, err
	}
	coordinator, err := rollout.NewCoordinator(t.cfg, planner, estimator, ledger)
	if err != nil {
		return nil, err
	}
	t.status = newStatus(t.Status, t.Live, t.cfg, ledger)
	return &Loop{Config: t.cfg, Coordinator: coordinator, Queue: t.conn, Renderer: renderer, Grade: t.grade,
		Store: t.store, Workers: t.workers, Batch: t.status.batch, Log: t.Log}, nil
}

func (t *training) pool() (map[data.ProblemID][]data.Candidate, error) {
	if t.cfg.Recipe.Pool == "" {
		return nil, nil
	}
	return table.ReadPool(t.cfg.Recipe.Pool)
}

func (t *training) grade(ctx context.Context, p *data.Problem, response string) data.Verdict {
	return t.graders.Grade(ctx, p, response, t.cfg.Grading.Deadline)
}

// run starts the children and the loop, and ends them in order: the loop when all
// batches are on disk, the trainer when it has trained them, then the workers.
func (t *training) run(user context.Context, loop *Loop) error {
	ctx, stop := context.WithCancel(user)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	versions := make(chan int, 16)
	loop.Versions = versions
	weights := t.folder.Path("weights")
	group.Go(func() error { return quiet(WatchWeights(ctx, weights, t.announce(ctx, versions))) })
	group.Go(func() error { return quiet(t.status.live(ctx, t.conn)) })
	trained := make(chan error, 1)
	if t.cfg.Trainer.Start {
		trainer, err := t.fleet.Trainer()
		if err != nil {
			return err
		}
		group.Go(func() error {
			err := trainer.Run(ctx)
			trained <- err
			return err
		})
	}
	group.Go(func() error { return t.startWorkers(ctx, group) })
	group.Go(func() error {
		if err := loop.Run(ctx); err != nil {
			return err
		}
		err := t.finish(ctx, trained)
		stop()
		return err
	})
	if err := quiet(group.Wait()); err != nil {
		return err
	}
	return user.Err()
}

// quiet takes the end of ctx for what it is.
func quiet(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// announce tells workers, then the coordinator, of a version.
func (t *training) announce(ctx context.Context, versions chan<- int) func(Export) error {
	return func(e Export) error {
		if err := t.conn.Announce(ctx, queue.Weights{Version: e.Version, Dir: e.Dir}); err != nil {
			return fmt.Errorf("announcing version %d: %w", e.Version, err)
		}
		t.status.version(e.Version)
		select {
		case versions <- e.Version:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// startWorkers waits for weights to start from, then supervises engines and workers.
func (t *training) startWorkers(ctx context.Context, group *errgroup.Group) error {
	for {
		_, ok, err := Newest(t.folder.Path("weights"))
		if err != nil {
			return err
		}
		if ok {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(weightsPoll):
		}
	}
	processes, err := t.fleet.Workers()
	if err != nil {
		return err
	}
	for _, p := range processes {
		group.Go(func() error { return p.Run(ctx) })
	}
	return nil
}

// finish tells the trainer that no batch follows and waits for its last export.
func (t *training) finish(ctx context.Context, trained <-chan error) error {
	ledger, err := t.store.batches()
	if err != nil {
		return err
	}
	err = atomicfile.Write(filepath.Join(t.folder.Path("batches"), "END"), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, `{"batches": %d}`+"\n", ledger)
		return err
	})
	if err != nil || !t.cfg.Trainer.Start {
		return err
	}
	select {
	case err = <-trained:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	newest, _, err := Newest(t.folder.Path("weights"))
	if err == nil && newest.Version < ledger {
		err = fmt.Errorf("the trainer ended at version %d, but %d batches are written", newest.Version, ledger)
	}
	return err
}

// workers says what is known of the workers, for the message of a stall.
func (t *training) workers() string {
	return describeWorkers(t.conn.Workers())
}
