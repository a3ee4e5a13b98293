package reward_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/reward/rewardtest"
)

// thinking is as much text as a long solution has before its answer.
var thinking = strings.Repeat("Let us see: if x = 3 then {y} is 12, so we try \\frac{1}{2} next.\n", 500)

// BenchmarkGrade grades each grader's cases, one goroutine: bare, and after 32 KB
// of text.
func BenchmarkGrade(b *testing.B) {
	set := reward.Default()
	for _, name := range set.Names() {
		g, err := set.Get(name)
		if err != nil {
			b.Fatal(err)
		}
		cases, err := rewardtest.Load(filepath.Join("testdata", name))
		if err != nil {
			b.Fatal(err)
		}
		for kind, before := range map[string]string{"bare": "", "long": thinking} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				problems := make([]*data.Problem, len(cases))
				responses := make([]string, len(cases))
				for i := range cases {
					problems[i], responses[i] = cases[i].Problem(name), before+cases[i].Response
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					g.Grade(b.Context(), problems[i], responses[i])
					i = (i + 1) % len(cases)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "grades/s")
			})
		}
	}
}

// BenchmarkPool is the whole way of an answer: queue, goroutine, deadline, callback.
func BenchmarkPool(b *testing.B) {
	pool := reward.NewPool(reward.Default(), 2, time.Minute)
	p := &data.Problem{Grader: "exact", Gold: "5791"}
	for b.Loop() {
		if err := pool.Submit(b.Context(), p, "5791", func(data.Verdict) {}); err != nil {
			b.Fatal(err)
		}
	}
	pool.Close()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "grades/s")
}
