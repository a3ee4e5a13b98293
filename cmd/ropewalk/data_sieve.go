package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/data/schema"
	"github.com/ropewalk/ropewalk/data/table"
)

// removal says which row was left out, and because of which other.
type removal struct {
	File    string  `json:"file"`
	Row     int     `json:"row"`
	Of      string  `json:"of"` // FILE:ROW that it is like
	Overlap float64 `json:"overlap,omitempty"`
	Text    string  `json:"question"`
}

// sieve passes rows on as they came, but for those that judge leaves out.
type sieve struct {
	reader  datasetReader
	out     string
	removed string // file for the removals, "" for none
	judge   func(row *datasetRow) (of string, overlap float64, drop bool)

	kept, dropped int
	shown         int
}

func (s *sieve) register(flags *pflag.FlagSet) {
	s.reader.register(flags)
	addOutput(flags, &s.out)
	flags.StringVar(&s.removed, "removed", "", "JSON lines file for what was left out and why")
}

// run reads the files and writes what stays; the file of removals follows once
// the output is whole.
func (s *sieve) run(cmd *cobra.Command, paths []string) error {
	if err := s.reader.check(); err != nil {
		return err
	}
	s.reader.start(cmd)
	out, err := outputOf(cmd, s.out)
	if err != nil {
		return err
	}
	write := func(removals io.Writer) error {
		_, err := table.WriteRows(out, func(put func([]byte) error) error { return s.pass(cmd, paths, json.NewEncoder(removals), put) })
		return failedWrite(err)
	}
	if s.removed == "" {
		err = write(io.Discard)
	} else {
		err = atomicfile.Write(s.removed, write)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "ropewalk: %d rows kept, %d left out\n", s.kept, s.dropped)
	return s.reader.partial()
}

// fewRemovals is how many removals are told on screen.
const fewRemovals = 5

func (s *sieve) pass(cmd *cobra.Command, paths []string, removals *json.Encoder, put func([]byte) error) error {
	for row, err := range s.reader.all(cmd.Context(), paths) {
		if err != nil {
			return err
		}
		of, overlap, drop := s.judge(&row)
		if !drop {
			s.kept++
			if err := put(row.Text); err != nil {
				return err
			}
			continue
		}
		s.dropped++
		if s.shown < fewRemovals {
			s.shown++
			fmt.Fprintf(cmd.ErrOrStderr(), "ropewalk: %s is like %s: %s\n", row.place(), of, tame(head(row.Item.Question, 80)))
		}
		if err := removals.Encode(removal{row.File, row.Number, of, overlap, row.Item.Question}); err != nil {
			return err
		}
	}
	if s.kept == 0 {
		return fail(exitBadInput, "nothing was written", errors.New("no row stays"))
	}
	return nil
}

// asked is the text by which rows are compared: the whole conversation up to the
// answer.
func asked(it *schema.Item) string {
	text := it.Question
	for i := len(it.History) - 1; i >= 0; i-- {
		text = it.History[i].Content + "\n" + text
	}
	return text
}

// head is the beginning of a text, on one line.
func head(s string, runes int) string {
	list := []rune(s)
	if len(list) <= runes {
		return s
	}
	return string(list[:runes]) + "…"
}
