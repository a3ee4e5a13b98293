package external

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/ropewalk/ropewalk/data"
)

// Program is one of the user's programs.
type Program struct {
	Argv    []string // the program and its arguments; no shell reads them
	Workers int      // processes at a time, at most; 0 for one a CPU
}

// Command grades with the program that meta.command names. A program reads
// requests from standard input and writes one reply to standard output for each,
// a line of JSON either way; see request and reply. It is started when first
// needed and again after a crash, and asked one thing at a time.
//
// A crash, and a reply that is none, is data.Error; a program that does not reply
// in time is killed, and the verdict is data.Timeout. It is never a score.
type Command struct {
	pools  map[string]*pool
	sorted []string
	asked  atomic.Int64
}

// NewCommand takes the user's programs by name. It starts nothing.
func NewCommand(programs map[string]Program) *Command {
	c := &Command{pools: map[string]*pool{}, sorted: slices.Sorted(maps.Keys(programs))}
	for name, p := range programs {
		if p.Workers <= 0 {
			p.Workers = runtime.GOMAXPROCS(0)
		}
		c.pools[name] = newPool(name, p)
	}
	return c
}

// Name is "command".
func (*Command) Name() string { return "command" }

// Grade asks a process of the program.
func (c *Command) Grade(ctx context.Context, p *data.Problem, response string) data.Verdict {
	name, err := named(p, "command")
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: err.Error()}
	}
	pool, ok := c.pools[name]
	if !ok {
		return failed("meta.command is %s, which the user has not named (%s): give it under grading.commands or with --command NAME=PROGRAM", show(name), names(c.pools, c.sorted))
	}
	r := request{ID: c.asked.Add(1), Response: response, Gold: p.Gold, Meta: p.Meta}
	line, err := r.encode()
	if err != nil {
		return data.Verdict{Status: data.Ungradable, Reason: "meta: " + oneLine(err.Error())}
	}
	return pool.grade(ctx, line, r.ID)
}

// Close ends all processes, those that are being asked too.
func (c *Command) Close() error {
	for _, p := range c.pools {
		p.close()
	}
	return nil
}

// named reads the name under key in the meta; the row can say no more than that.
func named(p *data.Problem, key string) (string, error) {
	var meta map[string]json.RawMessage
	var name string
	if json.Unmarshal(p.Meta, &meta) != nil || json.Unmarshal(meta[key], &name) != nil || name == "" {
		return "", errors.New("meta." + key + " is missing; it names what grades")
	}
	return name, nil
}
