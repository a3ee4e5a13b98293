package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
)

// gradeOptions are grade's flags.
type gradeOptions struct {
	workers  int
	deadline time.Duration
	grader   string
	explain  bool
	summary  bool
	stats    bool
	own      ownGraders
}

func newGradeCommand() *cobra.Command {
	var o gradeOptions
	cmd := &cobra.Command{
		Use:   "grade FILE|-",
		Short: "Grade answers: JSON lines in, verdicts out, in the same order",
		Long: `grade reads JSON lines {"id","grader","response","gold","meta"} from a file, also .gz or .zst, or standard
input, or the rows of a Parquet file with such columns, and writes {"id","status","score","answer","reason"} for each, in the same order, as it goes.

Status is scored, no_answer (score 0), ungradable (bad gold or meta), timeout or error. A line that cannot be
read, or asks for an unknown grader, becomes an error record with its line number; if there were any, or any
timeout, the exit code is 5. Graders: ` + strings.Join(reward.Default().Names(), ", ") + ".",
		Example: `  ropewalk grade answers.jsonl > verdicts.jsonl
  zstdcat answers.jsonl.zst | ropewalk grade - --workers 8 --explain
  echo '{"id":1,"grader":"math","gold":"\\frac{1}{2}","response":"so \\boxed{0.5}"}' | ropewalk grade -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("summary") {
				o.summary = isTerminal(cmd.ErrOrStderr())
			}
			if o.workers < 1 {
				return fail(exitUsage, "", fmt.Errorf("--workers is %d; expected 1 or more", o.workers))
			}
			if o.deadline <= 0 {
				return fail(exitUsage, "", fmt.Errorf("--deadline is %v; expected more than 0", o.deadline))
			}
			return runGrade(cmd.Context(), args[0], o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().IntVar(&o.workers, "workers", runtime.NumCPU(), "answers graded at a time")
	cmd.Flags().DurationVar(&o.deadline, "deadline", reward.DefaultDeadline, "last guard of one answer, after which it is a timeout")
	cmd.Flags().StringVar(&o.grader, "grader", "", "grader of lines that name none")
	cmd.Flags().BoolVar(&o.explain, "explain", false, "add the steps and the parts of the score to each record")
	cmd.Flags().BoolVar(&o.summary, "summary", false, "counts and mean score to standard error at the end (default: if it is a terminal)")
	cmd.Flags().BoolVar(&o.stats, "stats", false, "a table by grader and dataset to standard error at the end")
	o.own.register(cmd.Flags())
	return cmd
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// gradeRecord is one line of output.
type gradeRecord struct {
	ID     any         `json:"id"`
	Line   int         `json:"line,omitempty"` // of the input; errors and timeouts only
	Status data.Status `json:"status"`
	Score  float64     `json:"score"`
	Answer string      `json:"answer"`
	Reason string      `json:"reason"`
	Parts  any         `json:"parts,omitempty"` // with --explain, where there are any
	Steps  []string    `json:"steps,omitempty"` // with --explain
}

func newGradeRecord(item *gradeItem, v data.Verdict, explain bool) gradeRecord {
	r := gradeRecord{ID: item.ID, Status: v.Status, Score: v.Score, Answer: v.Answer, Reason: v.Reason}
	if v.Status == data.Error || v.Status == data.Timeout {
		r.Line = item.Line
	}
	if explain {
		r.Steps = v.Steps
		if len(v.Parts) > 0 {
			r.Parts = v.Parts
		}
	}
	return r
}

// runGrade reads in one goroutine, grades in workers and writes here. pending
// holds the batches on their way, in the order of the lines, and bounds them.
func runGrade(ctx context.Context, name string, o gradeOptions, stdin io.Reader, stdout, stderr io.Writer) error {
	in, closer, err := openGradeInput(name, stdin)
	if err != nil {
		return err
	}
	defer closer.Close()
	set, err := o.own.set(o.workers)
	if err != nil {
		return err
	}
	g := &grading{gradeOptions: o, set: set, in: in}
	ctx, cancel := context.WithCancel(ctx)
	pending := make(chan *gradeBatch, 4*o.workers)
	work := make(chan *gradeBatch, cap(pending)+2) // with the one that the writer has, and the one being put
	readErr := make(chan error, 1)
	go func() {
		defer close(pending)
		defer close(work)
		readErr <- g.read(ctx, work, pending)
	}()
	var workers sync.WaitGroup
	for range o.workers {
		workers.Go(func() { g.work(ctx, work) })
	}
	defer func() {
		cancel()        // first, so that nothing is waited for after an error
		_ = set.Close() // what graders keep running ends with this process in any case
	}()
	progress := newGradeProgress(stdout, stderr)
	sum, err := g.write(ctx, stdout, pending, progress)
	progress.end()
	if err != nil {
		return err
	}
	workers.Wait()
	if err := <-readErr; err != nil {
		return err
	}
	sum.report(stderr, o, progress.began)
	return sum.err(in.name)
}

// write writes what comes, in order, and flushes whenever it must wait, so that a
// reader at the other end of a pipe sees each verdict in time.
func (g *grading) write(ctx context.Context, stdout io.Writer, pending <-chan *gradeBatch, progress *gradeProgress) (sum gradeSummary, err error) {
	out := bufio.NewWriterSize(stdout, 1<<16)
	for {
		b, open, err := await(ctx, out, pending)
		if err != nil || !open {
			return sum, err
		}
		if _, _, err = await(ctx, out, b.done); err != nil {
			return sum, err
		}
		sum.merge(&b.sum)
		if _, err := out.Write(b.out.Bytes()); err != nil {
			return sum, fail(exitFailure, "", fmt.Errorf("write verdicts: %w", err))
		}
		progress.show(sum.lines)
		if cap(b.text)+b.out.Cap() < 8*batchBytes { // one huge line shall not stay for ever
			g.spare.Put(b)
		}
	}
}

// await receives from a channel; if nothing is there yet, out is flushed first.
func await[T any](ctx context.Context, out *bufio.Writer, from <-chan T) (value T, open bool, err error) {
	select {
	case value, open = <-from:
		if open {
			return value, true, nil
		}
	default:
	}
	if err := out.Flush(); err != nil {
		return value, false, fail(exitFailure, "", fmt.Errorf("write verdicts: %w", err))
	}
	select {
	case value, open = <-from:
		return value, open, nil
	case <-ctx.Done():
		return value, false, fail(exitInterrupt, "", errors.New("interrupted; the verdicts written so far are complete lines"))
	}
}
