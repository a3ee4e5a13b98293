package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var updateScripts = flag.Bool("update-scripts", false, "rewrite the expected output in testdata/script")

// TestMain lets scripts run this test binary as the command ropewalk.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ropewalk": main})
}

// TestScripts runs each testdata/script/*.txtar: commands, their input files
// and what they must print. `exits CODE ropewalk …` checks an exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *updateScripts,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}
