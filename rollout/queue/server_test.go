package queue

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestServersThatCannotStart(t *testing.T) {
	running := startServer(t, ServerOptions{Dir: filepath.Join(t.TempDir(), "made", "by", "us"), Listen: "127.0.0.1:0"})
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o600))
	taken := strings.TrimPrefix(running.ClientURL(), "nats://")
	for name, c := range map[string]struct {
		options ServerOptions
		want    error
		says    string
	}{
		"port":       {ServerOptions{Dir: t.TempDir(), Listen: taken}, ErrPortTaken, taken},
		"folder":     {ServerOptions{Dir: filepath.Dir(running.lock.Name())}, ErrDirInUse, filepath.Dir(running.lock.Name())},
		"no folder":  {ServerOptions{}, ErrOptions, "folder"},
		"file":       {ServerOptions{Dir: filepath.Join(file, "nats")}, nil, file},
		"listen":     {ServerOptions{Dir: t.TempDir(), Listen: "4222"}, ErrOptions, "host:port"},
		"no number":  {ServerOptions{Dir: t.TempDir(), Listen: "127.0.0.1:x"}, ErrOptions, "0 to 65535"},
		"address":    {ServerOptions{Dir: t.TempDir(), Listen: "192.0.2.1:4222"}, nil, "192.0.2.1"},
		"durability": {ServerOptions{Dir: t.TempDir(), Durability: "some"}, ErrOptions, Interval},
		"half TLS":   {ServerOptions{Dir: t.TempDir(), Cert: file}, ErrOptions, "key"},
		"bad TLS":    {ServerOptions{Dir: t.TempDir(), Cert: file, Key: file}, nil, file},
	} {
		s, err := StartServer(c.options)
		if err == nil {
			s.Close()
			t.Errorf("%s: started", name)
			continue
		}
		if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAClosedServerGivesItsFolderAndPortBack(t *testing.T) {
	o := ServerOptions{Dir: t.TempDir(), Listen: freeAddress(t)}
	for range 3 {
		s, err := StartServer(o)
		check(t, err)
		if s.ClientURL() != "nats://"+o.Listen {
			t.Errorf("URL %s", s.ClientURL())
		}
		begun := time.Now()
		s.Close()
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("closing took %s", took)
		}
	}
}

func TestConnectingSaysWhyNot(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	url := "nats://someone:secret@" + freeAddress(t)
	_, err := Connect(ctx, Options{URL: url, Run: "r"})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), url[len("nats://someone:secret@"):]) || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody there: %v", err)
	}
	locked := startServer(t, ServerOptions{Listen: "127.0.0.1:0", Token: "secret"})
	begun := time.Now()
	_, err = Connect(t.Context(), Options{URL: locked.ClientURL(), Run: "r", Token: "wrong"})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "credentials") || time.Since(begun) > 5*time.Second {
		t.Errorf("refused after %s: %v", time.Since(begun), err)
	}
	connect(t, Options{URL: locked.ClientURL(), Token: "secret"})
	connect(t, Options{InProcess: locked, Token: "secret"})
	connect(t, Options{URL: strings.Replace(locked.ClientURL(), "nats://", "nats://secret@", 1)})

	for says, o := range map[string]Options{
		"run id":      {URL: url, Run: "a.b"},
		"no NATS":     {Run: "r"},
		"durability":  {URL: url, Run: "r", Durability: "x"},
		"needs its":   {URL: url, Run: "r", Cert: "c"},
		"missing.pem": {URL: url, Run: "r", CA: "missing.pem"},
	} {
		if _, err := Connect(t.Context(), o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// Connect waits for a server that is not up yet.
func TestConnectingToAServerThatComesLater(t *testing.T) {
	address := freeAddress(t)
	started := make(chan *Server)
	go func() {
		time.Sleep(300 * time.Millisecond)
		s, err := StartServer(ServerOptions{Dir: t.TempDir(), Listen: address})
		if err != nil {
			t.Error(err)
		}
		started <- s
	}()
	c := connect(t, Options{URL: "nats://" + address})
	check(t, c.Setup(t.Context()))
	c.Close()
	(<-started).Close()
}

// nats-server does not answer what it could not write. It says so in its log:
// these are its words for it, taken from a disk that was full.
func TestAServerThatCannotStoreIsBroken(t *testing.T) {
	for _, words := range []string{
		"Filestore [RW_test_RES] Critical write error: write x/1.blk: no space left on device",
		"JetStream failed to store a msg on stream '$G > RW_test_RES': write x/1.blk: no space left on device",
	} {
		s := startServer(t, ServerOptions{})
		c := connect(t, Options{InProcess: s})
		check(t, c.Setup(t.Context()))
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
		s.log.Errorf("%s", words)
		<-s.Broken()
		_, err := c.PublishResult(t.Context(), newResult(1, 0, "w"))
		if !errors.Is(err, ErrStorage) || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("error: %v", err)
		}
	}
}
