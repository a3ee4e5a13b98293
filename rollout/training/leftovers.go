package training

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A coordinator that is killed cannot stop its children. Each child's process
// group is noted in the run folder with the start time that the kernel gives
// it, and whoever resumes the run ends what is left, and nothing else: a number
// taken over by another process has another start time.

func pidFile(dir, name string) string { return filepath.Join(dir, "logs", name+".pid") }

func rememberGroup(dir, name string, pid int) error {
	start, err := startTime(pid)
	if err != nil {
		return err
	}
	return os.WriteFile(pidFile(dir, name), fmt.Appendf(nil, "%d %s\n", pid, start), 0o644)
}

// EndLeftovers kills the children of an earlier coordinator of this run folder
// and returns their names.
func EndLeftovers(dir string) []string {
	var ended []string
	files, _ := filepath.Glob(pidFile(dir, "*"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text))
		if len(fields) == 2 {
			if pid, err := strconv.Atoi(fields[0]); err == nil && pid > 1 && groupAlive(pid, fields[1]) {
				killGroup(pid)
				ended = append(ended, strings.TrimSuffix(filepath.Base(file), ".pid"))
			}
		}
		_ = os.Remove(file)
	}
	return ended
}

// groupAlive reports whether the leader still is the process that was noted, or
// is gone with members of its group alive.
func groupAlive(pid int, start string) bool {
	now, err := startTime(pid)
	if err != nil {
		return anyInGroup(pid)
	}
	return now == start
}

// startTime is field 22 of /proc/PID/stat, in clock ticks since boot. The
// command name before it may hold spaces and parentheses.
func startTime(pid int) (string, error) {
	fields, err := statFields(pid)
	if err != nil {
		return "", err
	}
	return fields[19], nil
}

// statFields are the fields after the command name, the first being the state.
func statFields(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return nil, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	return fields, nil
}

func anyInGroup(pgid int) bool {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields, err := statFields(pid); err == nil && fields[2] == strconv.Itoa(pgid) {
			return true
		}
	}
	return false
}
