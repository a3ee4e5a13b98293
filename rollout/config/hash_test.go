package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// change gives at another value of its type.
func change(v reflect.Value) {
	switch {
	case v.Type() == durationType:
		v.SetInt(v.Int() + int64(time.Second))
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "x")
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.CanInt():
		v.SetInt(v.Int() + 1)
	default:
		v.SetFloat(v.Float() + 0.125)
	}
}

// Every single key either may differ between a run and its resumption, and then is
// in neither hash nor difference, or is in both.
func TestHashAndDiffAgreeOnEveryKey(t *testing.T) {
	free := 0
	for i, at := range every(t) {
		a, b := Default(), Default()
		a.Grading.Commands, a.Grading.Services = []Command{{Argv: make([]string, 1)}}, make([]Service, 1)
		a.Data.Train, a.Engine.URLs, a.Engine.Args = make([]Source, 1), make([]string, 1), make([]string, 1)
		b.Grading.Commands, b.Grading.Services = []Command{{Argv: make([]string, 1)}}, make([]Service, 1)
		b.Data.Train, b.Engine.URLs, b.Engine.Args = make([]Source, 1), make([]string, 1), make([]string, 1)
		n := 0
		for l := range leaves(&b) {
			if n == i {
				change(l.value)
			}
			n++
		}
		same, diff := a.Hash() == b.Hash(), Diff(&a, &b)
		if same != (len(diff) == 0) || same != a.mayDiffer(at.key) {
			t.Errorf("%s: same hash %v, difference %q", at.key, same, diff)
		}
		if len(diff) == 1 && !strings.HasPrefix(diff[0], at.key+": ") {
			t.Errorf("%s: difference %q", at.key, diff)
		}
		if same {
			free++
		}
	}
	if free < 20 || free > 50 {
		t.Errorf("%d keys may change: has a prefix swallowed others?", free)
	}
}

func TestDiffShowsBothValues(t *testing.T) {
	a, b := Default(), Default()
	b.Run.Steps, b.Queue.URL, b.Trainer.LR = 99, "nats://x", 1e-4 // of these only the rate matters
	b.Recipe.Mix = append(b.Recipe.Mix[:1:1], Mix{Kind: "refine", Weight: 1, Source: "cache", K: 1})
	want := []string{
		"trainer.lr: 1e-06 in the run, 0.0001 now",
		`recipe.mix.1.kind: absent in the run, "refine" now`,
		"recipe.mix.1.weight: absent in the run, 1 now",
		"recipe.mix.1.k: absent in the run, 1 now",
		`recipe.mix.1.source: absent in the run, "cache" now`,
		"recipe.mix.1.rounds: absent in the run, 0 now",
		"recipe.mix.1.mixed: absent in the run, false now",
	}
	if d := cmp.Diff(want, Diff(&a, &b)); d != "" {
		t.Error(d)
	}
}

func TestCosineBindsTheSteps(t *testing.T) {
	a := Default()
	a.Trainer.Schedule, a.Run.Steps = "cosine", 10
	b := a
	b.Run.Steps = 20
	if a.Hash() == b.Hash() || len(Diff(&a, &b)) != 1 {
		t.Error("steps changed under a cosine schedule and nobody noticed")
	}
}

// The hash stands in every batch of every run: it must not change by accident.
func TestHashIsStable(t *testing.T) {
	c := Default()
	if got, want := c.Hash(), "8a2cc14418a3ffd5"; got != want {
		t.Errorf("hash of the defaults is %s, was %s: runs begun before cannot be resumed", got, want)
	}
}
