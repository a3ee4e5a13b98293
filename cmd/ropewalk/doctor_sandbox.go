package main

import (
	"context"
	"strings"

	"github.com/ropewalk/ropewalk/reward/code/sandbox"
)

// checkSandbox says whether programs can be graded here: what the kernel offers
// for the sandbox of the grader code.
func checkSandbox(context.Context, doctorOptions) []finding {
	offer := sandbox.Probe()
	if lacks := offer.Lacks(); len(lacks) > 0 {
		return []finding{warn("sandbox", offer.Kernel+": "+strings.Join(lacks, "; "),
			"the grader code refuses to run programs; docs/operations.md says what each needs, ROPEWALK_SANDBOX=degraded runs them all the same")}
	}
	return []finding{fine("sandbox", "%s: namespaces, seccomp, landlock %d", offer.Kernel, offer.Landlock)}
}
