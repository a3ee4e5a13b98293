package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// textTable prints aligned columns. Cells may hold untrusted text.
type textTable struct {
	w   *tabwriter.Writer
	err error
}

func newTable(w io.Writer, heads ...any) *textTable {
	t := &textTable{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(heads...)
	return t
}

func (t *textTable) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = strings.Map(oneLine, tame(fmt.Sprint(c)))
	}
	_, err := fmt.Fprintln(t.w, strings.Join(texts, "\t"))
	t.err = errors.Join(t.err, err)
}

func (t *textTable) flush() error { return errors.Join(t.err, t.w.Flush()) }

func oneLine(r rune) rune {
	if r == '\n' || r == '\t' {
		return ' '
	}
	return r
}

// tame replaces what could drive a terminal: a model may have written it.
func tame(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
