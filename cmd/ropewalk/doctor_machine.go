package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/queue"
)

const gib = 1 << 30

func checkMachine(context.Context, doctorOptions) []finding {
	cores := runtime.GOMAXPROCS(0)
	found := fmt.Sprintf("%s/%s, %s, built with %s", runtime.GOOS, runtime.GOARCH, plural(cores, "core"), runtime.Version())
	if cores < 2 {
		return []finding{warn("machine", found, "two cores or more: engine and trainer take turns on one")}
	}
	return []finding{fine("machine", "%s", found)}
}

// checkMemory reads what Linux says is left, a container's limit included.
func checkMemory(context.Context, doctorOptions) []finding {
	total, available, ok := readMeminfo("/proc/meminfo")
	if !ok {
		return []finding{fine("memory", "not known on %s", runtime.GOOS)}
	}
	found := fmt.Sprintf("%.1f GiB available of %.1f", float64(available)/gib, float64(total)/gib)
	if limit, ok := cgroupLimit(); ok && limit < total {
		found += fmt.Sprintf(", limited to %.1f by the container", float64(limit)/gib)
		available = min(available, limit)
	}
	if available < 3*gib {
		return []finding{warn("memory", found, "the demo needs about 3 GiB, real vLLM on the CPU 8; close other programs")}
	}
	return []finding{fine("memory", "%s", found)}
}

func readMeminfo(path string) (total, available int64, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		switch {
		case err != nil:
		case fields[0] == "MemTotal:":
			total = kib << 10
		case fields[0] == "MemAvailable:":
			available = kib << 10
		}
	}
	return total, available, total > 0
}

func cgroupLimit() (int64, bool) {
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(path); err == nil {
			limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			return limit, err == nil // "max" is no number: no limit
		}
	}
	return 0, false
}

const tmpfsMagic = 0x01021994

func checkDisk(_ context.Context, o doctorOptions) []finding {
	var s unix.Statfs_t
	if err := unix.Statfs(o.dir, &s); err != nil {
		return []finding{bad("disk", fmt.Sprintf("%s: %v", o.dir, err), "name an existing folder with --dir")}
	}
	free := int64(s.Bavail) * int64(s.Bsize)
	found := fmt.Sprintf("%.1f GiB free in %s", float64(free)/gib, o.dir)
	switch {
	case free < gib/4:
		return []finding{bad("disk", found, "make room, or choose another folder with run.dir")}
	case int64(s.Type) == tmpfsMagic:
		return []finding{warn("disk", found+", which is memory (tmpfs)", "a run here is lost with the machine: set run.dir to a disk")}
	case free < 5*gib:
		return []finding{warn("disk", found, "`ropewalk train CONFIG --dry-run` says what a run needs")}
	}
	return []finding{fine("disk", "%s", found)}
}

// checkFsync measures what each durable write will cost.
func checkFsync(_ context.Context, o doctorOptions) []finding {
	f, err := os.CreateTemp(o.dir, ".tmp-doctor-*")
	if err != nil {
		return []finding{bad("fsync", err.Error(), "make the folder writable, or choose another with --dir")}
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var times []time.Duration
	for range 9 {
		start := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return []finding{bad("fsync", err.Error(), "is the disk full?")}
		}
		if err := f.Sync(); err != nil {
			return []finding{bad("fsync", err.Error(), "this file system cannot keep what it is given: choose another with --dir")}
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	median := times[len(times)/2]
	if found := fmt.Sprintf("%s a write", median.Round(10*time.Microsecond)); median > 50*time.Millisecond {
		return []finding{warn("fsync", found, "slow for the queue: queue.durability interval, or a local disk for run.dir")}
	}
	return []finding{fine("fsync", "%s a write", median.Round(10*time.Microsecond))}
}

func checkListen(_ context.Context, o doctorOptions) []finding {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return []finding{bad("port", err.Error(), "choose another address for queue.listen; port 0 takes any free one")}
	}
	defer l.Close()
	return []finding{fine("port", "%s is free", l.Addr())}
}

// checkQueueServer starts the embedded server as a run would, in a folder of its own.
func checkQueueServer(_ context.Context, o doctorOptions) []finding {
	dir, err := os.MkdirTemp(o.dir, ".tmp-doctor-*")
	if err != nil {
		return []finding{bad("queue", err.Error(), "make the folder writable, or choose another with --dir")}
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	server, err := queue.StartServer(queue.ServerOptions{Dir: filepath.Join(dir, "nats"), Listen: "127.0.0.1:0", Durability: queue.Fsync})
	if err != nil {
		return []finding{bad("queue", err.Error(), "the embedded NATS server must start here, or queue.url name another")}
	}
	defer server.Close()
	return []finding{fine("queue", "embedded NATS JetStream started in %s", time.Since(start).Round(time.Millisecond))}
}

func checkEngines(ctx context.Context, o doctorOptions) (all []finding) {
	for _, url := range o.engines {
		all = append(all, checkEngine(ctx, url))
	}
	return all
}

func checkEngine(ctx context.Context, url string) finding {
	e, err := engine.NewHTTP(url, engine.Options{})
	if err != nil {
		return bad("engine", err.Error(), "give its address as http://HOST:PORT")
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	info, err := e.Info(ctx)
	if err != nil {
		return bad("engine", fmt.Sprintf("%s: %v", url, err), "is it up, and is this its address?")
	}
	found := fmt.Sprintf("%s: %s %s serves %s, context %d", url, info.Name, info.Version, info.Model, info.MaxModelLen)
	if info.Simulated {
		return warn("engine", found, "it is simulated: there is no model behind it")
	}
	return fine("engine", "%s", found)
}
