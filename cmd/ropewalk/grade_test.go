package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data/table"
)

// gradeAll runs grade over an input and gives its records and its exit code.
func gradeAll(t *testing.T, input io.Reader) ([]gradeRecord, int) {
	t.Helper()
	var out, messages bytes.Buffer
	err := runGrade(t.Context(), "-", gradeOptions{workers: 2, deadline: time.Minute}, input, &out, &messages)
	var records []gradeRecord
	for dec := json.NewDecoder(&out); ; {
		var r gradeRecord
		if e := dec.Decode(&r); errors.Is(e, io.EOF) {
			return records, report(io.Discard, err)
		} else if e != nil {
			t.Fatalf("the output is not JSON lines: %v", e)
		}
		records = append(records, r)
	}
}

const goodLine = `{"id":"good","grader":"exact","gold":"1","response":"1"}` + "\n"

func TestGradePassesOverLongLines(t *testing.T) {
	long := `{"id":"long","grader":"exact","gold":"1","response":"` + strings.Repeat("x", maxGradeLine) + `"}` + "\n"
	for name, input := range map[string]string{"within": goodLine + long + goodLine, "at the end": goodLine + goodLine + strings.TrimSpace(long)} {
		records, code := gradeAll(t, strings.NewReader(input))
		if len(records) != 3 || code != exitPartial {
			t.Fatalf("%s: %d records, exit code %d", name, len(records), code)
		}
		failed := 0
		for i, r := range records {
			if r.Status == "error" && r.Line == i+1 && strings.Contains(r.Reason, "longer than 16 MiB") {
				failed++
			} else if r.Score != 1 {
				t.Errorf("%s: record %d is %+v", name, i, r)
			}
		}
		if failed != 1 {
			t.Errorf("%s: %d error records, want 1", name, failed)
		}
	}
}

func TestGradeTakesTheLongestLine(t *testing.T) {
	const frame = `{"grader":"exact","gold":"1","response":"%s"}`
	line := fmt.Sprintf(frame, strings.Repeat("x", maxGradeLine-len(frame)+2))
	if len(line) != maxGradeLine {
		t.Fatalf("the line has %d bytes", len(line))
	}
	for _, end := range []string{"", "\n"} {
		records, code := gradeAll(t, strings.NewReader(line+end))
		if code != 0 || len(records) != 1 || !strings.Contains(records[0].Reason, "the limit is") {
			t.Errorf("exit code %d, records %.300v", code, records)
		}
	}
}

func TestGradeTakesAByteOrderMark(t *testing.T) {
	records, code := gradeAll(t, strings.NewReader("\ufeff"+goodLine))
	if code != 0 || len(records) != 1 || records[0].Score != 1 {
		t.Errorf("exit code %d, records %v", code, records)
	}
}

// Each verdict is written while the input is still open: nothing waits for its end.
func TestGradeStreams(t *testing.T) {
	in, lines := io.Pipe()
	verdicts, out := io.Pipe()
	time.AfterFunc(time.Minute, func() { verdicts.Close() }) // fails the reads below
	done := make(chan error, 1)
	go func() {
		done <- runGrade(t.Context(), "-", gradeOptions{workers: 2, deadline: time.Minute}, in, out, io.Discard)
		out.Close()
	}()
	dec := json.NewDecoder(verdicts)
	for range 50 {
		if _, err := io.WriteString(lines, goodLine); err != nil {
			t.Fatal(err)
		}
		var r gradeRecord
		if err := dec.Decode(&r); err != nil || r.Score != 1 {
			t.Fatalf("got %+v, %v", r, err)
		}
	}
	lines.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestGradeIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, lines := io.Pipe() // stays open
	defer lines.Close()
	var out bytes.Buffer
	time.AfterFunc(20*time.Millisecond, cancel)
	err := runGrade(ctx, "-", gradeOptions{workers: 2, deadline: time.Minute}, in, &out, io.Discard)
	if code := report(io.Discard, err); code != exitInterrupt {
		t.Errorf("exit code %d (%v), want %d", code, err, exitInterrupt)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestGradeReportsWriteErrors(t *testing.T) {
	err := runGrade(t.Context(), "-", gradeOptions{workers: 2, deadline: time.Minute}, strings.NewReader(goodLine), fullDisk{}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no space left") || report(io.Discard, err) != exitFailure {
		t.Errorf("got %v", err)
	}
}

// Rows of Parquet, whose meta is text, grade as lines do.
func TestGradeReadsParquet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers.parquet")
	_, err := table.WriteRows(table.Output{Path: path}, func(put func([]byte) error) error {
		return errors.Join(
			put([]byte(`{"id":"a","grader":"exact","gold":"<answer>1</answer>","response":"<answer>1</answer>","meta":"{\"extract\":\"whole\"}"}`)),
			put([]byte(`{"id":"b","grader":"exact","gold":"1","response":"<answer>2</answer>"}`)))
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := runGrade(t.Context(), path, gradeOptions{workers: 2, deadline: time.Minute}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"id":"a","status":"scored","score":1`) || !strings.Contains(lines[1], `"id":"b","status":"scored","score":0`) {
		t.Errorf("got %s", &out)
	}
}

// BenchmarkGrade is the whole command: parsing, grading, writing.
func BenchmarkGrade(b *testing.B) {
	line := `{"id":"q","grader":"math","gold":"\\frac{1}{2}","response":"` + strings.Repeat("we think and think, ", 200) + `\\boxed{0.5}"}` + "\n"
	input := strings.Repeat(line, 1000)
	b.SetBytes(int64(len(input)))
	for b.Loop() {
		err := runGrade(b.Context(), "-", gradeOptions{workers: 2, deadline: time.Minute}, strings.NewReader(input), io.Discard, io.Discard)
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "answers/s")
}
