package code

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/reward/code/sandbox"
)

// The kinds of tests.
const (
	kindStdin    = "stdin"    // input and output are text
	kindFunction = "function" // input is JSON arguments, one a line; output is a JSON value
	kindAssert   = "assert"   // input is Python source that calls the program's functions; no output
)

// modes are how the sandbox runs each kind.
var modes = map[string]sandbox.Mode{kindStdin: sandbox.Stdin, kindFunction: sandbox.Call, kindAssert: sandbox.Check}

// meta is what the grader reads in a problem's meta. Other keys belong to others.
type meta struct {
	Tests struct {
		Kind       string     `json:"kind"`
		Cases      []testCase `json:"cases"`
		EntryPoint string     `json:"entry_point"` // function: its name, of a method of Solution or a plain one
		Setup      string     `json:"setup"`       // assert: source to run before each case's
	} `json:"tests"`
	TimeLimit float64 `json:"time_limit_s"` // processor time of one test; default 6
	Memory    int64   `json:"memory_mb"`    // of one test; default 1024
	Score     string  `json:"score"`        // binary (default) | fraction
}

// testCase is one test.
type testCase struct {
	Input  string `json:"input"`
	Output string `json:"output"`
}

// maxCases bounds the tests of one problem.
const maxCases = 10_000

// readMeta reads and checks. An error means that the problem is bad.
func readMeta(raw json.RawMessage) (*meta, error) {
	m := meta{TimeLimit: 6, Memory: 1024}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, errors.New("no meta.tests")
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("meta: %.200s", err.Error())
	}
	switch {
	case modes[m.Tests.Kind] == "":
		return nil, fmt.Errorf("meta.tests.kind is %.40q; expected stdin, function or assert", m.Tests.Kind)
	case len(m.Tests.Cases) == 0 || len(m.Tests.Cases) > maxCases:
		return nil, fmt.Errorf("meta.tests.cases has %d tests; expected 1 to %d", len(m.Tests.Cases), maxCases)
	case m.Tests.Kind == kindFunction && m.Tests.EntryPoint == "":
		return nil, errors.New("meta.tests.entry_point is missing; tests of kind function call it")
	case m.TimeLimit < 0.1 || m.TimeLimit > 600:
		return nil, fmt.Errorf("meta.time_limit_s is %v; expected 0.1 to 600", m.TimeLimit)
	case m.Memory < 16 || m.Memory > 1<<20:
		return nil, fmt.Errorf("meta.memory_mb is %d; expected 16 to %d", m.Memory, 1<<20)
	case m.Score != "" && m.Score != "binary" && m.Score != "fraction":
		return nil, fmt.Errorf("meta.score is %.40q; expected binary or fraction", m.Score)
	}
	return &m, m.checkValues()
}

// checkValues demands JSON where the expected output of a function stands, and
// source where an assertion does: without any, every program would pass.
func (m *meta) checkValues() error {
	if m.Tests.Kind == kindAssert {
		for i, c := range m.Tests.Cases {
			if strings.TrimSpace(c.Input) == "" {
				return fmt.Errorf("meta.tests.cases[%d].input is empty; tests of kind assert are source", i)
			}
		}
	}
	if m.Tests.Kind != kindFunction {
		return nil
	}
	for i, c := range m.Tests.Cases {
		if _, err := readValue(c.Output); err != nil {
			return fmt.Errorf("meta.tests.cases[%d].output is not JSON", i)
		}
		for line := range bytes.Lines([]byte(c.Input)) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !json.Valid(line) {
				return fmt.Errorf("meta.tests.cases[%d].input has a line that is not JSON", i)
			}
		}
	}
	return nil
}

// job is a test as the sandbox takes it.
func (m *meta) job(blob sandbox.Blob, c testCase) sandbox.Job {
	l := sandbox.DefaultLimits()
	l.CPU = time.Duration(m.TimeLimit * float64(time.Second))
	l.Wall = 2*l.CPU + 5*time.Second
	l.Memory = m.Memory << 20
	j := sandbox.Job{Mode: modes[m.Tests.Kind], Program: blob, Input: []byte(c.Input), Entry: m.Tests.EntryPoint, Limits: l}
	if m.Tests.Kind == kindAssert && m.Tests.Setup != "" {
		j.Input = []byte(m.Tests.Setup + "\n" + c.Input)
	}
	return j
}
