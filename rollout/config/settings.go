package config

import (
	"reflect"
	"slices"
	"strings"
)

// Setting is one key of a file with its value: a string, a bool, a number, a
// time.Duration, or a list ([]any) of them or of sections (map[string]any).
type Setting struct {
	Key   string // "sampling.temperature": sections are split into their keys
	Value any
}

// ReadSettings reads a YAML file that is no run configuration as strictly as
// [Load] reads one: unknown keys, keys set twice and values of another type than
// shape's are errors that name the line. shape is a struct type whose fields have
// mapstructure tags; what it says of bounds is the caller's. The settings come in
// the order of shape, only those that the file has.
func ReadSettings(path string, shape reflect.Type) ([]Setting, error) {
	root, err := readYAML(path)
	if err != nil {
		return nil, err
	}
	r := newTree()
	r.origin = Origin{Layer: "file", Name: path}
	v, _ := r.value(root, shape, "")
	for _, e := range r.errs {
		if e.Found == unknownKey && strings.Contains(e.Nearest, ".") {
			e.Nearest = "" // a key of run configurations, of which this is none
		}
	}
	if err := located(path, r, r.errs); err != nil {
		return nil, err
	}
	var out []Setting
	for _, a := range flatten("", shape, v, nil) {
		out = append(out, Setting{a.key, a.value})
	}
	return slices.Clip(out), nil
}
