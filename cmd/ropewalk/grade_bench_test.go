package main

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// BenchmarkGradeFile is the whole path of grade: lines in, verdicts out, on all cores.
func BenchmarkGradeFile(b *testing.B) {
	thought := strings.Repeat("We add both sides and find a smaller value. ", 40)
	for name, line := range map[string]string{
		"short": `{"id":%d,"grader":"exact","gold":"204","response":"so \\boxed{204}"}`,
		"long":  `{"id":%d,"grader":"math","gold":"204","response":"` + thought + `\\boxed{204}"}`,
	} {
		b.Run(name, func(b *testing.B) {
			const lines = 20_000
			var input bytes.Buffer
			for i := range lines {
				fmt.Fprintf(&input, line+"\n", i)
			}
			b.SetBytes(int64(input.Len()))
			b.ReportAllocs()
			for b.Loop() {
				o := gradeOptions{workers: runtime.NumCPU(), deadline: time.Minute}
				if err := runGrade(b.Context(), "-", o, bytes.NewReader(input.Bytes()), io.Discard, io.Discard); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "answers/s")
		})
	}
}
