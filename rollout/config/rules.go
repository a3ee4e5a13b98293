package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// rule is what one value may be on its own; rules between keys are in validate.go.
// Both the check and the JSON Schema read it.
type rule struct {
	enum     []string // the words allowed; nil for any
	required bool     // text must not be empty
	min, max float64  // of a number, or of seconds; inclusive
	above    bool     // min itself is excluded
	below    bool     // max itself is excluded
}

var (
	anything = rule{min: math.Inf(-1), max: math.Inf(1)}
	positive = rule{min: 0, above: true, max: math.Inf(1)}
	share    = rule{min: 0, max: 1}
	nonEmpty = rule{required: true}
)

func atLeast(min float64) rule        { return rule{min: min, max: math.Inf(1)} }
func between(min, max float64) rule   { return rule{min: min, max: max} }
func oneOf(words ...string) rule      { return rule{enum: words} }
func fraction(above bool) rule        { return rule{min: 0, above: above, max: 1, below: true} }
func (r rule) outside(x float64) bool { return !r.reaches(x) || !r.stays(x) }
func (r rule) reaches(x float64) bool { return x > r.min || x == r.min && !r.above }
func (r rule) stays(x float64) bool   { return x < r.max || x == r.max && !r.below }

// rules has an entry for every value that is not a switch, lists by element.
var rules = map[string]rule{
	"run.dir":     nonEmpty,
	"run.seed":    anything,
	"run.steps":   atLeast(1),
	"run.tokens":  atLeast(0),
	"run.stall":   positive,
	"run.give_up": positive,

	"model.path":  anything,
	"model.dtype": oneOf("float32", "bfloat16"),

	"data.train.*.path":   nonEmpty,
	"data.train.*.name":   anything,
	"data.train.*.grader": anything,
	"data.train.*.limit":  atLeast(0),

	"recipe.group_size":       atLeast(2),
	"recipe.groups_per_batch": atLeast(1),
	"recipe.mix.*.kind":       oneOf("direct", "refine", "aggregate"),
	"recipe.mix.*.weight":     positive,
	"recipe.mix.*.k":          between(0, 64),
	"recipe.mix.*.source":     oneOf("", "pool", "policy", "cache"),
	"recipe.mix.*.rounds":     atLeast(0),
	"recipe.pool":             anything,
	"recipe.cache_size":       atLeast(0),
	"recipe.max_staleness":    atLeast(0),
	"recipe.max_drops":        atLeast(0),

	"prompt.format":     oneOf("chat", "text"),
	"prompt.answer":     oneOf("boxed", "tags", "letter", "plain"),
	"prompt.templates":  anything,
	"prompt.max_tokens": atLeast(1),

	"sampling.temperature": positive,
	"sampling.max_tokens":  atLeast(1),
	"sampling.top_p":       between(1, 1),
	"sampling.top_k":       between(0, 0),

	"advantage.estimator": oneOf("rloo", "grpo", "dr_grpo", "reinforce", "maxrl", "pass_at_k"),
	"advantage.epsilon":   atLeast(0),
	"advantage.k":         atLeast(1),

	"grading.workers":  atLeast(1),
	"grading.deadline": positive,

	"grading.commands.*.name":    nonEmpty,
	"grading.commands.*.argv.*":  anything,
	"grading.commands.*.workers": atLeast(0),
	"grading.services.*.name":    nonEmpty,
	"grading.services.*.url":     nonEmpty,
	"grading.services.*.timeout": atLeast(0),

	"queue.url":         anything,
	"queue.listen":      nonEmpty,
	"queue.credentials": anything,
	"queue.ca":          anything,
	"queue.cert":        anything,
	"queue.key":         anything,
	"queue.durability":  oneOf("fsync", "interval", "memory"),
	"queue.lease":       atLeast(1),
	"queue.replicas":    between(1, 5),

	"engine.kind":                 oneOf("small", "vllm", "simulated", "external"),
	"engine.workers":              atLeast(0),
	"engine.urls.*":               nonEmpty,
	"engine.concurrency":          atLeast(1),
	"engine.samples_per_request":  atLeast(1),
	"engine.context":              atLeast(2),
	"engine.args.*":               anything,
	"engine.python":               anything,
	"engine.start_timeout":        positive,
	"engine.stall_timeout":        positive,
	"engine.probe_tolerance":      atLeast(0),
	"engine.simulated.accuracy.*": share,
	"engine.simulated.direct":     share,
	"engine.simulated.tokens":     atLeast(1),
	"engine.simulated.tail":       atLeast(0),
	"engine.simulated.latency":    atLeast(0),
	"engine.simulated.fail_rate":  fraction(false),

	"trainer.python":           anything,
	"trainer.device":           oneOf("auto", "cpu", "cuda"),
	"trainer.threads":          atLeast(0),
	"trainer.loss":             oneOf("pg", "ppo"),
	"trainer.ratio_cap":        atLeast(1),
	"trainer.clip_low":         fraction(true),
	"trainer.clip_high":        positive,
	"trainer.kl":               atLeast(0),
	"trainer.normalise":        oneOf("tokens", "constant"),
	"trainer.lr":               positive,
	"trainer.schedule":         oneOf("constant", "cosine"),
	"trainer.warmup":           atLeast(0),
	"trainer.min_lr":           share,
	"trainer.beta1":            fraction(false),
	"trainer.beta2":            fraction(false),
	"trainer.weight_decay":     atLeast(0),
	"trainer.grad_clip":        atLeast(0),
	"trainer.micro_tokens":     atLeast(1),
	"trainer.checkpoint_every": atLeast(1),
	"trainer.keep_checkpoints": atLeast(1),
	"trainer.keep_weights":     atLeast(1),
	"trainer.mismatch_warn":    positive,
}

