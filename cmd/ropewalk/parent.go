package main

import (
	"io"
	"os"
)

// exitWithParent ends this process when its standard input closes: a child holds
// a pipe from its parent there, and a parent that is killed closes it without a
// word. Commands offer it as --exit-with-parent.
func exitWithParent(stdin io.Reader) {
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(exitFailure)
	}()
}
