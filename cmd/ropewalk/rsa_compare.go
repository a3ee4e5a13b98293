package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/rollout/rsa"
	"github.com/ropewalk/ropewalk/rollout/rsa/page"
)

// compare compares finished runs with the first of them.
func (e *evaluation) compare(cmd *cobra.Command, specs []string) error {
	var sides []rsa.Side
	for _, spec := range specs {
		side, err := rsa.OpenSide(spec)
		if errors.Is(err, fs.ErrNotExist) {
			return fail(exitBadInput, "a run is a folder that `ropewalk rsa` has finished", fmt.Errorf("%s is not a finished run: %w", spec, err))
		}
		if err != nil {
			return fail(exitBadInput, "", err)
		}
		sides = append(sides, side)
	}
	c, err := rsa.Compare(sides)
	if err != nil {
		return fail(exitUsage, "name two or more finished runs", err)
	}
	if e.out != "" {
		if err := rsa.OpenCollection(e.out, nil); err != nil {
			return askingError(err)
		}
		if err := writeComparison(e.out, c); err != nil {
			return err
		}
	}
	return e.print(cmd.OutOrStdout(), c, c.Write)
}

// writeComparison makes comparison.json and comparison.html.
func writeComparison(dir string, c *rsa.Comparison) error {
	err := rsa.WriteJSON(filepath.Join(dir, rsa.ComparisonFile), c)
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, rsa.ComparisonPage), func(w io.Writer) error { return page.Comparison(w, c) })
	}
	if err != nil {
		return fail(exitFailure, "", err)
	}
	return nil
}
