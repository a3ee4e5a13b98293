package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Defaults say what a row does not say itself.
type Defaults struct {
	Dataset string // used unless the row names one
	Name    string // used, if not empty, as the dataset whatever the row says
	Grader  string // used, if not empty, whatever the row says
	Index   int    // place in the file from 0, for rows without an id
}

// fieldNames are the keys of our own rows. question and prompt are the same
// thing, as are gold, answer and ground_truth: peers use each.
var fieldNames = []string{"id", "dataset", "system", "question", "prompt", "gold", "answer", "ground_truth", "grader", "meta"}

// ParseProblem makes a problem of one row, given as a JSON object in one of two
// shapes.
//
// Ours: id, dataset, system, question, gold, grader, meta. prompt may stand for
// question, as a string or a list of messages; answer or ground_truth for gold.
// Only a question and a gold (or meta) are required; any other key is an error.
//
// verl's, known by its reward_model: data_source, prompt, reward_model
// {ground_truth}, extra_info. The grader follows from data_source; other keys
// are left alone. Rows of reasoning_gym carry their extra_info.dataset_name and
// extra_info.entry in Meta.
func ParseProblem(row []byte, d Defaults) (Problem, error) {
	// encoding/json would replace bad bytes silently.
	if !utf8.Valid(row) {
		return Problem{}, errors.New("not UTF-8")
	}
	var f fields
	if err := json.Unmarshal(row, &f); err != nil {
		return Problem{}, describe(err, row)
	}
	if f == nil {
		return Problem{}, errors.New("expected an object, found null")
	}
	p := Problem{Dataset: d.Dataset}
	read := f.own
	if _, verl := f["reward_model"]; verl {
		read = f.verl
	}
	if err := read(&p); err != nil {
		return Problem{}, err
	}
	if d.Name != "" {
		p.Dataset = d.Name
	}
	if d.Grader != "" {
		p.Grader = d.Grader
	}
	if p.ID == "" {
		p.ID = ProblemID(fmt.Sprintf("%s/%d", p.Dataset, d.Index))
	}
	return p, p.check()
}

// check reports what no problem can do without.
func (p *Problem) check() error {
	switch {
	case strings.TrimSpace(p.Question) == "":
		return errors.New("question is empty")
	case p.Gold == "" && p.Meta == nil:
		return errors.New("no gold answer, and no meta that could stand for it")
	case p.Grader == "":
		return errors.New("no grader: give the row a grader, or the dataset one in the configuration")
	case p.Dataset == "":
		return errors.New("dataset is empty")
	}
	return nil
}

// fields are a row's values by key, still as JSON.
type fields map[string]json.RawMessage

func (f fields) own(p *Problem) error {
	for key := range f {
		if !slices.Contains(fieldNames, key) {
			return fmt.Errorf("unknown key %q; known are %s (what a grader needs besides goes under meta)",
				key, strings.Join(fieldNames, ", "))
		}
	}
	id, err := f.scalar("id")
	if err != nil {
		return err
	}
	p.ID = ProblemID(id)
	dataset, err := f.text("dataset")
	if err != nil {
		return err
	}
	if dataset != "" {
		p.Dataset = dataset
	}
	if p.Grader, err = f.text("grader"); err != nil {
		return err
	}
	if err := f.setQuestion(p); err != nil {
		return err
	}
	if p.Gold, err = f.gold(); err != nil {
		return err
	}
	p.Meta, err = f.object("meta")
	return err
}

func (f fields) setQuestion(p *Problem) (err error) {
	if f.has("question") && f.has("prompt") {
		return errors.New("both question and prompt are given, expected one")
	}
	if p.System, err = f.text("system"); err != nil {
		return err
	}
	if f.has("question") {
		p.Question, err = f.text("question")
		return err
	}
	if !f.has("prompt") {
		return errors.New("no question (or prompt)")
	}
	system, question, err := parsePrompt(f["prompt"])
	if err != nil {
		return fmt.Errorf("prompt: %w", err)
	}
	if system != "" && p.System != "" {
		return errors.New("both system and a system message in prompt are given, expected one")
	}
	if system != "" {
		p.System = system
	}
	p.Question = question
	return nil
}

func (f fields) gold() (string, error) {
	found, value := "", ""
	for _, key := range []string{"gold", "answer", "ground_truth"} {
		if !f.has(key) {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("both %s and %s are given, expected one", found, key)
		}
		found = key
		var err error
		if value, err = f.scalar(key); err != nil {
			return "", err
		}
	}
	return value, nil
}

func (f fields) verl(p *Problem) error {
	source, err := f.text("data_source")
	if err != nil {
		return err
	}
	p.Grader = graderOf(source)
	if p.Grader == "" {
		p.Grader, err = f.text("grader")
		if err != nil {
			return err
		}
	}
	if !f.has("prompt") {
		return errors.New("no prompt")
	}
	if p.System, p.Question, err = parsePrompt(f["prompt"]); err != nil {
		return fmt.Errorf("prompt: %w", err)
	}
	reward, err := f.sub("reward_model")
	if err != nil {
		return err
	}
	if p.Gold, err = reward.scalar("ground_truth"); err != nil {
		return fmt.Errorf("reward_model: %w", err)
	}
	if p.Grader == "gym" {
		return f.gym(p)
	}
	return nil
}

