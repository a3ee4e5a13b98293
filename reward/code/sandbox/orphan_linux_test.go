package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// lonely names the environment variable that makes this test binary a grader
// which is killed in the middle of its work.
const lonely = "ROPEWALK_TEST_LONELY"

// TestLonely is no test of its own: the process that TestKilledParent kills. It
// prints the zygotes' process ids while each runs an endless program.
func TestLonely(t *testing.T) {
	if os.Getenv(lonely) == "" {
		t.Skip("run by TestKilledParent")
	}
	s := newSandbox(t, Options{Workers: 2})
	for _, program := range []string{
		"import os, time\nfor _ in range(5):\n  os.fork()\ntime.sleep(600)",
		"import os, signal, time\nfor n in (1, 2, 3, 13, 15): signal.signal(n, signal.SIG_IGN)\nif os.fork() == 0:\n  os.setsid()\nwhile True: time.sleep(1)",
	} {
		j := job(t, Stdin, program, "")
		j.Limits.Wall, j.Limits.Processes = 10*time.Minute, 64
		go s.Run(t.Context(), j) //nolint:errcheck // it never ends
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if pids := s.Pids(); len(pids) == 2 && startedChild(pids[0]) != 0 && startedChild(pids[1]) != 0 {
			fmt.Println("pids", pids[0], pids[1], int(startedChild(pids[0])), int(startedChild(pids[1])))
			select {}
		}
	}
}

// TestKilledParent: kill -9 of the process that grades leaves nothing behind.
func TestKilledParent(t *testing.T) {
	newSandbox(t, Options{}) // skips where there can be none
	cmd := exec.Command(os.Args[0], "-test.run=^TestLonely$", "-test.v")
	cmd.Env = append(os.Environ(), lonely+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids [4]int
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "pids ") {
			if _, err := fmt.Sscan(lines.Text()[5:], &pids[0], &pids[1], &pids[2], &pids[3]); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if pids[3] == 0 {
		t.Fatal("the process to be killed did not start its programs")
	}
	for _, pid := range pids {
		deadline := time.Now().Add(30 * time.Second)
		for alive(pid) && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		if alive(pid) {
			t.Errorf("process %d of %v lives on", pid, pids)
		}
	}
}

// alive reports whether a process is there and no zombie.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
