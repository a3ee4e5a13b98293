package data

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
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
var fieldNames = []string{"id", "dataset", "system", "question", "prompt", "gold", "answer", "ground_truth", "grader", "meta", "extra"}

// ParseProblem makes a problem of one row, given as a JSON object in one of two
// shapes.
//
// Ours: id, dataset, system, question, gold, grader, meta, extra. prompt may stand
// for question, as a string or a list of messages; answer or ground_truth for
// gold. Only a question and a gold (or meta) are required; any other key is an
// error.
//
// verl's, known by its reward_model: data_source, prompt, reward_model
// {ground_truth}, extra_info. The grader follows from data_source; other keys
// are left alone. Rows of reasoning_gym carry their extra_info.dataset_name and
// extra_info.entry in Meta. What ropewalk exported says the rest under
// extra_info.ropewalk.
func ParseProblem(row []byte, d Defaults) (Problem, error) {
	f, err := ParseFields(row)
	if err != nil {
		return Problem{}, err
	}
	read := f.Own
	if _, verl := f["reward_model"]; verl {
		read = f.Verl
	}
	var p Problem
	if err := read(&p); err != nil {
		return Problem{}, err
	}
	d.Fill(&p)
	return p, p.Check()
}

// Fill gives a problem what its row did not say.
func (d Defaults) Fill(p *Problem) {
	if p.Dataset == "" {
		p.Dataset = d.Dataset
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
}

// Check reports what no problem can do without.
func (p *Problem) Check() error {
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

// Own reads a row of our own shape; see [ParseProblem].
func (f Fields) Own(p *Problem) error {
	if err := f.OwnKeys(); err != nil {
		return err
	}
	if err := f.labels(p); err != nil {
		return err
	}
	if err := f.setQuestion(p); err != nil {
		return err
	}
	var err error
	if p.Gold, err = f.gold(); err != nil {
		return err
	}
	if p.Extra, err = f.Object("extra"); string(p.Extra) == "{}" {
		p.Extra = nil
	}
	return err
}

// OwnKeys reports the first key that is none of our own shape.
func (f Fields) OwnKeys() error {
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if !slices.Contains(fieldNames, key) {
			return fmt.Errorf("unknown key %q; known are %s (what a grader needs besides goes under meta, anything else under extra)",
				key, strings.Join(fieldNames, ", "))
		}
	}
	return nil
}

// labels reads what says where a problem comes from and how it is graded.
func (f Fields) labels(p *Problem) error {
	id, err1 := f.Scalar("id")
	dataset, err2 := f.Text("dataset")
	grader, err3 := f.Text("grader")
	meta, err4 := f.Object("meta")
	p.ID, p.Dataset, p.Grader, p.Meta = ProblemID(id), dataset, grader, meta
	return cmp.Or(err1, err2, err3, err4)
}

// SetLabels reads id, dataset, grader and meta, and the gold answer from the first
// of some keys that is there, which it names.
func (f Fields) SetLabels(p *Problem, gold ...string) (key string, err error) {
	if err := f.labels(p); err != nil {
		return "", err
	}
	for _, key := range gold {
		if f.Has(key) {
			p.Gold, err = f.Scalar(key)
			return key, err
		}
	}
	return "", nil
}

func (f Fields) setQuestion(p *Problem) (err error) {
	if f.Has("question") && f.Has("prompt") {
		return errors.New("both question and prompt are given, expected one")
	}
	if p.System, err = f.Text("system"); err != nil {
		return err
	}
	if f.Has("question") {
		p.Question, err = f.Text("question")
		return err
	}
	if !f.Has("prompt") {
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

func (f Fields) gold() (string, error) {
	found, value := "", ""
	for _, key := range []string{"gold", "answer", "ground_truth"} {
		if !f.Has(key) {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("both %s and %s are given, expected one", found, key)
		}
		found = key
		var err error
		if value, err = f.Scalar(key); err != nil {
			return "", err
		}
	}
	return value, nil
}

// Verl reads a row of verl's shape; see [ParseProblem].
func (f Fields) Verl(p *Problem) error {
	var err error
	if !f.Has("prompt") {
		return errors.New("no prompt")
	}
	if p.System, p.Question, err = parsePrompt(f["prompt"]); err != nil {
		return fmt.Errorf("prompt: %w", err)
	}
	reward, err := f.Sub("reward_model")
	if err != nil {
		return err
	}
	if p.Gold, err = reward.Scalar("ground_truth"); err != nil {
		return fmt.Errorf("reward_model: %w", err)
	}
	return f.verlGrader(p)
}

// verlGrader finds who grades a row of verl's: as ropewalk noted it when it
// exported the row, else by the name of the source.
func (f Fields) verlGrader(p *Problem) error {
	var extra Fields
	var err error
	if f.Has("extra_info") {
		if extra, err = f.Sub("extra_info"); err != nil {
			return err
		}
	}
	if extra.Has(NoteKey) {
		if err := extra.Note(p); err != nil {
			return fmt.Errorf("extra_info: %w", err)
		}
	}
	source, err := f.Text("data_source")
	if err == nil && p.Grader == "" {
		p.Grader = graderOf(source)
	}
	if err == nil && p.Grader == "" {
		p.Grader, err = f.Text("grader")
	}
	if err != nil || p.Grader != "gym" || p.Meta != nil {
		return err
	}
	return extra.gym(p)
}

// NoteKey is where ropewalk notes, in rows of other shapes, what they have no
// column for: a JSON object in a string, so that readers which want one type for
// all rows of a column have it.
const NoteKey = "ropewalk"

// Note reads such a note: id, dataset, grader, meta.
func (f Fields) Note(p *Problem) error {
	raw, err := f.Object(NoteKey)
	if err != nil {
		return err
	}
	var note Fields
	if err := json.Unmarshal(raw, &note); err != nil {
		return fmt.Errorf("%s: %w", NoteKey, err)
	}
	if err := note.labels(p); err != nil {
		return fmt.Errorf("%s: %w", NoteKey, err)
	}
	return nil
}

// gym keeps what a Reasoning Gym scorer needs: the task's name and the entry,
// which the files carry as JSON within a string.
func (f Fields) gym(p *Problem) error {
	if f == nil {
		return errors.New("extra_info: expected an object, found nothing")
	}
	name, err := f.Text("dataset_name")
	if err == nil && name == "" {
		err = errors.New("dataset_name is missing")
	}
	if err != nil {
		return fmt.Errorf("extra_info: %w", err)
	}
	entry, err := f.Object("entry")
	if err != nil {
		return fmt.Errorf("extra_info: %w", err)
	}
	if entry == nil {
		return errors.New("extra_info: entry: expected a JSON object, found nothing")
	}
	quoted, err := json.Marshal(name)
	p.Meta = slices.Concat([]byte(`{"dataset_name":`), quoted, []byte(`,"entry":`), entry, []byte(`}`))
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

// parsePrompt reads a question given as a string or as messages: at most one
// system message, then one user message.
func parsePrompt(raw json.RawMessage) (system, question string, err error) {
	if json.Unmarshal(raw, &question) == nil {
		return "", question, nil
	}
	var turns []Fields
	if err := json.Unmarshal(raw, &turns); err != nil {
		return "", "", fmt.Errorf("expected a string or a list of messages, found %s", JSONKind(raw))
	}
	roles := make([]string, len(turns))
	texts := make([]string, len(turns))
	for i, turn := range turns {
		if roles[i], err = turn.Text("role"); err != nil {
			return "", "", fmt.Errorf("message %d: %w", i+1, err)
		}
		if texts[i], err = turn.Text("content"); err != nil {
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
