package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// minimal is the shortest valid file.
const minimal = `
run: {dir: runs/t, steps: 3}
model: {path: model}
data: {train: [{path: a.jsonl}]}
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustResolve(t *testing.T, text string, sets, env []string) *Resolved {
	t.Helper()
	r, err := Resolve(write(t, text), sets, env)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMinimalFileGetsTheDefaults(t *testing.T) {
	got := mustResolve(t, minimal, nil, nil).Config
	want := Default()
	want.Run.Dir, want.Run.Steps, want.Model.Path = "runs/t", 3, "model"
	want.Data.Train = []Source{{Path: "a.jsonl"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Each layer sets one more key than the one above it, so that each wins once.
func TestLayersOverrideInOrder(t *testing.T) {
	text := minimal + "recipe: {group_size: 10, groups_per_batch: 10, cache_size: 10}\n"
	env := []string{"ROPEWALK_RECIPE_GROUPS_PER_BATCH=20", "ROPEWALK_RECIPE_CACHE_SIZE=20", "ROPEWALK_RUN_SEED="}
	sets := []string{"recipe.cache_size=29", "recipe.cache_size=30"}
	r := mustResolve(t, text, sets, env)
	c := r.Config.Recipe
	if got := [4]int{c.MaxDrops, c.GroupSize, c.GroupsPerBatch, c.CacheSize}; got != [4]int{20, 10, 20, 30} {
		t.Errorf("default, file, environment, --set gave %v", got)
	}
	if r.Config.Run.Seed != 1 {
		t.Errorf("an empty variable set run.seed to %d", r.Config.Run.Seed)
	}
	for key, want := range map[string]string{
		"recipe.max_drops": "default", "recipe.group_size": "c.yaml:5",
		"recipe.groups_per_batch": "ROPEWALK_RECIPE_GROUPS_PER_BATCH", "recipe.cache_size": "--set",
	} {
		if got := r.Origin(key).String(); !strings.HasSuffix(got, want) {
			t.Errorf("origin of %s is %q, want %q", key, got, want)
		}
	}
}

func TestSetReachesEveryType(t *testing.T) {
	sets := []string{
		"run.tokens=1e6", "run.stall=90s", "trainer.lr=3e-4", "data.skip_bad=true", "run.dir=42",
		"model.path=my #1 model", `prompt.templates="quoted"`,
		"recipe.mix=[{kind: direct, weight: 1}, {kind: aggregate, weight: 2, source: policy}]",
		"recipe.mix.1.k=5", "recipe.mix.0.weight=3", "data.train.0.path=b.parquet",
		"engine={kind: small, concurrency: 7}", "engine.simulated.accuracy.0=0.25",
	}
	c := mustResolve(t, minimal, sets, nil).Config
	want := Default()
	want.Run = Run{Dir: "42", Seed: 1, Steps: 3, Tokens: 1000000, Stall: 90e9, GiveUp: want.Run.GiveUp}
	want.Trainer.LR, want.Data.SkipBad, want.Model.Path, want.Prompt.Templates = 3e-4, true, "my #1 model", "quoted"
	want.Recipe.Mix = []Mix{{Kind: "direct", Weight: 3}, {Kind: "aggregate", Weight: 2, K: 5, Source: "policy", Rounds: 1}}
	want.Data.Train = []Source{{Path: "b.parquet"}}
	want.Engine.Kind, want.Engine.Concurrency, want.Engine.Simulated.Accuracy[0] = "small", 7, 0.25
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
}

func TestEnvironmentTakesLists(t *testing.T) {
	env := []string{"ROPEWALK_ENGINE_KIND=external", "ROPEWALK_ENGINE_URLS=[http://a:1, http://b:2]", "ROPEWALK_CACHE=/x", "HOME=/h"}
	c := mustResolve(t, minimal, nil, env).Config
	if d := cmp.Diff([]string{"http://a:1", "http://b:2"}, c.Engine.URLs); d != "" {
		t.Error(d)
	}
}

func TestMixEntriesAreCompleted(t *testing.T) {
	c := mustResolve(t, minimal+`
recipe:
  pool: pool.parquet
  mix:
    - {kind: direct, weight: 1}
    - {kind: refine, weight: 1, source: pool}
    - {kind: aggregate, weight: 1, source: policy}