// check holds one value against its rule; nil if it keeps it.
func (r rule) check(at leaf) *Error {
	v := at.value
	switch {
	case v.Kind() == reflect.String:
		return r.checkText(at.key, v.String())
	case v.Type() == durationType:
		d := time.Duration(v.Int())
		return r.checkNumber(at.key, d.Seconds(), d.String(), seconds)
	case v.CanInt():
		return r.checkNumber(at.key, float64(v.Int()), strconv.FormatInt(v.Int(), 10), number)
	case v.CanFloat():
		return r.checkNumber(at.key, v.Float(), number(v.Float()), number)
	}
	return nil // a switch
}

func (r rule) checkText(key, s string) *Error {
	if s == "" && r.required {
		return &Error{Key: key, Expected: "a value: it is required", Found: "nothing"}
	}
	if r.enum == nil {
		return nil
	}
	for _, word := range r.enum {
		if s == word {
			return nil
		}
	}
	return &Error{Key: key, Expected: "one of " + r.words(), Found: strconv.Quote(s), Nearest: nearest(s, r.enum)}
}

// words lists the enum without its empty word.
func (r rule) words() string {
	return strings.TrimPrefix(strings.Join(r.enum, ", "), ", ")
}

func (r rule) checkNumber(key string, x float64, found string, write func(float64) string) *Error {
	if !r.outside(x) {
		return nil
	}
	return &Error{Key: key, Expected: r.limits(write), Found: found}
}

// limits says in words which numbers are allowed.
func (r rule) limits(write func(float64) string) string {
	var parts []string
	if r.min == r.max {
		return write(r.min)
	}
	if !math.IsInf(r.min, 0) {
		parts = append(parts, fmt.Sprintf("%s %s", pick(r.above, "above", "at least"), write(r.min)))
	}
	if !math.IsInf(r.max, 0) {
		parts = append(parts, fmt.Sprintf("%s %s", pick(r.below, "below", "at most"), write(r.max)))
	}
	return strings.Join(parts, " and ")
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func number(x float64) string  { return strconv.FormatFloat(x, 'g', -1, 64) }
func seconds(x float64) string { return time.Duration(x * float64(time.Second)).String() }
