package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

func schema(t *testing.T) object {
	t.Helper()
	var s object
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// at follows keys through a schema.
func at(s object, keys ...string) object {
	for _, k := range keys {
		if k == "*" {
			s = s["items"].(object)
		} else {
			s = s["properties"].(object)[k].(object)
		}
	}
	return s
}

func TestSchemaDescribesEveryKey(t *testing.T) {
	s := schema(t)
	for key, want := range map[string]string{
		"group_size": "G, rollouts of one prompt; default 8, at least 2",
		"max_drops":  "max_drops fails the run if one batch drops more than this many times groups_per_batch groups; default 20.",
	} {
		if got := at(s, "recipe", key)["description"]; got != want {
			t.Errorf("recipe.%s: %q", key, got)
		}
	}
	var visit func(name string, s object)
	visit = func(name string, s object) {
		if items, ok := s["items"].(object); ok {
			visit(name+".*", items)
		}
		properties, _ := s["properties"].(object)
		for key, p := range properties {
			if text, _ := p.(object)["description"].(string); text == "" {
				t.Errorf("%s.%s has no comment in config.go", name, key)
			}
			visit(name+"."+key, p.(object))
		}
	}
	visit("", s)
}

func TestSchemaHasRulesAndDefaults(t *testing.T) {
	s := schema(t)
	for name, pair := range map[string][2]any{
		"enum":      {at(s, "recipe", "mix", "*", "source")["enum"], []any{"pool", "policy", "cache"}},
		"minimum":   {at(s, "recipe", "group_size")["minimum"], 2.0},
		"exclusive": {at(s, "sampling", "temperature")["exclusiveMinimum"], 0.0},
		"default":   {at(s, "engine", "start_timeout")["default"], "10m0s"},
		"list":      {at(s, "recipe", "mix")["default"], []any{object{"kind": "direct", "weight": 1.0}}},
		"required":  {at(s, "run", "dir")["minLength"], 1.0},
		"closed":    {at(s, "trainer")["additionalProperties"], false},
	} {
		if fmt.Sprint(pair[0]) != fmt.Sprint(pair[1]) {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
}

// What Load takes the schema takes, and what it refuses for a single value the
// schema refuses.
func TestSchemaAgreesWithLoad(t *testing.T) {
	s := schema(t)
	good, _ := filepath.Glob("../../examples/*.yaml")
	if len(good) < 4 {
		t.Fatalf("found %d examples", len(good))
	}
	for _, f := range good {
		if err := conforms(s, parsed(t, f), ""); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	for _, name := range []string{"types", "engine", "training", "mix"} { // keys.bad.yaml is no YAML to a stricter reader
		f := "testdata/" + name + ".bad.yaml"
		if err := conforms(s, parsed(t, f), ""); err == nil {
			t.Errorf("the schema takes %s", f)
		}
	}
}

func parsed(t *testing.T, file string) any {
	t.Helper()
	root, err := readYAML(file)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := root.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// conforms is the part of JSON Schema that Schema uses.
func conforms(s object, v any, key string) error {
	bad := func(why string) error { return fmt.Errorf("%s: %v %s", key, v, why) }
	switch s["type"] {
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			return bad("is no object")
		}
		for k, sub := range m {
			p, known := s["properties"].(object)[k].(object)
			if !known {
				return bad("has unknown " + k)
			}
			if err := conforms(p, sub, join(key, k)); err != nil {
				return err
			}
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			return bad("is no list")
		}
		for i, sub := range list {
			if err := conforms(s["items"].(object), sub, join(key, fmt.Sprint(i))); err != nil {
				return err
			}
		}
	case "string":
		text, ok := v.(string)
		enum, hasEnum := s["enum"].([]any)
		pattern, _ := s["pattern"].(string)
		if !ok || hasEnum && !slices.Contains(enum, any(text)) || !regexp.MustCompile(pattern).MatchString(text) {
			return bad("is no such string")
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return bad("is no switch")
		}
	case "number", "integer":
		return conformsNumber(s, v, bad)
	}
	return nil
}

func conformsNumber(s object, v any, bad func(string) error) error {
	var x float64
	switch n := v.(type) {
	case int:
		x = float64(n)
	case float64:
		x = n
	default:
		return bad("is no number")
	}
	if s["type"] == "integer" && x != float64(int64(x)) {
		return bad("is no integer")
	}
	for word, broken := range map[string]func(limit float64) bool{
		"minimum": func(l float64) bool { return x < l }, "exclusiveMinimum": func(l float64) bool { return x <= l },
		"maximum": func(l float64) bool { return x > l }, "exclusiveMaximum": func(l float64) bool { return x >= l },
	} {
		if limit, ok := s[word].(float64); ok && broken(limit) {
			return bad("breaks " + word)
		}
	}
	return nil
}
