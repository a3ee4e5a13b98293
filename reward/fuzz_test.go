package reward_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/reward/rewardtest"
)

func FuzzExact(f *testing.F)  { fuzz(f, reward.Exact{}) }
func FuzzNumber(f *testing.F) { fuzz(f, reward.Number{}) }
func FuzzChoice(f *testing.F) { fuzz(f, reward.Choice{}) }
func FuzzRegex(f *testing.F)  { fuzz(f, reward.Regex{}) }
func FuzzJSON(f *testing.F)   { fuzz(f, reward.JSON{}) }
func FuzzF1(f *testing.F)     { fuzz(f, reward.F1{}) }

func FuzzMath(f *testing.F) {
	g, err := reward.Default().Get("math")
	if err != nil {
		f.Fatal(err)
	}
	fuzz(f, g)
}

// fuzz grades any response to any gold with any meta. Through the set a panic
// or a broken verdict becomes an error, which none of these may be.
func fuzz(f *testing.F, g reward.Grader) {
	cases, err := rewardtest.Load(filepath.Join("testdata", g.Name()))
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		f.Add(c.Gold, string(c.Meta), c.Response)
	}
	set, err := reward.New(g)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, gold, meta, response string) {
		p := &data.Problem{Gold: gold, Grader: g.Name(), Meta: []byte(meta)}
		v := set.Grade(t.Context(), p, response, time.Minute)
		if v.Status == data.Error || v.Status == data.Timeout {
			t.Errorf("%+v", v)
		}
		if again := set.Grade(t.Context(), p, response, time.Minute); !cmp.Equal(v, again) {
			t.Error(cmp.Diff(v, again))
		}
		if v.Score == 1 && !set.SameAnswer(p, v.Answer, v.Answer) {
			t.Errorf("%q is not the same as itself", v.Answer)
		}
	})
}
