package config

import (
	"iter"
	"reflect"
	"strconv"
	"strings"
	"time"
)

var durationType = reflect.TypeFor[time.Duration]()

// leaf is one value of a configuration with the key it stands under.
type leaf struct {
	key     string // "recipe.mix.0.kind"
	pattern string // "recipe.mix.*.kind": the same for every element of a list
	value   reflect.Value
}

// leaves gives every value of c in the order of the struct, elements of lists
// one by one.
func leaves(c *Config) iter.Seq[leaf] {
	return func(yield func(leaf) bool) {
		walk(leaf{value: reflect.ValueOf(c).Elem()}, true, yield)
	}
}

// settings gives every value of c that can be set at once: a list is one value.
func settings(c *Config) iter.Seq[leaf] {
	return func(yield func(leaf) bool) {
		walk(leaf{value: reflect.ValueOf(c).Elem()}, false, yield)
	}
}

func walk(at leaf, intoLists bool, yield func(leaf) bool) bool {
	switch {
	case at.value.Kind() == reflect.Struct:
		for i := range at.value.NumField() {
			name := fieldKey(at.value.Type().Field(i))
			sub := leaf{join(at.key, name), join(at.pattern, name), at.value.Field(i)}
			if !walk(sub, intoLists, yield) {
				return false
			}
		}
		return true
	case at.value.Kind() == reflect.Slice && intoLists:
		for i := range at.value.Len() {
			sub := leaf{join(at.key, strconv.Itoa(i)), join(at.pattern, "*"), at.value.Index(i)}
			if !walk(sub, intoLists, yield) {
				return false
			}
		}
		return true
	}
	return yield(at)
}

// fieldKey is the key of a struct field, as YAML, viper and JSON know it.
func fieldKey(f reflect.StructField) string { return f.Tag.Get("mapstructure") }

// fieldKeys are the keys of a struct, in its order.
func fieldKeys(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i] = fieldKey(t.Field(i))
	}
	return keys
}

// fieldType gives the type of the field under key.
func fieldType(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if fieldKey(t.Field(i)) == key {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// parentKey is the key without its last part, "" at the top.
func parentKey(key string) string {
	i := strings.LastIndexByte(key, '.')
	return key[:max(i, 0)]
}
