package external_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// stateOf is the letter of a process's state; "" where the system has no /proc.
func stateOf(pid int) (state string, alive bool) {
	if syscall.Kill(pid, 0) != nil {
		return "", false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	_, after, _ := strings.Cut(string(text), ") ")
	return after[:min(1, len(after))], true
}
