package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Options say how to reach a server and which run is meant.
type Options struct {
	URL         string // nats://host:port, tls://host:port, with user:password@ or token@ if needed; several by commas
	Credentials string // NATS creds file
	Token       string // for servers with one
	CA          string // TLS: PEM file of the authority; "" for the system's
	Cert, Key   string // TLS: client certificate and key
	// InProcess, if not nil, is a server of this process to be used in place of URL.
	InProcess *Server

	Run string // subject-safe run id, see RunID
	// Origin tells this run from others of its name that use the same server, for
	// Setup; "" where none can.
	Origin     string
	Durability string // Fsync (if empty), Interval or Memory, for Setup
	Replicas   int    // of the run's streams, for Setup; 1 if zero
	// Lease is how long a worker may stay silent about a job before another gets
	// it, for Setup; 30s if zero.
	Lease time.Duration
	Name  string // who connects, for the server's own listings
	Log   *slog.Logger
}

const (
	defaultLease   = 30 * time.Second
	connectTimeout = 30 * time.Second // where ctx has no deadline
	attemptTimeout = 10 * time.Second // of one request, after which it is repeated
)

// Conn is a connection for one run. It reconnects for as long as it is open, and
// is safe for concurrent use.
type Conn struct {
	options Options
	names   names
	nc      *nats.Conn
	js      jetstream.JetStream
	log     *slog.Logger
	// link ends when the connection breaks, so that requests whose answer can no
	// longer come are repeated at once.
	link atomic.Pointer[link]

	closing sync.Once
	closed  chan struct{}

	mu       sync.Mutex
	consumer jetstream.Consumer // of jobs, once it is known
	presence *presence
	handed   places
	jobs     keeper
	keeping  sync.Once
}

// link is one unbroken stretch of a connection.
type link struct {
	context.Context
	cut context.CancelFunc
}

// Connect reaches the server, trying until ctx ends (30s if it has no deadline).
// A server that refuses the credentials is an error at once.
func Connect(ctx context.Context, o Options) (*Conn, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, connectTimeout)
		defer cancel()
	}
	c := &Conn{options: o, names: names{o.Run}, log: o.Log, closed: make(chan struct{})}
	c.jobs.wake = make(chan struct{}, 1)
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.newLink()
	if err := c.dial(ctx); err != nil {
		return nil, err
	}
	var err error
	if c.js, err = jetstream.New(c.nc, jetstream.WithDefaultTimeout(attemptTimeout)); err != nil {
		c.nc.Close()
		return nil, err
	}
	if o.InProcess != nil {
		go c.cutWhenBroken()
	}
	return c, nil
}

func (o *Options) check() error {
	switch o.Durability {
	case "", Fsync, Interval, Memory:
	default:
		return fmt.Errorf("%w: durability %q: expected %s, %s or %s", ErrOptions, o.Durability, Fsync, Interval, Memory)
	}
	if o.URL == "" && o.InProcess == nil {
		return fmt.Errorf("%w: no NATS server named", ErrOptions)
	}
	if (o.Cert == "") != (o.Key == "") {
		return fmt.Errorf("%w: a TLS client certificate needs its key, and a key its certificate", ErrOptions)
	}
	for _, path := range []string{o.Credentials, o.CA, o.Cert, o.Key} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("NATS credentials or TLS file: %w", err)
		}
	}
	if o.CA != "" {
		if _, err := readPool(o.CA); err != nil {
			return err
		}
	}
	if o.Lease == 0 {
		o.Lease = defaultLease
	}
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	return checkRun(o.Run)
}

// where names the server in messages, without passwords.
func (o *Options) where() string {
	if o.InProcess != nil {
		return "the embedded server"
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return "the URL given (it cannot be parsed)"
	}
	return u.Redacted()
}

func (c *Conn) newLink() {
	ctx, cancel := context.WithCancel(context.Background())
	if old := c.link.Swap(&link{ctx, cancel}); old != nil {
		old.cut()
	}
}

// cutWhenBroken ends what waits for an embedded server that will not answer.
func (c *Conn) cutWhenBroken() {
	select {
	case <-c.options.InProcess.Broken():
		c.newLink()
	case <-c.closed:
	}
}

// dial tries until the server answers, refuses, or ctx ends.
func (c *Conn) dial(ctx context.Context) error {
	settings := c.settings()
	for {
		nc, err := nats.Connect(c.options.URL, settings...)
		if err == nil {
			c.nc = nc
			return nil
		}
		if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) {
			return fmt.Errorf("%w: %s refuses the credentials: %w", ErrUnreachable, c.options.where(), err)
		}
		if distrusted(err) {
			return fmt.Errorf("%w: %s: TLS: %w", ErrUnreachable, c.options.where(), err)
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("%w: %s: %w", ErrUnreachable, c.options.where(), err)
		}
	}
}

// distrusted reports whether one side refuses the other's certificate.
func distrusted(err error) bool {
	var ours *tls.CertificateVerificationError
	var theirs *net.OpError // what the other side sends comes as a remote error
	return errors.As(err, &ours) || errors.As(err, &theirs) && theirs.Op == "remote error"
}

func (c *Conn) settings() []nats.Option {
	o := &c.options
	settings := []nats.Option{
		nats.Name(o.Name),
		nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		// Without a connection nothing is kept for later: what must arrive is
		// repeated by us, and what need not would arrive out of date.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			c.newLink()
			if err != nil {
				c.log.Warn("lost the connection to NATS", "server", o.where(), "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			c.log.Info("connected to NATS again", "server", o.where())
			select {
			case c.jobs.wake <- struct{}{}:
			default:
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			c.log.Warn("NATS reports an error", "server", o.where(), "error", err)
		}),
	}
	if o.InProcess != nil {
		settings = append(settings, nats.InProcessServer(o.InProcess.nats))
	}
	if o.Credentials != "" {
		settings = append(settings, nats.UserCredentials(o.Credentials))
	}
	if o.Token != "" {
		settings = append(settings, nats.Token(o.Token))
	}
	if o.CA != "" {
		settings = append(settings, nats.RootCAs(o.CA))
	}
	if o.Cert != "" {
		settings = append(settings, nats.ClientCert(o.Cert, o.Key))
	}
	return settings
}

// Close sends what is on its way and ends the connection, once.
func (c *Conn) Close() {
	c.closing.Do(c.close)
}

func (c *Conn) close() {
	close(c.closed)
	if c.nc.IsConnected() {
		// Only what may be lost is unconfirmed. (FlushTimeout would draw on a pool of
		// timers, which tests in virtual time must not share with others.)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = c.nc.FlushWithContext(ctx)
		cancel()
	}
	c.nc.Close()
	c.link.Load().cut()
}

// Runs lists the ids of the runs that have been set up on a server, for
// programs that have yet to choose one. Options.Run is not needed.
func Runs(ctx context.Context, o Options) ([]string, error) {
	o.Run = "none"
	c, err := Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var runs []string
	list := c.js.StreamNames(ctx)
	for stream := range list.Name() {
		if run := runOf(stream); run != "" {
			runs = append(runs, run)
		}
	}
	return runs, list.Err()
}

// pause sleeps unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
