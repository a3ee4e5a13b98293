package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// finding is what one check of doctor says.
type finding struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok | warn | fail
	Found  string `json:"found"`
	Fix    string `json:"fix,omitempty"` // what to do, unless ok
}

func fine(name, format string, args ...any) finding {
	return finding{Name: name, Status: "ok", Found: fmt.Sprintf(format, args...)}
}

func warn(name, found, fix string) finding { return finding{name, "warn", found, fix} }
func bad(name, found, fix string) finding  { return finding{name, "fail", found, fix} }

// doctorOptions are what the user asks doctor to look at.
type doctorOptions struct {
	dir     string   // where runs will be
	listen  string   // address that must be free
	engines []string // addresses that must answer
}

// doctorChecks are all checks in the order of the table. Each is bounded in time.
var doctorChecks = []func(context.Context, doctorOptions) []finding{
	checkMachine, checkMemory, checkDisk, checkFsync, checkListen, checkQueueServer, checkPythons, checkSandbox, checkEngines,
}

func newDoctorCommand() *cobra.Command {
	var (
		o      doctorOptions
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine has and lacks for a run",
		Long: "doctor looks at cores, memory, disk, Python environments and ports, starts a queue for a moment, and asks\n" +
			"engines for their names. It installs and changes nothing. Exit code 1 if something is broken;\n" +
			"warnings are about what only some runs need.",
		Example: "  ropewalk doctor\n" +
			"  ropewalk doctor --dir /scratch/runs --engine http://127.0.0.1:8000\n" +
			"  ropewalk doctor --listen 0.0.0.0:4222 --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []finding
			for _, check := range doctorChecks {
				ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Minute)
				all = append(all, check(ctx, o)...)
				cancel()
			}
			return reportFindings(cmd.OutOrStdout(), all, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.dir, "dir", ".", "folder in which runs will be")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "address that the queue shall listen on")
	flags.StringArrayVar(&o.engines, "engine", nil, "address of an engine that should answer (repeatable)")
	flags.BoolVar(&asJSON, "json", false, `print {"ok", "checks": [{"name", "status", "found", "fix"}]}`)
	return cmd
}

func reportFindings(w io.Writer, all []finding, asJSON bool) error {
	broken := 0
	for _, f := range all {
		if f.Status == "fail" {
			broken++
		}
	}
	print := printFindings
	if asJSON {
		print = func(w io.Writer, all []finding) error {
			return json.NewEncoder(w).Encode(map[string]any{"ok": broken == 0, "checks": all})
		}
	}
	if err := print(w, all); err != nil {
		return err
	}
	if broken > 0 {
		return fail(exitFailure, "", errors.New("doctor: "+plural(broken, "check")+" failed; the fixes stand beside them"))
	}
	return nil
}

func printFindings(w io.Writer, all []finding) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Status, f.Name, f.Found)
		if f.Fix != "" {
			fmt.Fprintf(t, "\t\t→ %s\n", f.Fix)
		}
	}
	return t.Flush()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
