package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
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
	own      ownGraders
}

func newGradeCommand() *cobra.Command {
	var o gradeOptions
	cmd := &cobra.Command{
		Use:   "grade FILE|-",
		Short: "Grade answers: JSON lines in, verdicts out, in the same order",
		Long: `grade reads JSON lines {"id","grader","response","gold","meta"} from a file or standard input and writes
{"id","status","score","answer","reason"} for each, in the same order, as it goes.

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

// runGrade reads in one goroutine, grades in a pool and writes here. pending
// holds the answers on their way, in the order of the lines, and bounds them.
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
	ctx, cancel := context.WithCancel(ctx)
	began := time.Now()
	pool := reward.NewPool(set, o.workers, o.deadline)
	defer func() {
		cancel() // first, so that nothing is waited for after an error
		pool.Close()
		_ = set.Close() // what graders keep running ends with this process in any case
	}()
	pending := make(chan (<-chan gradeRecord), 4*o.workers)
	readErr := make(chan error, 1)
	go func() {
		defer close(pending)
		readErr <- readAnswers(ctx, in, pool, o, pending)
	}()
	var sum gradeSummary
	if err := writeRecords(ctx, stdout, pending, &sum); err != nil {
		return err
	}
	if err := <-readErr; err != nil {
		return err
	}
	if o.summary {
		fmt.Fprintf(stderr, "%s in %v\n", &sum, time.Since(began).Round(time.Millisecond))
	}
	return sum.err(in.name)
}

// readAnswers hands each line to the pool and what will come of it to pending.
func readAnswers(ctx context.Context, in *gradeInput, pool *reward.Pool, o gradeOptions, pending chan<- (<-chan gradeRecord)) error {
	for {
		item, err := in.next(o.grader)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		got := make(chan gradeRecord, 1)
		select {
		case pending <- got:
		case <-ctx.Done():
			return nil // the writer says why
		}
		if item.Err != nil {
			got <- newGradeRecord(&item, data.Verdict{Status: data.Error, Reason: fmt.Sprintf("line %d: %v", item.Line, item.Err)}, false)
			continue
		}
		err = pool.Submit(ctx, &item.Problem, item.Response, func(v data.Verdict) {
			got <- newGradeRecord(&item, v, o.explain)
		})
		if err != nil {
			return nil // ctx has ended: the writer says why
		}
	}
}

// writeRecords writes what comes, in order, and flushes whenever it must wait,
// so that a reader at the other end of a pipe sees each verdict in time.
func writeRecords(ctx context.Context, stdout io.Writer, pending <-chan (<-chan gradeRecord), sum *gradeSummary) error {
	out := bufio.NewWriterSize(stdout, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for {
		got, open, err := await(ctx, out, pending)
		if err != nil || !open {
			return err
		}
		record, _, err := await(ctx, out, got)
		if err != nil {
			return err
		}
		sum.add(&record)
		if err := enc.Encode(record); err != nil {
			return fail(exitFailure, "", fmt.Errorf("write verdicts: %w", err))
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

// gradeSummary counts what was written.
type gradeSummary struct {
	lines  int
	counts map[data.Status]int
	score  float64 // sum over those that count
	first  string  // reason of the first failure
}

func (s *gradeSummary) add(r *gradeRecord) {
	if s.counts == nil {
		s.counts = map[data.Status]int{}
	}
	s.lines++
	s.counts[r.Status]++
	s.score += r.Score
	if s.first == "" && r.Line > 0 {
		s.first = r.Reason
		if !strings.HasPrefix(s.first, "line ") {
			s.first = fmt.Sprintf("line %d: %s", r.Line, r.Reason)
		}
	}
}

// String is the line for people.
func (s *gradeSummary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d answers:", s.lines)
	for _, status := range []data.Status{data.Scored, data.NoAnswer, data.Ungradable, data.Timeout, data.Error} {
		fmt.Fprintf(&b, " %d %s,", s.counts[status], status)
	}
	if n := s.counts[data.Scored] + s.counts[data.NoAnswer]; n > 0 {
		fmt.Fprintf(&b, " mean score %.4f of %d,", s.score/float64(n), n)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// err is the exit of a run in which some lines were not graded.
func (s *gradeSummary) err(input string) error {
	failed := s.counts[data.Error] + s.counts[data.Timeout]
	if failed == 0 {
		return nil
	}
	return fail(exitPartial, "the records with status error or timeout name their lines",
		fmt.Errorf("%s: %d of %d answers could not be graded; the first: %s", input, failed, s.lines, s.first))
}
