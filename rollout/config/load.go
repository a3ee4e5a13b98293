package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// Resolved is a configuration with where each of its keys comes from.
type Resolved struct {
	Config  Config
	origins map[string]Origin
}

// Origin says which layer set key ("recipe.mix.0.k"). A key inside a list that
// was set as a whole has the list's origin.
func (r *Resolved) Origin(key string) Origin { return originOf(r.origins, key) }

func originOf(origins map[string]Origin, key string) Origin {
	for ; key != ""; key = parentKey(key) {
		if o, ok := origins[key]; ok {
			return o
		}
	}
	return Origin{Layer: "default"}
}

// Load reads a configuration: the defaults, over them the YAML file path ("" for
// none), over it env (NAME=value, as os.Environ gives; ROPEWALK_RECIPE_GROUP_SIZE
// sets recipe.group_size), over it sets ("recipe.group_size=4", later ones win).
// Lists are replaced whole, or by element in sets ("data.train.0.limit=10"); values
// in env and sets are YAML. File names in a configuration are relative to the
// working directory; nothing in them is expanded.
//
// The result is complete and valid. Errors are *Error, all of them joined, and
// what the file system says of path.
func Load(path string, sets, env []string) (*Config, error) {
	r, err := Resolve(path, sets, env)
	if err != nil {
		return nil, err
	}
	return &r.Config, nil
}

// Resolve is [Load] that keeps the origins.
func Resolve(path string, sets, env []string) (*Resolved, error) {
	v := viper.New()
	defaults := Default()
	for at := range settings(&defaults) {
		v.SetDefault(at.key, plain(at.value))
	}
	r := newTree()
	if err := r.fill(v, path, sets, env); err != nil {
		return nil, err
	}
	if mix, ok := v.Get("recipe.mix").([]any); ok {
		completeMix(mix)
	}
	out := &Resolved{origins: r.origins}
	// UnmarshalExact, strict types: a second guard, for tree let through only known
	// keys of the right type.
	strict := func(d *mapstructure.DecoderConfig) { d.WeaklyTypedInput = false; d.DecodeHook = nil }
	if err := v.UnmarshalExact(&out.Config, strict); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	if err := located(path, r, append(r.errs, out.Config.problems()...)); err != nil {
		return nil, err
	}
	return out, nil
}

// fill puts the layers into v, the strongest last. Viper would read the
// environment by itself, but as untyped strings.
func (r *tree) fill(v *viper.Viper, path string, sets, env []string) error {
	if path != "" {
		file, err := r.fromFile(path)
		if err != nil {
			return err
		}
		put(v, file)
	}
	put(v, r.fromEnv(env))
	for _, s := range sets {
		put(v, r.fromSet(s, v.Get))
	}
	return nil
}

func put(v *viper.Viper, values []assignment) {
	for _, a := range values {
		v.Set(a.key, a.value)
	}
}

// located gives each error the place where its key was set, drops those that only
// follow from another about the same key or the section around it, sorts them by line and joins them.
func located(path string, r *tree, errs []*Error) error {
	seen := map[string]bool{}
	var out []*Error
	for _, e := range errs {
		if covered(seen, e.Key) {
			continue
		}
		seen[e.Key] = true
		if e.Found == unknownKey { // the key it was meant for will be missing
			seen[join(parentKey(e.Key), e.Nearest)] = true
		}
		if e.File == "" {
			at := r.place(e.Key)
			e.File, e.Line = cmp.Or(at.Name, path), at.Line
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return joinErrors(out)
}

// covered reports whether key, or a section or list around it, is wrong already.
func covered(seen map[string]bool, key string) bool {
	for ; key != ""; key = parentKey(key) {
		if seen[key] {
			return true
		}
	}
	return false
}

func joinErrors(errs []*Error) error {
	all := make([]error, len(errs))
	for i, e := range errs {
		all[i] = e
	}
	return errors.Join(all...)
}

// plain turns a value into the maps, lists and scalars that tree makes of YAML.
// Zero values inside list elements are left out, as in a file.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		m := map[string]any{}
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				m[fieldKey(v.Type().Field(i))] = plain(v.Field(i))
			}
		}
		return m
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	}
	return v.Interface()
}
