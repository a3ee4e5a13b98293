//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"os"
	"runtime"
)

// Elsewhere than on Linux the package builds and refuses.

var errLost = errors.New("the sandbox's process was lost")

type plan struct {
	python *python
	lacks  []string
}

func makePlan(Options) (*plan, error) { return nil, &Incomplete{Probe().Lacks()} }

type worker struct {
	process *os.Process
	lost    bool
}

func startWorker(*plan) (*worker, error) { return nil, &Incomplete{Probe().Lacks()} }

func (*worker) run(context.Context, *Job) (Outcome, error) { return Outcome{}, errLost }
func (*worker) close()                                     {}

// Blob is a program to be run any number of times.
type Blob struct{}

// NewBlob copies a program.
func NewBlob([]byte) (Blob, error) { return Blob{}, nil }

// Close frees the memory.
func (Blob) Close() error { return nil }

// Offer is what this kernel gives to this process.
type Offer struct {
	Kernel   string
	Landlock int
}

// Probe asks the kernel.
func Probe() Offer { return Offer{Kernel: runtime.GOOS} }

// Lacks lists what a sandbox needs and there is not.
func (Offer) Lacks() []string { return []string{"programs are run on Linux only"} }
