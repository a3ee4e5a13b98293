package config

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// source is where the descriptions of the schema come from: they cannot drift from
// the comments, because they are the comments.
//
//go:embed config.go
var source []byte

// object is a JSON Schema, or a part of one.
type object = map[string]any

// Schema is the JSON Schema (draft 2020-12) of a configuration file, for editors
// and other programs. Keys that the command line may give are not required in it,
// and rules between keys are not expressed: `config check` knows them.
func Schema() []byte {
	described := comments()
	defaults := Default()
	s := schemaOf(reflect.ValueOf(defaults), "", described)
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "ropewalk run configuration"
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // strings and finite numbers: cannot fail
	}
	return append(out, '\n')
}

// schemaOf describes the value of a key, v being its default.
func schemaOf(v reflect.Value, pattern string, described map[string]string) object {
	switch v.Kind() {
	case reflect.Struct:
		return structSchema(v, pattern, described)
	case reflect.Slice:
		items := schemaOf(reflect.Zero(v.Type().Elem()), join(pattern, "*"), described)
		delete(items, "default") // the zero of an element is no default
		return object{"type": "array", "items": items, "default": plain(v)}
	}
	s := scalarSchema(v)
	rules[pattern].describe(s)
	if _, defaulted := s["default"]; !defaulted && !rules[pattern].required {
		s["default"] = v.Interface()
	}
	return s
}

func structSchema(v reflect.Value, pattern string, described map[string]string) object {
	properties := object{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		p := schemaOf(v.Field(i), join(pattern, fieldKey(f)), described)
		if strings.HasSuffix(pattern, "*") {
			delete(p, "default")
		}
		if text := cmp.Or(described[v.Type().Name()+"."+f.Name], described[f.Type.Name()]); text != "" {
			p["description"] = text
		}
		properties[fieldKey(f)] = p
	}
	return object{"type": "object", "properties": properties, "additionalProperties": false}
}

func scalarSchema(v reflect.Value) object {
	switch {
	case v.Type() == durationType:
		return object{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`, "default": time.Duration(v.Int()).String()}
	case v.Kind() == reflect.String:
		return object{"type": "string"}
	case v.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case v.CanFloat():
		return object{"type": "number"}
	}
	return object{"type": "integer"}
}

// describe adds a rule to the schema of its value.
func (r rule) describe(s object) {
	if r.enum != nil {
		s["enum"] = strings.Split(r.words(), ", ")
	}
	if r.required {
		s["minLength"] = 1
	}
	if kind := s["type"]; kind != "number" && kind != "integer" {
		return
	}
	if !math.IsInf(r.min, 0) {
		s[pick(r.above, "exclusiveMinimum", "minimum")] = r.min
	}
	if !math.IsInf(r.max, 0) {
		s[pick(r.below, "exclusiveMaximum", "maximum")] = r.max
	}
}

// comments are the comments of config.go by "Type" and "Type.Field", on one line.
func comments() map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", source, parser.ParseComments)
	if err != nil {
		panic("config.go is embedded and compiled, yet does not parse: " + err.Error())
	}
	out := map[string]string{}
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE {
			continue
		}
		spec := decl.Specs[0].(*ast.TypeSpec)
		out[spec.Name.Name] = oneLine(decl.Doc.Text())
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				describeField(out, spec.Name.Name, f)
			}
		}
	}
	return out
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func describeField(to map[string]string, typeName string, f *ast.Field) {
	text := oneLine(f.Doc.Text() + " " + f.Comment.Text())
	tag, _ := strconv.Unquote(f.Tag.Value)
	for _, name := range f.Names {
		// A Go comment begins with the field's name; a reader of YAML knows the key.
		if rest, ok := strings.CutPrefix(text, name.Name+" "); ok {
			text = reflect.StructTag(tag).Get("mapstructure") + " " + rest
		}
		to[typeName+"."+name.Name] = text
	}
}
