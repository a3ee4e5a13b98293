package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// every gives all leaves, those inside list elements included, by a configuration
// whose lists have one element each.
func every(t *testing.T) []leaf {
	t.Helper()
	c := Default()
	c.Data.Train, c.Engine.URLs, c.Engine.Args = make([]Source, 1), make([]string, 1), make([]string, 1)
	c.Grading.Commands, c.Grading.Services = []Command{{Argv: make([]string, 1)}}, make([]Service, 1)
	return slices.Collect(leaves(&c))
}

// A key added to the struct must get a rule, and a rule must not outlive its key.
func TestEveryValueHasARule(t *testing.T) {
	left := map[string]bool{}
	for pattern := range rules {
		left[pattern] = true
	}
	for _, at := range every(t) {
		if _, ok := rules[at.pattern]; !ok && at.value.Kind() != reflect.Bool {
			t.Errorf("%s has no rule", at.pattern)
		}
		delete(left, at.pattern)
	}
	for pattern := range left {
		t.Errorf("the rule of %s has no key", pattern)
	}
}

func TestTagsAgreeAndSurviveViper(t *testing.T) {
	var visit func(reflect.Type)
	visit = func(s reflect.Type) {
		for i := range s.NumField() {
			f := s.Field(i)
			key := fieldKey(f)
			yamlKey, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if key == "" || key != yamlKey || key != f.Tag.Get("json") || key != strings.ToLower(key) || strings.Contains(key, ".") {
				t.Errorf("%s.%s: tags %s", s.Name(), f.Name, f.Tag)
			}
			inner := f.Type
			if inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				visit(inner)
			}
		}
	}
	visit(reflect.TypeFor[Config]())
}

func TestVariablesAreDistinct(t *testing.T) {
	seen := map[string]string{}
	for at := range settings(new(Config)) {
		name := envName(at.key)
		if other, twice := seen[name]; twice {
			t.Errorf("%s and %s share %s", at.key, other, name)
		}
		seen[name] = at.key
	}
}

func TestDefaultsKeepTheRules(t *testing.T) {
	c := Default()
	c.Run.Dir, c.Run.Steps, c.Model.Path, c.Data.Train = "d", 1, "m", []Source{{Path: "a.jsonl"}}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"", "abc", 3}, {"trianer", "trainer", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if got := nearest("completely_other", []string{"steps", "seed"}); got != "" {
		t.Errorf("suggested %q", got)
	}
}
