package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/rollout"
)

// TestPaperConfigurations loads all of examples/rsa as the command would: the
// single ones are the paper's N = 16, K = 4, T = 10, every budget makes sense, and
// every template reads.
func TestPaperConfigurations(t *testing.T) {
	t.Chdir("../..")
	files, err := filepath.Glob("examples/rsa/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var points []point
		var base given
		if strings.Contains(string(raw), "\npoints:") {
			base, points, err = readSweep(file)
		} else if base, err = readEvaluation(file); err == nil {
			points = []point{{name: "paper"}}
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, p := range points {
			checkPaper(t, file, p, base)
		}
	}
}

func checkPaper(t *testing.T, file string, p point, base given) {
	t.Helper()
	e, datasets, err := p.resolve(pflag.NewFlagSet("", pflag.ContinueOnError), base, nil)
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	o, err := e.options()
	if err != nil || len(datasets) == 0 || e.out == "" {
		t.Errorf("%s: datasets %v, out %q, error %v", file, datasets, e.out, err)
	}
	if p.name == "paper" && (o.N != 16 || o.K != 4 || o.T != 10) || o.Sampling.MaxTokens != 8192 || o.Sampling.Temperature != 1 {
		t.Errorf("%s: N = %d, K = %d, T = %d, %+v are not the paper's", file, o.N, o.K, o.T, o.Sampling)
	}
	if room := o.K*o.Sampling.MaxTokens + 1024; p.name == "paper" && o.Prompt.MaxTokens != room {
		t.Errorf("%s: prompts of %d tokens, want %d", file, o.Prompt.MaxTokens, room)
	}
	if _, err := rollout.NewRenderer(o.Prompt, nil); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

// TestEveryFlagIsAKey: whatever a run can be told by a flag it can be told by a
// file, and the values arrive.
func TestEveryFlagIsAKey(t *testing.T) {
	var e evaluation
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	e.registerAll(flags)
	shape := evaluationShape()
	keys := map[string]bool{}
	for i := range shape.NumField() {
		keys[shape.Field(i).Tag.Get("mapstructure")] = true
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "json" && !keys[strings.ReplaceAll(f.Name, "-", "_")] {
			t.Errorf("--%s, a %s, is no key: flagTypes lacks its type", f.Name, f.Value.Type())
		}
	})
	file := filepath.Join(t.TempDir(), "e.yaml")
	text := "datasets: [a.jsonl]\nn: 3\nseeds: [4, 5]\ntemperature: 0.5\ngive_up: 3m\nskip_bad: true\nsimulated_accuracy: [0, 1]\nengine: ['http://a:1', 'http://b:2']\ncommand: ['len=python3 a,b.py']\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	g, err := readEvaluation(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := flags.Parse([]string{"-N", "9"}); err != nil {
		t.Fatal(err)
	}
	datasets, err := g.apply(flags, nil)
	if commands, err := flags.GetStringArray("command"); err != nil || len(commands) != 1 || commands[0] != "len=python3 a,b.py" {
		t.Errorf("commands %q, %v", commands, err)
	}
	if err != nil || e.n != 9 || len(e.seeds) != 2 || e.seeds[1] != 5 || e.temperature != 0.5 || e.giveUp.Minutes() != 3 || !e.skipBad ||
		len(e.simulated.Accuracy) != 2 || len(e.urls) != 2 || len(datasets) != 1 {
		t.Errorf("datasets %v, error %v, %+v", datasets, err, e)
	}
}

// FuzzEvaluation: any file is read or refused.
func FuzzEvaluation(f *testing.F) {
	f.Add("datasets: [a]\nn: 3\n")
	f.Add("base: {n: 1}\npoints: [{name: a, k: 2}]\n")
	f.Add("points: [{name: a, name: b}, &x [*x]]\n")
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "e.yaml")
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, read := range []func() error{
			func() error { _, err := readEvaluation(file); return err },
			func() error { _, _, err := readSweep(file); return err },
		} {
			if err := read(); err != nil && !strings.Contains(err.Error(), file) {
				t.Errorf("an error that does not name the file: %v", err)
			}
		}
	})
}
