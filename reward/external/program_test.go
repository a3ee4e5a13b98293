package external_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/reward/external"
)

// TestMain is also the programs that the tests grade with: this binary, told by
// its first argument to grade.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "grade" {
		gradeLines()
		return
	}
	os.Exit(m.Run())
}

// self is this binary as a program for graders.
func self(workers int, args ...string) external.Program {
	return external.Program{Argv: append([]string{os.Args[0], "grade"}, args...), Workers: workers}
}

type asked struct {
	ID       int64  `json:"id"`
	Response string `json:"response"`
	Gold     string `json:"gold"`
}

// verdict gives 1 to a response that is the gold.
func (a asked) verdict() map[string]any {
	switch {
	case a.Gold == "":
		return map[string]any{"id": a.ID, "status": "ungradable", "reason": "no gold"}
	case a.Response == "":
		return map[string]any{"id": a.ID, "status": "no_answer"}
	case a.Response == a.Gold:
		return map[string]any{"id": a.ID, "score": 1, "answer": a.Response, "reason": "the same"}
	}
	return map[string]any{"id": a.ID, "score": 0, "answer": a.Response}
}

func gradeLines() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 8<<20)
	for in.Scan() {
		var a asked
		if err := json.Unmarshal(in.Bytes(), &a); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		if obey(a) {
			continue
		}
		out, _ := json.Marshal(a.verdict())
		fmt.Println(string(out))
	}
}

// obey does what a response of the tests asks for; true if that is the reply.
func obey(a asked) bool {
	word, rest, _ := strings.Cut(a.Response, " ")
	switch word {
	case "crash":
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(7)
	case "hang":
		time.Sleep(time.Hour)
	case "spawn": // a grandchild that outlives nobody
		child := exec.Command("sleep", "3600")
		if err := child.Start(); err != nil {
			os.Exit(8)
		}
		fmt.Printf(`{"id":%d,"score":1,"answer":"%d"}`+"\n", a.ID, child.Process.Pid)
	case "pid":
		fmt.Printf(`{"id":%d,"score":1,"answer":"%d"}`+"\n", a.ID, os.Getpid())
	case "say":
		fmt.Println(strings.ReplaceAll(rest, "ID", fmt.Sprint(a.ID)))
	case "flood":
		fmt.Print(strings.Repeat("x", 9<<20))
	default:
		return false
	}
	return true
}
