package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// envPrefix begins the names of environment variables that set keys:
// recipe.group_size is ROPEWALK_RECIPE_GROUP_SIZE.
const envPrefix = "ROPEWALK_"

// maxFile bounds a configuration file in bytes. Real ones are a few KB.
const maxFile = 1 << 20

// assignment is one key with its value, as a layer sets it.
type assignment struct {
	key   string
	value any
}

// fromFile reads path into assignments.
func (r *tree) fromFile(path string) ([]assignment, error) {
	root, err := readYAML(path)
	if err != nil {
		return nil, err
	}
	r.origin = Origin{Layer: "file", Name: path}
	v, _ := r.value(root, reflect.TypeFor[Config](), "")
	return flatten("", reflect.TypeFor[Config](), v, nil), nil
}

func readYAML(path string) (*yaml.Node, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if len(raw) > maxFile {
		return nil, &Error{File: path, Expected: "a configuration of at most 1 MiB", Found: "a larger file"}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.MappingNode}, nil // empty, or comments only
	} else if err != nil {
		return nil, notYAML(path, err)
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &Error{File: path, Expected: "one YAML document", Found: "a second one"}
	}
	return doc.Content[0], nil
}

func notYAML(name string, err error) error {
	return &Error{File: name, Expected: "YAML", Found: strings.TrimPrefix(err.Error(), "yaml: ")}
}

// flatten splits a section's value into its settings. Keys whose value was wrong
// are nil and left out: their error is on record.
func flatten(key string, t reflect.Type, v any, to []assignment) []assignment {
	section, isSection := v.(map[string]any)
	switch {
	case v == nil:
		return to
	case t.Kind() != reflect.Struct || !isSection:
		return append(to, assignment{key, v})
	}
	for _, name := range fieldKeys(t) {
		if sub, ok := section[name]; ok {
			ft, _ := fieldType(t, name)
			to = flatten(join(key, name), ft, sub, to)
		}
	}
	return to
}

// fromEnv reads the variables NAME=value that name a key. Empty ones count as
// unset. One that names a section but no key of it is an error; others that share
// the prefix (ROPEWALK_CACHE) are none of ours.
func (r *tree) fromEnv(env []string) []assignment {
	keys, names := map[string]string{}, []string{}
	for at := range settings(new(Config)) {
		name := envName(at.key)
		keys[name], names = at.key, append(names, name)
	}
	var out []assignment
	for _, v := range slices.Sorted(slices.Values(env)) {
		name, text, _ := strings.Cut(v, "=")
		if text == "" || !strings.HasPrefix(name, envPrefix) {
			continue
		}
		r.origin = Origin{Layer: "environment", Name: name}
		if key, ok := keys[name]; ok {
			out = append(out, r.text(key, text)...)
		} else if namesSection(name) {
			r.report(&Error{Found: "no key has this environment variable", Nearest: nearest(name, names)})
		}
	}
	return out
}

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func namesSection(name string) bool {
	for _, section := range fieldKeys(reflect.TypeFor[Config]()) {
		if strings.HasPrefix(name, envName(section)+"_") {
			return true
		}
	}
	return false
}

// fromSet reads one "a.b=c" of --set. Elements of lists are counted from 0:
// data.train.0.path=x. current gives the value that a list has before.
func (r *tree) fromSet(set string, current func(key string) any) []assignment {
	r.origin = Origin{Layer: "set", Name: "--set"}
	key, text, ok := strings.Cut(set, "=")
	key = strings.TrimSpace(key)
	if !ok || key == "" {
		r.report(&Error{Expected: "key=value", Found: strconv.Quote(shorten(set))})
		return nil
	}
	list, path := splitIndex(key)
	if list == "" {
		return r.text(key, text)
	}
	t, ok := r.typeOf(list)
	if !ok {
		return nil
	}
	v, ok := r.replace(current(list), t, list, path, text)
	if !ok {
		return nil
	}
	return []assignment{{list, v}}
}

// splitIndex takes "data.train.0.path" apart before the index. list is "" if
// there is none.
func splitIndex(key string) (list string, path []string) {
	parts := strings.Split(key, ".")
	for i, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 31); err == nil && i > 0 {
			return strings.Join(parts[:i], "."), parts[i:]
		}
	}
	return "", nil
}

// replace gives old, which stands under key, with what path leads to read from
// text. old itself stays as it is.
func (r *tree) replace(old any, t reflect.Type, key string, path []string, text string) (any, bool) {
	if len(path) == 0 {
		return r.parse(key, t, text)
	}
	name := path[0]
	switch have := old.(type) {
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(have) {
			return nil, r.report(&Error{Key: join(key, name), Found: fmt.Sprintf("no such element: the list has %d, counted from 0", len(have))})
		}
		v, ok := r.replace(have[i], t.Elem(), join(key, name), path[1:], text)
		out := slices.Clone(have)
		out[i] = v
		return out, ok
	case map[string]any:
		ft, known := fieldType(t, name)
		if !known {
			e := unknown(t, key, name)
			return nil, r.report(&e)
		}
		v, ok := r.replace(have[name], ft, join(key, name), path[1:], text)
		out := maps.Clone(have)
		out[name] = v
		return out, ok
	}
	return nil, r.report(&Error{Key: join(key, name), Found: unknownKey})
}

// report notes an error of the layer being read, one without lines.
func (r *tree) report(e *Error) bool {
	e.File = r.origin.Name
	r.errs = append(r.errs, e)
	return false
}

// text reads the value of one key, or of a whole section, from its text.
func (r *tree) text(key, text string) []assignment {
	t, ok := r.typeOf(key)
	if !ok {
		return nil
	}
	v, ok := r.parse(key, t, text)
	if !ok {
		return nil
	}
	return flatten(key, t, v, nil)
}

// typeOf finds the type under a key that is in no file.
func (r *tree) typeOf(key string) (reflect.Type, bool) {
	t, done := reflect.TypeFor[Config](), ""
	for name := range strings.SplitSeq(key, ".") {
		ft, known := reflect.Type(nil), false
		if t.Kind() == reflect.Struct {
			ft, known = fieldType(t, name)
		}
		if !known {
			e := Error{Key: key, Found: unknownKey}
			if t.Kind() == reflect.Struct {
				e = unknown(t, done, name)
			}
			return nil, r.report(&e)
		}
		t, done = ft, join(done, name)
	}
	return t, true
}

// parse reads text as YAML. Where a string is wanted the text itself is it, unless
// it begins with a quotation mark: --set model.path=42 needs none.
func (r *tree) parse(key string, t reflect.Type, text string) (any, bool) {
	if t.Kind() == reflect.String && !strings.HasPrefix(text, `"`) && !strings.HasPrefix(text, "'") {
		r.origins[key] = r.origin
		return text, true
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, r.report(&Error{Key: key, Expected: expected(t), Found: strconv.Quote(shorten(text))})
	}
	if len(doc.Content) == 0 {
		return r.value(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, t, key)
	}
	return r.value(doc.Content[0], t, key)
}
