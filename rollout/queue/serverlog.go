package queue

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog takes what the server says. Its notices are debugging to us. What it
// calls fatal would end the process in its own logger, and what it says of failed
// writes it tells nobody else: both are kept here.
type serverLog struct {
	log    *slog.Logger
	broken chan struct{}

	mu  sync.Mutex
	err error
}

var _ server.Logger = (*serverLog)(nil)

// failedWrite are the beginnings of what the server says when it has given up
// writing to a stream.
var failedWrite = []string{"Critical write error", "JetStream failed to store a msg", "Filesystem permission denied"}

func newServerLog(log *slog.Logger) *serverLog {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &serverLog{log: log.With("part", "nats"), broken: make(chan struct{})}
}

func (l *serverLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *serverLog) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }

func (l *serverLog) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Warn(text)
	l.judge(text)
}

func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(text)
	l.judge(text)
}

func (l *serverLog) Fatalf(format string, v ...any) { l.fail(fmt.Errorf(format, v...)) }

func (l *serverLog) judge(text string) {
	for _, phrase := range failedWrite {
		if strings.Contains(text, phrase) {
			l.fail(fmt.Errorf("%w: %s", ErrStorage, text))
			return
		}
	}
}

// fail keeps the first failure.
func (l *serverLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		close(l.broken)
	}
}

func (l *serverLog) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
