package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/schema"
	"github.com/ropewalk/ropewalk/data/table"
)

// datasetReader reads rows of any schema, and counts on the way.
type datasetReader struct {
	from    string // name of a schema, "" to detect it by the first row of each file
	grader  string
	name    string
	skipBad bool

	stdin    io.Reader
	progress *rowLine
	rows     int
	skipped  int
	first    error // of the skipped rows
}

func (r *datasetReader) register(flags *pflag.FlagSet) {
	flags.StringVar(&r.from, "from", "", "schema of the input: "+strings.Join(schema.Names(false), ", ")+"; found out by the first row if not given")
	flags.BoolVar(&r.skipBad, "skip-bad", false, "leave rows out that cannot be read, count them, and end with exit code 5")
}

// start takes the streams of a command.
func (r *datasetReader) start(cmd *cobra.Command) {
	r.stdin, r.progress = cmd.InOrStdin(), newRowLine(cmd.ErrOrStderr())
}

// datasetRow is a row with what it says. Text is valid until the next.
type datasetRow struct {
	data.Line
	File   string
	Fields data.Fields
	Item   schema.Item
	Schema schema.Schema
}

// place says where a row stands, for people.
func (r *datasetRow) place() string { return fmt.Sprintf("%s:%d", r.File, r.Number) }

// all reads files one after another. Errors end it, but for rows that --skip-bad
// leaves out.
func (r *datasetReader) all(ctx context.Context, paths []string) iter.Seq2[datasetRow, error] {
	return func(yield func(datasetRow, error) bool) {
		defer r.progress.end()
		for _, path := range paths {
			for row, err := range r.file(path) {
				if ctx.Err() != nil {
					yield(datasetRow{}, fail(exitInterrupt, "", errors.New("stopped")))
					return
				}
				r.rows++
				r.progress.show(r.rows)
				var bad *data.RowError
				if errors.As(err, &bad) && r.skipBad {
					r.skip(err)
					continue
				}
				if err != nil {
					err = fail(exitBadInput, r.hint(err), err)
				}
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

func (r *datasetReader) skip(err error) {
	if r.skipped++; r.first == nil {
		r.first = err
	}
}

func (r *datasetReader) hint(err error) string {
	var bad *data.RowError
	if errors.As(err, &bad) {
		return "--skip-bad leaves such rows out"
	}
	return ""
}

// file reads one file; a row's own faults are *data.RowError.
func (r *datasetReader) file(path string) iter.Seq2[datasetRow, error] {
	d := data.Defaults{Dataset: data.DatasetName(path), Name: r.name, Grader: r.grader}
	if path == table.Stdio {
		d.Dataset = "stdin"
	}
	return func(yield func(datasetRow, error) bool) {
		var s schema.Schema
		for line, err := range table.Rows(path, r.stdin) {
			row := datasetRow{Line: line, File: path}
			if err == nil {
				row.Fields, err = data.ParseFields(line.Text)
				if err == nil && s.Name == "" {
					if s, err = r.schemaOf(row.Fields); err != nil {
						yield(row, fmt.Errorf("%s: %w", path, err)) // the file's: nothing in it can be read
						return
					}
				}
				d.Index, row.Schema = line.Number-1, s
				if err == nil && !s.IsResults() {
					row.Item, err = s.Parse(row.Fields, d)
				}
				if err != nil {
					err = &data.RowError{File: path, Row: line.Number, Err: err}
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

func (r *datasetReader) schemaOf(f data.Fields) (schema.Schema, error) {
	if r.from != "" {
		return schema.Find(r.from, false)
	}
	return schema.Detect(f)
}

// check reports an unknown --from before anything is read.
func (r *datasetReader) check() error {
	if r.from == "" {
		return nil
	}
	if _, err := schema.Find(r.from, false); err != nil {
		return fail(exitUsage, "", err)
	}
	return nil
}

// partial is the error of a command that left rows out, nil if it left none.
func (r *datasetReader) partial() error {
	if r.skipped == 0 {
		return nil
	}
	return fail(exitPartial, "", fmt.Errorf("%d of %d rows left out, the first: %w", r.skipped, r.rows, r.first))
}

// failedWrite gives an error of writing rows its exit code.
func failedWrite(err error) error {
	if err != nil && strings.Contains(err.Error(), "no rows to write") {
		return fail(exitBadInput, "", err)
	}
	return failure(err)
}

// outputOf describes where rows go, and checks it.
func outputOf(cmd *cobra.Command, path string) (table.Output, error) {
	if path == "" {
		path = table.Stdio
	}
	o := table.Output{Path: path, Stdout: cmd.OutOrStdout()}
	if err := o.Check(); err != nil {
		return o, fail(exitUsage, "", err)
	}
	return o, nil
}

// addOutput offers -o.
func addOutput(flags *pflag.FlagSet, out *string) {
	flags.StringVarP(out, "out", "o", "", "file to write, .jsonl or .parquet; JSON lines to standard output if not given or -")
}

// rowLine is the progress of commands that read rows, on a terminal only.
type rowLine struct {
	w     io.Writer
	live  bool
	start time.Time
	drawn time.Time
	rows  int
}

func newRowLine(w io.Writer) *rowLine {
	return &rowLine{w: w, live: isTerminal(w), start: time.Now()}
}

func (l *rowLine) show(rows int) {
	l.rows = rows
	if !l.live || rows%256 != 0 {
		return
	}
	if now := time.Now(); now.Sub(l.drawn) >= redraw {
		l.drawn = now
		l.draw()
	}
}

func (l *rowLine) draw() {
	fmt.Fprintf(l.w, "\r\x1b[2K%d rows, %.0f rows/s", l.rows, float64(l.rows)/max(time.Since(l.start).Seconds(), 1e-3))
}

// end clears the line: what follows is the result.
func (l *rowLine) end() {
	if l.live && !l.drawn.IsZero() {
		fmt.Fprint(l.w, "\r\x1b[2K")
	}
}
