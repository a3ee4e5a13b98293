package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Origin says which layer set a key, and where.
type Origin struct {
	Layer string // default | file | environment | set
	Name  string // the file, the variable, or "--set"; "" for defaults
	Line  int    // of the file; 0 elsewhere
}

func (o Origin) String() string {
	switch {
	case o.Name == "":
		return o.Layer
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	}
	return o.Name
}

// tree turns YAML nodes into typed values by the types of Config. Viper would
// lower-case keys, let the last of two equal keys win and truncate 8.5 to 8, all
// in silence; so it is given only what has been checked here.
type tree struct {
	origin   Origin
	origins  map[string]Origin // of every value and list element met
	sections map[string]Origin // of every section met
	errs     []*Error
}

func newTree() *tree {
	return &tree{origins: map[string]Origin{}, sections: map[string]Origin{}}
}

// place says where key stands or, if it does not, where it would.
func (r *tree) place(key string) Origin {
	if at := originOf(r.origins, key); at.Name != "" {
		return at
	}
	return originOf(r.sections, key)
}

// value converts n, which stands under key, to a value of type t: maps and lists
// of plain Go values. ok is false if anything in it was wrong.
func (r *tree) value(n *yaml.Node, t reflect.Type, key string) (v any, ok bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if t.Kind() == reflect.Struct && !isElement(key) {
		r.sections[key] = r.at(n)
	} else {
		r.origins[key] = r.at(n)
	}
	switch t.Kind() {
	case reflect.Struct:
		return r.mapping(n, t, key)
	case reflect.Slice:
		return r.sequence(n, t.Elem(), key)
	}
	return r.scalar(n, t, key)
}

// isElement reports whether key is an element of a list, "recipe.mix.0".
func isElement(key string) bool {
	_, err := strconv.Atoi(key[strings.LastIndexByte(key, '.')+1:])
	return err == nil
}

func (r *tree) at(n *yaml.Node) Origin {
	o := r.origin
	if o.Layer == "file" {
		o.Line = n.Line
	}
	return o
}

func (r *tree) fail(n *yaml.Node, e Error) bool {
	at := r.at(n)
	e.File, e.Line = at.Name, at.Line
	r.errs = append(r.errs, &e)
	return false
}

func (r *tree) mapping(n *yaml.Node, t reflect.Type, key string) (map[string]any, bool) {
	out, ok := map[string]any{}, true
	if isNull(n) {
		return out, true // a section whose lines are all comments
	}
	if n.Kind != yaml.MappingNode {
		return nil, r.fail(n, Error{Key: key, Expected: "a section with keys " + strings.Join(fieldKeys(t), ", "), Found: describe(n)})
	}
	lines := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		name, child := n.Content[i], n.Content[i+1]
		if first, twice := lines[name.Value]; twice {
			ok = r.fail(name, Error{Key: join(key, name.Value), Found: fmt.Sprintf("set twice, first on line %d", first)})
			continue
		}
		lines[name.Value] = name.Line
		ft, known := fieldType(t, name.Value)
		if !known {
			ok = r.fail(name, unknown(t, key, name.Value))
			continue
		}
		v, good := r.value(child, ft, join(key, name.Value))
		out[name.Value], ok = v, ok && good
	}
	return out, ok
}

// unknown is the error of a key that section key, of type t, does not have.
func unknown(t reflect.Type, key, name string) Error {
	e := Error{Key: join(key, shorten(name)), Found: unknownKey, Nearest: nearestKey(t, name)}
	if e.Nearest == "" {
		e.Expected = strings.Join(fieldKeys(t), ", ")
	}
	return e
}

func (r *tree) sequence(n *yaml.Node, elem reflect.Type, key string) ([]any, bool) {
	if n.Kind != yaml.SequenceNode {
		return nil, r.fail(n, Error{Key: key, Expected: "a list", Found: describe(n)})
	}
	out, ok := make([]any, 0, len(n.Content)), true
	for i, child := range n.Content {
		v, good := r.value(child, elem, join(key, strconv.Itoa(i)))
		out, ok = append(out, v), ok && good
	}
	return out, ok
}

// scalar converts without guessing: no number from a string, no truncation.
func (r *tree) scalar(n *yaml.Node, t reflect.Type, key string) (any, bool) {
	if n.Kind == yaml.ScalarNode {
		if v, ok := scalarOf(n, t); ok {
			return v, true
		}
	}
	e := Error{Key: key, Expected: expected(t), Found: describe(n)}
	if t == durationType && n.Kind == yaml.ScalarNode && n.ShortTag() == "!!int" {
		e.Nearest = n.Value + "s"
	}
	return nil, r.fail(n, e)
}

func scalarOf(n *yaml.Node, t reflect.Type) (any, bool) {
	tag := n.ShortTag()
	switch {
	case t == durationType:
		d, err := time.ParseDuration(n.Value)
		return d, err == nil && tag == "!!str"
	case t.Kind() == reflect.String:
		return n.Value, tag == "!!str"
	case t.Kind() == reflect.Bool:
		return strings.EqualFold(n.Value, "true"), tag == "!!bool"
	case t.Kind() == reflect.Float64:
		var x float64
		err := n.Decode(&x)
		return x, err == nil && (tag == "!!float" || tag == "!!int") && !math.IsNaN(x) && !math.IsInf(x, 0)
	}
	return integerOf(n, tag, t)
}

// integerOf takes 8 and 1e6, not 8.5.
func integerOf(n *yaml.Node, tag string, t reflect.Type) (any, bool) {
	const exact = 1 << 53 // up to here a float64 holds every integer
	var i int64
	switch tag {
	case "!!int":
		if n.Decode(&i) != nil {
			return nil, false
		}
	case "!!float":
		var x float64
		if n.Decode(&x) != nil || x != math.Trunc(x) || math.Abs(x) > exact {
			return nil, false
		}
		i = int64(x)
	default:
		return nil, false
	}
	return reflect.ValueOf(i).Convert(t).Interface(), !reflect.Zero(t).OverflowInt(i)
}

func expected(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration such as 30s or 10m"
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct:
		return "a section"
	}
	return "an integer"
}

// describe says what stands in the file, shortened.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if isNull(n) {
		return "nothing"
	}
	kinds := map[string]string{"!!str": "string ", "!!bool": "switch ", "!!int": "integer ", "!!float": "number "}
	if n.ShortTag() == "!!str" {
		return kinds["!!str"] + strconv.Quote(shorten(n.Value))
	}
	return kinds[n.ShortTag()] + shorten(n.Value)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// shorten keeps a message on its line, whatever the file holds.
func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
