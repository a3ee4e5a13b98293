package config

import (
	"fmt"
	"strings"
)

// unknownKey is what Error.Found says of a key that does not exist.
const unknownKey = "unknown key"

// Error is one thing wrong with a configuration. [Load] joins all it finds, in
// the order of the lines; errors.As gives the first.
type Error struct {
	File     string // the file, the environment variable or the --set it came from; "" if from Go
	Line     int    // 1-based line of File; 0 if it has none
	Key      string // "recipe.mix.0.kind"; "" for the whole file
	Found    string // what stands there
	Expected string // what may stand there
	Nearest  string // the known key or value that may have been meant; "" if nothing is near
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.problem())
	if e.Nearest != "" {
		fmt.Fprintf(&b, " (did you mean %s?)", e.Nearest)
	}
	return b.String()
}

// problem is the middle of the message: what was found and what was expected.
func (e *Error) problem() string {
	switch {
	case e.Found == unknownKey && e.Expected != "":
		return unknownKey + "; known here: " + e.Expected
	case e.Expected == "":
		return e.Found
	case e.Found == "":
		return "expected " + e.Expected
	}
	return "expected " + e.Expected + ", found " + e.Found
}
