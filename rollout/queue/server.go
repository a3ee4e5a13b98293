package queue

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Durability says when a write counts as done.
const (
	Fsync    = "fsync"    // on the disk itself: survives loss of power
	Interval = "interval" // with the operating system: survives the death of any process
	Memory   = "memory"   // in the server's memory: dies with the server
)

// MaxMessage is the largest job or result, header included.
const MaxMessage = 8 << 20

// Errors of [StartServer] and [Connect] that a user can act on.
var (
	ErrDirInUse    = errors.New("the folder is in use by another server")
	ErrPortTaken   = errors.New("the address is taken")
	ErrUnreachable = errors.New("NATS cannot be reached")
	ErrOptions     = errors.New("queue options")
)

// ServerOptions describe an embedded server.
type ServerOptions struct {
	Dir    string // where it keeps what it stores; locked while it runs
	Listen string // host:port, port 0 for any free one; "" serves this process only
	// Durability is Fsync (if empty), Interval or Memory. Whether a run's streams
	// are in memory is for the run's Options to say.
	Durability string
	Name       string // for logs of servers and clients
	Token      string // clients must bring it, if not empty
	Cert, Key  string // TLS: PEM files of the server's certificate and its key
	ClientCA   string // TLS: PEM file of the authority whose certificates clients must show
	Log        *slog.Logger
}

// Server is a NATS server in this process.
type Server struct {
	nats *server.Server
	lock *os.File
	log  *serverLog
	tls  bool
}

const startTimeout = 20 * time.Second

// StartServer starts a server and returns once it takes connections.
func StartServer(o ServerOptions) (*Server, error) {
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, log: newServerLog(o.Log), tls: options.TLS}
	if err := s.start(options); err != nil {
		return nil, errors.Join(fmt.Errorf("NATS server in %s: %w", o.Dir, err), lock.Close())
	}
	return s, nil
}

func (o ServerOptions) options() (*server.Options, error) {
	switch o.Durability {
	case "", Fsync, Interval, Memory:
	default:
		return nil, fmt.Errorf("%w: durability %q: expected %s, %s or %s", ErrOptions, o.Durability, Fsync, Interval, Memory)
	}
	name := o.Name
	if name == "" {
		name = "ropewalk"
	}
	options := &server.Options{
		ServerName: name, JetStream: true, StoreDir: o.Dir,
		SyncAlways: o.Durability == "" || o.Durability == Fsync,
		MaxPayload: MaxMessage, Authorization: o.Token,
		NoSigs: true, // the server would end the process on SIGINT
	}
	if err := o.listen(options); err != nil {
		return nil, err
	}
	return options, o.secure(options)
}

func (o ServerOptions) listen(options *server.Options) error {
	if o.Listen == "" {
		options.DontListen = true
		return nil
	}
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return fmt.Errorf("%w: listen address %q: expected host:port, for instance 127.0.0.1:4222: %w", ErrOptions, o.Listen, err)
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 0 || number > 65535 {
		return fmt.Errorf("%w: listen address %q: port %q is not a number from 0 to 65535", ErrOptions, o.Listen, port)
	}
	if number == 0 {
		number = server.RANDOM_PORT
	}
	if host == "" {
		host = "0.0.0.0"
	}
	options.Host, options.Port = host, number
	return nil
}

func (o ServerOptions) secure(options *server.Options) error {
	if o.Cert == "" && o.Key == "" && o.ClientCA == "" {
		return nil
	}
	if o.Cert == "" || o.Key == "" {
		return fmt.Errorf("%w: TLS needs both a certificate and its key", ErrOptions)
	}
	pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
	if err != nil {
		return fmt.Errorf("TLS certificate %s with key %s: %w", o.Cert, o.Key, err)
	}
	options.TLS = true
	options.TLSTimeout = 5
	options.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if o.ClientCA == "" {
		return nil
	}
	pool, err := readPool(o.ClientCA)
	if err != nil {
		return err
	}
	options.TLSVerify = true
	options.TLSConfig.ClientCAs, options.TLSConfig.ClientAuth = pool, tls.RequireAndVerifyClientCert
	return nil
}

func readPool(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("TLS authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("TLS authority %s: no certificate in PEM found", path)
	}
	return pool, nil
}

// lockDir makes the folder and holds it: nats-server takes no lock, and two of
// them in one folder destroy it.
func lockDir(dir string) (*os.File, error) {
	if dir == "" {
		return nil, fmt.Errorf("%w: no folder for the NATS server", ErrOptions)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("NATS server's folder: %w", err)
	}
	path := filepath.Join(dir, "lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("NATS server's folder is not writable: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		return nil, errors.Join(fmt.Errorf("%w: %s (process %s)", ErrDirInUse, dir, strings.TrimSpace(string(holder))), file.Close())
	}
	if err := file.Truncate(0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if _, err := fmt.Fprintf(file, "%d\n", os.Getpid()); err != nil {
		return nil, errors.Join(fmt.Errorf("NATS server's folder: %w", err), file.Close())
	}
	return file, nil
}

func (s *Server) start(o *server.Options) error {
	if err := checkPort(o); err != nil {
		return err
	}
	var err error
	if s.nats, err = server.NewServer(o); err != nil {
		return err
	}
	s.nats.SetLoggerV2(s.log, false, false, false)
	go s.nats.Start()
	deadline := time.Now().Add(startTimeout)
	for !s.nats.ReadyForConnections(20 * time.Millisecond) {
		if err := s.log.failure(); err != nil {
			s.stop()
			return err
		}
		if time.Now().After(deadline) {
			s.stop()
			return fmt.Errorf("not ready after %s", startTimeout)
		}
	}
	return s.log.failure()
}

// checkPort finds a taken port before the server does, for a better message.
func checkPort(o *server.Options) error {
	if o.DontListen || o.Port == server.RANDOM_PORT {
		return nil
	}
	address := net.JoinHostPort(o.Host, strconv.Itoa(o.Port))
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: %s", ErrPortTaken, address)
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	return listener.Close()
}

func (s *Server) stop() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}

// ClientURL is where clients connect, "" if the server listens to this process
// only. It holds no token.
func (s *Server) ClientURL() string {
	address, ok := s.nats.Addr().(*net.TCPAddr)
	if !ok || address == nil {
		return ""
	}
	host := address.IP.String()
	if address.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "nats"
	if s.tls {
		scheme = "tls"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(address.Port))
}

// Broken is closed when the server can no longer store, for instance because its
// disk is full. nats-server leaves such writes without any answer, and takes no
// others until it is started again; what it acknowledged before is safe.
func (s *Server) Broken() <-chan struct{} { return s.log.broken }

// Err says why the server is broken, nil if it is not.
func (s *Server) Err() error { return s.log.failure() }

// Close stops the server, waits until its stores are closed, and gives the
// folder back.
func (s *Server) Close() {
	s.stop()
	_ = s.lock.Close() // nothing was written that could be lost
}
