package queue

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

const maxRunID = 64

var (
	safeRun    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	notSafeRun = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
)

// RunID makes a name fit for subjects and streams: letters, digits, - and _, at
// most 64 of them. A name that is fit already stays as it is; one that has to
// change gets a hash of the original, so that two names never become one.
func RunID(name string) string {
	if safeRun.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	mark := "-" + hex.EncodeToString(sum[:4])
	short := strings.Trim(notSafeRun.ReplaceAllString(name, "-"), "-")
	return strings.TrimLeft(short[:min(len(short), maxRunID-len(mark))]+mark, "-")
}

func checkRun(run string) error {
	if safeRun.MatchString(run) {
		return nil
	}
	return fmt.Errorf("run id %q: expected 1 to %d letters, digits, - or _; %q would do", run, maxRunID, RunID(run))
}

// names are the streams and subjects of one run.
type names struct{ run string }

func (n names) jobs() string             { return "RW_" + n.run + "_JOBS" }
func (n names) results(shard int) string { return "RW_" + n.run + "_RES" + strconv.Itoa(shard) }
func (n names) state() string            { return "RW_" + n.run + "_STATE" }

func (n names) subject(rest string) string { return "rw." + n.run + "." + rest }

func (n names) job(g data.GroupID) string { return n.subject("job." + g.String()) }

func (n names) result(g data.GroupID, slot int) string {
	return n.groupResults(g) + strconv.Itoa(slot)
}

// groupResults is what the subjects of a group's results begin with.
func (n names) groupResults(g data.GroupID) string {
	return n.subject("res." + strconv.Itoa(shardOf(g)) + "." + g.String() + ".")
}

// sample reads group and slot off a result's subject.
func (n names) sample(subject string) (g data.GroupID, slot int, err error) {
	rest, ok := strings.CutPrefix(subject, n.subject("res."))
	parts := strings.Split(rest, ".")
	if !ok || len(parts) != 3 {
		return 0, 0, fmt.Errorf("subject %q is not of a result of run %s", subject, n.run)
	}
	number, err := strconv.ParseInt(strings.TrimPrefix(parts[1], "g"), 10, 64)
	if err == nil {
		slot, err = strconv.Atoi(parts[2])
	}
	g = data.GroupID(number)
	if err != nil || slot < 0 || g < 0 || subject != n.result(g, slot) {
		return 0, 0, fmt.Errorf("subject %q names no group and slot", subject)
	}
	return g, slot, nil
}

// shards is the number of streams that a run's results are spread over. A stream
// writes one message after the other, each with an fsync of its own; fsyncs of
// several files at a time share the disk's work. Part of the wire format.
const shards = 4

func shardOf(g data.GroupID) int { return int(uint64(g) % shards) }

// runOf is the run that a stream of jobs belongs to, "" if it is none of ours.
func runOf(stream string) string {
	rest, ok := strings.CutPrefix(stream, "RW_")
	run, jobs := strings.CutSuffix(rest, "_JOBS")
	if !ok || !jobs || !safeRun.MatchString(run) {
		return ""
	}
	return run
}
