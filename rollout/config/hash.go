package config

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mayChange lists keys, and sections by their last dot, that a resumed run may have
// other than before: where it runs and how fast, when it ends, what it keeps. What
// it samples and trains is in no other key.
var mayChange = []string{
	"run.dir", "run.steps", "run.tokens", "run.stall", "run.give_up",
	"grading.", "queue.",
	"engine.workers", "engine.urls", "engine.concurrency", "engine.samples_per_request", "engine.args",
	"engine.python", "engine.start_timeout", "engine.stall_timeout", "engine.probe_tolerance",
	"engine.simulated.latency",
	"trainer.start", "trainer.python", "trainer.device", "trainer.threads", "trainer.micro_tokens",
	"trainer.share_prefix", "trainer.checkpoint_every", "trainer.keep_checkpoints", "trainer.keep_weights",
	"trainer.mismatch_warn",
}

// mayDiffer reports whether a run may be resumed with another value of key. The
// cosine schedule is stretched over run.steps, so there they are part of it.
func (c *Config) mayDiffer(key string) bool {
	if key == "run.steps" && c.Trainer.Schedule == "cosine" {
		return false
	}
	for _, k := range mayChange {
		if key == k || strings.HasPrefix(key, k) && (strings.HasSuffix(k, ".") || key[len(k)] == '.') {
			return true
		}
	}
	return false
}

// Hash names everything that a resumed run must not change, 16 hexadecimal digits.
// It is the config_hash of batches and manifests.
func (c *Config) Hash() string {
	h := sha256.New()
	for at := range leaves(c) {
		if !c.mayDiffer(at.key) {
			fmt.Fprintf(h, "%s=%s\n", at.key, literal(at.value))
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Diff lists the keys that keep a run of configuration a from being resumed with
// b, each with both values, in the order of the struct: none exactly if the hashes
// are equal.
func Diff(a, b *Config) []string {
	before, after := literals(a), literals(b)
	var out []string
	note := func(key string) {
		x, y := cmp.Or(before[key], "absent"), cmp.Or(after[key], "absent")
		if x != y && !(a.mayDiffer(key) && b.mayDiffer(key)) {
			out = append(out, fmt.Sprintf("%s: %s in the run, %s now", key, x, y))
		}
	}
	for at := range leaves(a) {
		note(at.key)
	}
	for at := range leaves(b) {
		if before[at.key] == "" { // an element that a's list does not have
			note(at.key)
		}
	}
	return out
}

func literals(c *Config) map[string]string {
	out := map[string]string{}
	for at := range leaves(c) {
		out[at.key] = literal(at.value)
	}
	return out
}

// literal writes a value in one way only.
func literal(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.String:
		return strconv.Quote(v.String())
	case v.CanFloat():
		return number(v.Float())
	}
	return fmt.Sprint(v.Interface())
}

// YAML writes c in full: what `config show` prints and a run keeps as config.yaml.
// Reading it with [Load] gives c again.
func (c *Config) YAML() ([]byte, error) { return c.yamlWith(func(string) string { return "" }) }

// YAMLWithOrigins is YAML with the origin of each setting as a comment on its line.
func (r *Resolved) YAMLWithOrigins() ([]byte, error) {
	return r.Config.yamlWith(func(key string) string { return r.Origin(key).String() })
}

func (c *Config) yamlWith(comment func(key string) string) ([]byte, error) {
	var root yaml.Node
	if err := root.Encode(c); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	finish(&root, reflect.TypeFor[Config](), "", comment)
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return nil, fmt.Errorf("writing the configuration: %w", err)
	}
	return b.Bytes(), nil
}

// finish adds the comments, and points to numbers: Python's YAML takes 1e-06 for a
// string and 1.0e-06 for a number.
func finish(n *yaml.Node, t reflect.Type, key string, comment func(string) string) {
	switch {
	case n.Kind == yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			ft, _ := fieldType(t, n.Content[i].Value)
			sub := join(key, n.Content[i].Value)
			finish(n.Content[i+1], ft, sub, comment)
			if ft.Kind() == reflect.Slice && n.Content[i+1].Style != yaml.FlowStyle {
				n.Content[i].LineComment = comment(sub)
			}
		}
		return
	case n.Kind == yaml.SequenceNode:
		for i, child := range n.Content {
			finish(child, t.Elem(), join(key, strconv.Itoa(i)), comment)
		}
		if len(n.Content) > 0 {
			return
		}
	case t.Kind() == reflect.Float64:
		n.Value, n.Tag = pointed(n.Value), "!!float"
	}
	n.LineComment = comment(key)
}

// pointed writes a decimal point into the mantissa if there is none.
func pointed(s string) string {
	mantissa, exponent, scientific := strings.Cut(s, "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if !scientific {
		return mantissa
	}
	return mantissa + "e" + exponent
}