`, nil, nil).Config
	want := []Mix{
		{Kind: "direct", Weight: 1}, {Kind: "refine", Weight: 1, K: 1, Source: "pool"},
		{Kind: "aggregate", Weight: 1, K: 4, Source: "policy", Rounds: 1},
	}
	if d := cmp.Diff(want, c.Recipe.Mix); d != "" {
		t.Error(d)
	}
}

// Viper lower-cases keys, lets the last of two win and reads "8" as 8: none of it
// may pass.
func TestViperTrapsAreErrors(t *testing.T) {
	for text, want := range map[string]string{
		"Recipe: {group_size: 4}\n":                             "Recipe: unknown key (did you mean recipe?)",
		"recipe: {Group_Size: 4}\n":                             "recipe.Group_Size: unknown key (did you mean group_size?)",
		"recipe.group_size: 4\n":                                "recipe.group_size: unknown key",
		"recipe: {group_size: \"8\"}\n":                         `expected an integer, found string "8"`,
		"recipe: {group_size: 8.5}\n":                           "expected an integer, found number 8.5",
		"recipe: {drop_zero_variance: yes}\n":                   `expected true or false, found string "yes"`,
		"prompt: {templates: 8}\n":                              "expected a string, found integer 8",
		"engine: {args: a}\n":                                   `expected a list, found string "a"`,
		"engine: {stall_timeout: 60}\n":                         "expected a duration such as 30s or 10m, found integer 60 (did you mean 60s?)",
		"trainer: {lr: .nan}\n":                                 "expected a number, found number .nan",
		"trainer: {lr: 1, lr: 2}\n":                             "trainer.lr: set twice, first on line 5",
		"<<: {run: {}}\n":                                       "<<: unknown key",
		"prompt: {templates: }\n":                               "expected a string, found nothing",
		"prompt: [a]\n":                                         "expected a section with keys format, answer",
		"recipe: {mix: [{kind: direct, weight: 1, wieght: 1}]}": "recipe.mix.0.wieght: unknown key (did you mean weight?)",
	} {
		_, err := Load(write(t, minimal+text), nil, nil)
		if err == nil || !strings.Contains(err.Error(), "c.yaml:5: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gave %v, want %q on line 5", text, err, want)
		}
	}
}

func TestBadFilesAreErrorsNotCrashes(t *testing.T) {
	for text, want := range map[string]string{
		"run: [":                       "expected YAML, found line 1",
		"a: &a [*a]\n":                 "a: unknown key",
		minimal + "---\nrun: {}\n":     "expected one YAML document, found a second one",
		"":                             "run.dir: expected a value: it is required, found nothing",
		"just text":                    "expected a section with keys run, model",
		strings.Repeat("# x\n", 3e5):   "at most 1 MiB",
		"run: {dir: \"\x00\"}":         "expected YAML",
		"data: &d {train: [*d, *d]}":   "data.train.0.train: unknown key",
		"engine:\n  # all commented\n": "run.dir",
	} {
		if _, err := Load(write(t, text), nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q gave %.200v, want %q", text, err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gave %v", err)
	}
}

func TestBadSetsAndVariables(t *testing.T) {
	for set, want := range map[string]string{
		"recipe.groupsize=4":      "--set: recipe.groupsize: unknown key (did you mean group_size?)",
		"group_size=4":            "--set: group_size: unknown key (did you mean recipe.group_size?)",
		"recipe.group_size":       `--set: expected key=value, found "recipe.group_size"`,
		"recipe.group_size=four":  `--set: recipe.group_size: expected an integer, found string "four"`,
		"recipe.group_size=":      "--set: recipe.group_size: expected an integer, found nothing",
		"data.train.1.path=x":     "--set: data.train.1: no such element: the list has 1, counted from 0",
		"data.train.0.pth=x":      "--set: data.train.0.pth: unknown key (did you mean path?)",
		"data.train.0.path.x=x":   "--set: data.train.0.path.x: unknown key",
		"data.train.x.path=x":     "--set: data.train.x.path: unknown key",
		"run.steps.0=x":           "--set: run.steps.0: unknown key",
		"recipe.mix=[":            `--set: recipe.mix: expected a list, found "["`,
		"recipe.mix.0.kind=direk": `--set: recipe.mix.0.kind: expected one of direct, refine, aggregate, found "direk" (did you mean direct?)`,
	} {
		if _, err := Load(write(t, minimal), []string{set}, nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("--set %s gave %v, want %q", set, err, want)
		}
	}
	for env, want := range map[string]string{
		"ROPEWALK_RECIPE_GROUPSIZE=4":    "ROPEWALK_RECIPE_GROUPSIZE: no key has this environment variable (did you mean ROPEWALK_RECIPE_GROUP_SIZE?)",
		"ROPEWALK_RECIPE_GROUP_SIZE=x":   `ROPEWALK_RECIPE_GROUP_SIZE: recipe.group_size: expected an integer, found string "x"`,
		"ROPEWALK_RECIPE_GROUP_SIZE=1":   "ROPEWALK_RECIPE_GROUP_SIZE: recipe.group_size: expected at least 2, found 1",
		"ROPEWALK_TRAINER_KEEPWEIGHTS=2": "ROPEWALK_TRAINER_KEEPWEIGHTS: no key has this environment variable",
	} {
		if _, err := Load(write(t, minimal), nil, []string{env}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s gave %v, want %q", env, err, want)
		}
	}
}

// The files of testdata hold the errors they must give, as their first lines:
// "#! text", in order and complete.
func TestBadFilesOfTestdata(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for line := range strings.Lines(string(raw)) {
			if text, ok := strings.CutPrefix(line, "#! "); ok {
				want = append(want, strings.TrimSpace(text))
			}
		}
		_, err = Load(f, nil, nil)
		if err == nil {
			t.Errorf("%s loaded", f)
			continue
		}
		got := strings.Split(strings.ReplaceAll(err.Error(), f, filepath.Base(f)), "\n")
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", f, d)
		}
	}
}

func TestErrorsCarryTheirParts(t *testing.T) {
	_, err := Load(write(t, minimal+"advantage: {estimator: rlo}\n"), nil, nil)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	want := &Error{File: e.File, Line: 5, Key: "advantage.estimator", Found: `"rlo"`, Nearest: "rloo",
		Expected: "one of rloo, grpo, dr_grpo, reinforce, maxrl, pass_at_k"}
	if d := cmp.Diff(want, e); d != "" {
		t.Error(d)
	}
}

func TestYAMLLoadsBackIdentically(t *testing.T) {
	sets := []string{"trainer.lr=1e-6", "run.stall=1m30s", "model.path=on", "run.dir=1e3",
		"recipe.mix=[{kind: direct, weight: 0.5}, {kind: aggregate, weight: 0.5, source: policy, mixed: true}]"}
	first := mustResolve(t, minimal, sets, nil).Config
	text, err := first.YAML()
	if err != nil {
		t.Fatal(err)
	}
	second := mustResolve(t, string(text), nil, nil).Config
	if d := cmp.Diff(first, second); d != "" {
		t.Error(d)
	}
	if first.Hash() != second.Hash() {
		t.Error("hash changed")
	}
	again, err := second.YAML()
	if err != nil || string(again) != string(text) {
		t.Errorf("written twice, the text differs: %v", err)
	}
}

// Python's YAML 1.1 reads a number without a point and with an exponent as a string.
func TestYAMLWritesNumbersThatPythonReads(t *testing.T) {
	text, err := mustResolve(t, minimal, []string{"trainer.lr=1e-6", "sampling.temperature=1", "trainer.kl=1e21"}, nil).Config.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"  lr: 1.0e-06\n", "  temperature: 1.0\n", "  kl: 1.0e+21\n"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func TestOriginsStandBesideTheirLines(t *testing.T) {
	r := mustResolve(t, minimal, []string{"recipe.mix.0.weight=2"}, []string{"ROPEWALK_RUN_SEED=7"})
	text, err := r.YAMLWithOrigins()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"seed: 7 # ROPEWALK_RUN_SEED\n", "weight: 2.0 # --set\n", "top_k: 0 # default\n", "c.yaml:2\n"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	var c any
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Errorf("not YAML: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(minimal)
	f.Add("run: &a {dir: *a}\n? [x]\n: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Load(write(t, text), nil, nil)
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("loaded, but not valid: %v", err)
		}
	})
}
