package external_test

import (
	"os/exec"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward/external"
)

// The documented example grades, by the machine's Python.
func TestLengthExample(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	c := command(t, external.Program{Argv: []string{python, "../../examples/graders/length.py"}, Workers: 1})
	for response, want := range map[string]float64{"one two": 1, "one two three four": 0.5, "": 1} {
		v := c.Grade(t.Context(), &data.Problem{Meta: []byte(`{"command":"same","limit":2}`)}, response)
		if v.Status != data.Scored || v.Score != want {
			t.Errorf("%q: %+v; expected %v", response, v, want)
		}
	}
	v := c.Grade(t.Context(), &data.Problem{Meta: []byte(`{"command":"same"}`)}, "no limit")
	expect(t, v, data.Error, "KeyError")
}