// gym keeps what a Reasoning Gym scorer needs: the task's name and the entry,
// which the files carry as JSON within a string.
func (f fields) gym(p *Problem) error {
	extra, err := f.sub("extra_info")
	if err != nil {
		return err
	}
	name, err := extra.text("dataset_name")
	if err == nil && name == "" {
		err = errors.New("dataset_name is missing")
	}
	if err != nil {
		return fmt.Errorf("extra_info: %w", err)
	}
	entry := extra["entry"]
	if kind(entry) == "a string" {
		text, err := extra.text("entry")
		if err != nil {
			return fmt.Errorf("extra_info: %w", err)
		}
		entry = json.RawMessage(text)
	}
	if !json.Valid(entry) || kind(entry) != "an object" {
		return fmt.Errorf("extra_info: entry: expected a JSON object, found %s", kind(entry))
	}
	p.Meta, err = json.Marshal(struct {
		Name  string          `json:"dataset_name"`
		Entry json.RawMessage `json:"entry"`
	}{name, entry})
	return err
}

// sources names the grader of datasets known by part of their data_source, in
// lower case; the first that matches counts.
var sources = []struct{ part, grader string }{
	{"reasoning_gym", "gym"},
	{"gpqa", "choice"}, {"mmlu", "choice"},
	{"aime", "math"}, {"hmmt", "math"}, {"math", "math"}, {"gsm8k", "math"},
}

func graderOf(source string) string {
	source = strings.ToLower(source)
	for _, s := range sources {
		if strings.Contains(source, s.part) {
			return s.grader
		}
	}
	return ""
}

func (f fields) has(key string) bool { return len(f[key]) > 0 && string(f[key]) != "null" }

// text is a string, "" if absent or null.
func (f fields) text(key string) (string, error) {
	if !f.has(key) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(f[key], &s); err != nil {
		return "", fmt.Errorf("%s: expected a string, found %s", key, kind(f[key]))
	}
	return s, nil
}

// scalar is a string, a number as it is written, or a list of one of them.
func (f fields) scalar(key string) (string, error) {
	if !f.has(key) {
		return "", nil
	}
	raw := f[key]
	var list []json.RawMessage
	if kind(raw) == "a list" && json.Unmarshal(raw, &list) == nil {
		if len(list) != 1 {
			return "", fmt.Errorf("%s: expected one value, found a list of %d", key, len(list))
		}
		raw = list[0]
	}
	if kind(raw) == "a number" {
		return string(raw), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil || kind(raw) == "null" {
		return "", fmt.Errorf("%s: expected a string or a number, found %s", key, kind(raw))
	}
	return s, nil
}

// object is a JSON object in compact form, nil if absent or null.
func (f fields) object(key string) (json.RawMessage, error) {
	if !f.has(key) {
		return nil, nil
	}
	if kind(f[key]) != "an object" {
		return nil, fmt.Errorf("%s: expected an object, found %s", key, kind(f[key]))
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, f[key]); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return compact.Bytes(), nil
}

func (f fields) sub(key string) (fields, error) {
	if kind(f[key]) != "an object" {
		return nil, fmt.Errorf("%s: expected an object, found %s", key, kind(f[key]))
	}
	var sub fields
	err := json.Unmarshal(f[key], &sub)
	return sub, err
}

// parsePrompt reads a question given as a string or as messages: at most one
// system message, then one user message.
func parsePrompt(raw json.RawMessage) (system, question string, err error) {
	if json.Unmarshal(raw, &question) == nil {
		return "", question, nil
	}
	var turns []fields
	if err := json.Unmarshal(raw, &turns); err != nil {
		return "", "", fmt.Errorf("expected a string or a list of messages, found %s", kind(raw))
	}
	roles := make([]string, len(turns))
	texts := make([]string, len(turns))
	for i, turn := range turns {
		if roles[i], err = turn.text("role"); err != nil {
			return "", "", fmt.Errorf("message %d: %w", i+1, err)
		}
		if texts[i], err = turn.text("content"); err != nil {
			return "", "", fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	switch {
	case slices.Equal(roles, []string{"user"}):
		return "", texts[0], nil
	case slices.Equal(roles, []string{"system", "user"}):
		return texts[0], texts[1], nil
	}
	return "", "", fmt.Errorf("expected one user message, after one system message at most, found roles [%s]", strings.Join(roles, " "))
}

// kind names a JSON value's type for messages.
func kind(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// describe words a JSON error for someone who sees the file.
func describe(err error, row []byte) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not JSON: %w at byte %d", err, syntax.Offset)
	}
	return fmt.Errorf("expected an object, found %s", kind(row))
}

// DatasetName is the name of a dataset whose rows name none: the file's base
// name without extension and split ("aime25_test.parquet" is aime25), or its
// folder's where the file is named after the split ("aime25/test.parquet").
func DatasetName(path string) string {
	splits := []string{"train", "test", "validation", "val", "dev"}
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if slices.Contains(splits, name) {
		if dir := filepath.Base(filepath.Dir(path)); dir != "." && dir != string(filepath.Separator) {
			return dir
		}
		return name
	}
	for _, split := range splits {
		for _, joint := range []string{"_", "-"} {
			if short, ok := strings.CutSuffix(name, joint+split); ok && short != "" {
				return short
			}
		}
	}
	return name
}
