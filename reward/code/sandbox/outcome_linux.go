package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// jobFiles are the files in memory of one job, none of which outlives it.
type jobFiles struct{ stdin, stdout, stderr, result *os.File }

func openFiles(job *Job) (f jobFiles, err error) {
	for _, to := range []struct {
		file    **os.File
		name    string
		content []byte
	}{{&f.stdin, "stdin", job.Input}, {&f.stdout, "stdout", nil}, {&f.stderr, "stderr", nil}, {&f.result, "result", nil}} {
		if *to.file, err = newFile(to.name, to.content); err != nil {
			f.close()
			return jobFiles{}, err
		}
	}
	return f, nil
}

func (f jobFiles) close() {
	for _, file := range []*os.File{f.stdin, f.stdout, f.stderr, f.result} {
		if file != nil {
			file.Close()
		}
	}
}

// passed are the descriptors that go with a job, in the zygote's order.
func (f jobFiles) passed(job *Job) []*os.File {
	return []*os.File{job.Program.file, f.stdin, f.stdout, f.stderr, f.result}
}

const (
	mostStderr = 64 << 10
	mostRecord = 16 << 20
	mostBinary = 64 << 20
)

// outcome reads what a job left and says how it ended.
func (f jobFiles) outcome(job *Job, nonce string, r reply, delay time.Duration) (Outcome, error) {
	out := Outcome{
		CPU: seconds(r.CPU), Wall: seconds(r.Wall), Delay: delay, Memory: r.RSS,
	}
	var err error
	var written, errors int64
	if out.Stdout, written, err = head(f.stdout, job.Limits.Output); err != nil {
		return Outcome{}, fmt.Errorf("read the output: %w", err)
	}
	if out.Stderr, errors, err = tail(f.stderr, mostStderr); err != nil {
		return Outcome{}, fmt.Errorf("read standard error: %w", err)
	}
	var rec record
	if job.Mode == Compile {
		if out.Value, err = f.binary(); err != nil {
			return Outcome{}, err
		}
	} else if rec, err = f.record(nonce); err != nil {
		return Outcome{}, err
	}
	j := judge{job: job, reply: r, record: rec, flooded: max(written, errors) >= job.Limits.Output, out: &out}
	j.decide()
	return out, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (f jobFiles) binary() (string, error) {
	content, _, err := head(f.result, mostBinary)
	if err != nil {
		return "", fmt.Errorf("read the binary: %w", err)
	}
	return string(content), nil
}

// record reads what the child reported; one that is forged badly is none.
func (f jobFiles) record(nonce string) (record, error) {
	text, _, err := head(f.result, mostRecord)
	if err != nil {
		return record{}, fmt.Errorf("read the result: %w", err)
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil || r.Nonce != nonce {
		return record{}, nil
	}
	return r, nil
}

// judge turns what the kernel counted and the child reported into an end.
type judge struct {
	job     *Job
	reply   reply
	record  record
	flooded bool
	out     *Outcome
}

func (j *judge) decide() {
	status := syscall.WaitStatus(j.reply.Status)
	o, limits := j.out, &j.job.Limits
	switch {
	case o.CPU > limits.CPU || j.cut(status) && o.CPU >= limits.CPU-200*time.Millisecond:
		j.end(TimeLimit, "more than %v of processor time", limits.CPU)
	case j.reply.Killed && o.Wall-o.Delay <= limits.CPU:
		j.end(Starved, "not done after %v, of which it waited %v for a core", limits.Wall, o.Delay.Round(time.Millisecond))
	case j.reply.Killed:
		j.end(TimeLimit, "not done after %v, most of it spent waiting", limits.Wall)
	case j.flooded:
		j.end(OutputLimit, "more than %d bytes of output", limits.Output)
	case j.record.Kind == "memory" || j.outOfMemory(status):
		j.end(MemoryLimit, "more than %d MiB", limits.Memory>>20)
	case j.record.Kind == "tests" && j.job.Mode == Check: // elsewhere the program could say so
		j.end(BadTests, "%s", clip(j.record.Error))
	case j.record.Kind != "":
		o.Line = j.record.Line
		j.end(recordEnds[j.record.Kind], "%s", clip(j.record.Error))
	case status.Signaled():
		j.end(RuntimeError, "killed by signal %d (%v)", int(status.Signal()), status.Signal())
	case status.ExitStatus() != 0:
		j.end(RuntimeError, "exit code %d%s", status.ExitStatus(), lastLine(o.Stderr))
	case (j.job.Mode == Call || j.job.Mode == Check) && j.record.Value == nil:
		j.end(RuntimeError, "the program ended before its function gave a value")
	default:
		if j.record.Value != nil {
			o.Value = *j.record.Value
		}
		o.End = Done
	}
}

// cut reports whether a program may have been ended by the kernel's own limit of
// time, which counts a little otherwise. In Check the status is of the tests,
// which only see that the program is gone.
func (j *judge) cut(status syscall.WaitStatus) bool {
	return status.Signaled() || j.job.Mode == Check && j.record.Kind == "runtime"
}

// recordEnds are the ends that a child reports itself.
var recordEnds = map[string]End{"runtime": RuntimeError, "syntax": SyntaxError, "value": NoValue, "failed": Failed}

func (j *judge) end(e End, format string, args ...any) {
	if e == "" {
		e = RuntimeError // a forged kind
	}
	j.out.End, j.out.Message = e, fmt.Sprintf(format, args...)
}

// outOfMemory tells a program that the kernel refused memory, as far as one can.
func (j *judge) outOfMemory(status syscall.WaitStatus) bool {
	ended := status.Signaled() || status.ExitStatus() != 0
	full := j.out.Memory >= j.job.Limits.Memory
	refused := bytes.Contains(j.out.Stderr, []byte("std::bad_alloc")) || bytes.Contains(j.out.Stderr, []byte("MemoryError"))
	return full || ended && refused
}

// lastLine is ": " and the last line of a program's standard error.
func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(text), "?")), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return ": " + clip(last)
	}
	return ""
}

// clip cuts untrusted text to one short printable line.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// child is a program by its process id in our own pid namespace; 0 if not known.
type child int

// startedChild finds the running child of a zygote.
func startedChild(zygote int) child {
	z := strconv.Itoa(zygote)
	text, err := os.ReadFile(filepath.Join("/proc", z, "task", z, "children"))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) == 0 {
		return 0
	}
	pid, _ := strconv.Atoi(fields[0])
	return child(pid)
}

// delay is how long a program's first thread has waited for a core; 0 if the
// kernel does not tell.
func (c child) delay() time.Duration {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(int(c)), "schedstat"))
	if err != nil {
		return 0
	}
	var ran, waited int64 // nanoseconds
	if _, err := fmt.Sscan(string(text), &ran, &waited); err != nil {
		return 0
	}
	return time.Duration(waited)
}
