package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
)

const (
	batchLines = 256     // of a batch, at most
	batchBytes = 1 << 20 // from which on a batch is full
	// batchTime is what a batch should take: long against the cost of handing it
	// over, short against a person's patience. It decides only the size of batches.
	batchTime = 2 * time.Millisecond
)

// gradeBatch is some lines of the input, and then their records. One goroutine has
// it at a time; done passes it from the worker to the writer.
type gradeBatch struct {
	text  []byte
	lines []batchLine
	out   bytes.Buffer
	sum   gradeSummary
	done  chan struct{}
}

// batchLine is a line within a batch's text.
type batchLine struct {
	number   int
	from, to int
	err      error // why it cannot be read
}

// grading turns lines into records: one reader, workers and the writer.
type grading struct {
	gradeOptions
	set   *reward.Set
	in    *gradeInput
	cost  atomic.Int64 // ns that a line took, lately
	spare sync.Pool    // of *gradeBatch
}

// read cuts the input into batches, which go to work and, in the same order, to
// pending; pending's size bounds what is in memory. It ends with the input.
func (g *grading) read(ctx context.Context, work, pending chan<- *gradeBatch) error {
	for {
		b, err := g.fill()
		if len(b.lines) > 0 {
			select {
			case pending <- b:
			case <-ctx.Done():
				return nil // the writer says why
			}
			work <- b // has room for all that pending has
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fill reads a batch: at least a line, and more while they are there without
// waiting for them.
func (g *grading) fill() (*gradeBatch, error) {
	b, _ := g.spare.Get().(*gradeBatch)
	if b == nil {
		b = &gradeBatch{done: make(chan struct{}, 1)}
	}
	b.text, b.lines, b.sum = b.text[:0], b.lines[:0], gradeSummary{}
	b.out.Reset()
	for most := g.most(); len(b.lines) < most && len(b.text) < batchBytes; {
		if len(b.lines) > 0 && !g.in.ready() {
			break
		}
		number, text, err := g.in.nextText()
		if err != nil && !isBadLine(err) {
			return b, err
		}
		from := len(b.text)
		b.text = append(b.text, text...)
		b.lines = append(b.lines, batchLine{number, from, len(b.text), err})
	}
	return b, nil
}

// most is how many lines a batch gets. The first has one: what grading costs is
// not known, and a slow grader needs all workers.
func (g *grading) most() int {
	cost := g.cost.Load()
	if cost == 0 {
		return 1
	}
	return int(max(1, min(batchLines, int64(batchTime)/cost)))
}

// work grades batches.
func (g *grading) work(ctx context.Context, work <-chan *gradeBatch) {
	for b := range work {
		began := time.Now()
		g.grade(ctx, b)
		g.cost.Store(max(1, int64(time.Since(began))/int64(len(b.lines))))
		b.done <- struct{}{}
	}
}

func (g *grading) grade(ctx context.Context, b *gradeBatch) {
	enc := json.NewEncoder(&b.out)
	enc.SetEscapeHTML(false)
	for _, l := range b.lines {
		item := gradeItem{Line: l.number, Err: l.err}
		if l.err == nil {
			item = parseGradeLine(l.number, b.text[l.from:l.to], g.grader)
		}
		var record gradeRecord
		if item.Err != nil {
			record = newGradeRecord(&item, data.Verdict{Status: data.Error, Reason: fmt.Sprintf("line %d: %v", item.Line, item.Err)}, false)
		} else {
			record = newGradeRecord(&item, g.set.Grade(ctx, &item.Problem, item.Response, g.deadline), g.explain)
		}
		b.sum.add(&record)
		if g.stats {
			b.sum.count(&item, &record)
		}
		if err := enc.Encode(record); err != nil { // a score that is no number: the set lets none through
			panic(err)
		}
	}
}
