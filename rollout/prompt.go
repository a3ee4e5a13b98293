package rollout

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
)

//go:embed templates/*.tmpl
var builtin embed.FS

// ErrTooLong is wrapped by [Renderer.Render] when a prompt exceeds its budget
// even without candidates.
var ErrTooLong = errors.New("prompt exceeds prompt.max_tokens")

// Tokenizer gives the token ids of prompts, by the model's own tokenizer.
type Tokenizer interface {
	Tokenize(ctx context.Context, prompts []data.Prompt) ([][]int32, error)
}

// Renderer turns a Spec into token ids within a budget.
type Renderer struct {
	cfg       config.Prompt
	templates map[data.Kind]*template.Template
	tokens    Tokenizer
}

// NewRenderer reads the templates: KIND.tmpl in cfg.Templates, else the built-in
// ones of cfg.Answer. A template sees .Question and .Candidates (texts in prompt
// order) and the function inc.
func NewRenderer(cfg config.Prompt, tokens Tokenizer) (*Renderer, error) {
	r := &Renderer{cfg: cfg, templates: map[data.Kind]*template.Template{}, tokens: tokens}
	for _, kind := range []data.Kind{data.Direct, data.Refine, data.Aggregate} {
		t, err := readTemplate(cfg, kind)
		if err != nil {
			return nil, err
		}
		r.templates[kind] = t
	}
	return r, nil
}

// NewVerifier is [NewRenderer] of prompts that show one candidate and ask whether
// it is right: specs of kind refine, rendered with verify.tmpl of cfg.Templates if
// it is there, else with the built-in one.
func NewVerifier(cfg config.Prompt, tokens Tokenizer) (*Renderer, error) {
	t, err := readTemplate(cfg, data.Verify)
	if errors.Is(err, fs.ErrNotExist) {
		cfg.Templates = ""
		t, err = readTemplate(cfg, data.Verify)
	}
	if err != nil {
		return nil, err
	}
	// Direct is what is left when not even a part of the candidate fits.
	return &Renderer{cfg: cfg, templates: map[data.Kind]*template.Template{data.Direct: t, data.Refine: t}, tokens: tokens}, nil
}

func readTemplate(cfg config.Prompt, kind data.Kind) (*template.Template, error) {
	name := "templates/" + cfg.Answer + "_" + string(kind) + ".tmpl"
	if kind == data.Verify {
		name = "templates/verify.tmpl" // the same whatever the form of the answer
	}
	text, err := fs.ReadFile(builtin, name)
	if cfg.Templates != "" {
		name = filepath.Join(cfg.Templates, string(kind)+".tmpl")
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("template of %s prompts: %w", kind, err)
	}
	return parseTemplate(name, string(text), kind)
}

func parseTemplate(name, text string, kind data.Kind) (*template.Template, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"inc": func(i int) int { return i + 1 }}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("template of %s prompts: %w", kind, err)
	}
	// Rendered once now, so that a bad field name fails at start-up, not at step 300.
	_, err = execute(t, "question", []string{"a", "b"})
	return t, err
}

func execute(t *template.Template, question string, candidates []string) (string, error) {
	var b strings.Builder
	err := t.Execute(&b, struct {
		Question   string
		Candidates []string
	}{question, candidates})
	if err != nil {
		return "", fmt.Errorf("template %s: %w", t.Name(), err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// Text renders a prompt without a budget, for those who need its words: warm
// starts and datasets.
func (r *Renderer) Text(question string, candidates []string) (string, error) {
	return execute(r.templates[data.KindOf(len(candidates))], question, candidates)
}

// Render gives the prompt's token ids and says what was cut to fit, "" if
// nothing. See [Renderer.Fit].
func (r *Renderer) Render(ctx context.Context, s *data.Spec, p *data.Problem) (ids []int32, cut string, err error) {
	_, cut, err = r.Fit(ctx, s, p, func(ctx context.Context, prompt data.Prompt) (int, error) {
		ids, err = r.tokenize(ctx, p, prompt)
		return len(ids), err
	})
	if err != nil {
		return nil, "", err
	}
	return ids, cut, nil
}

// Fit renders a prompt within the budget, as count measures it in tokens, and
// says what was cut to fit, "" if nothing.
//
// The rule for prompts over budget: candidates keep their ends, where answers
// stand; the longest are shortened first, to one common length, which shrinks
// until the prompt fits; below minCandidate runes candidates are dropped from
// the last. A prompt too long without any candidate is ErrTooLong.
func (r *Renderer) Fit(ctx context.Context, s *data.Spec, p *data.Problem, count func(context.Context, data.Prompt) (int, error)) (prompt data.Prompt, cut string, err error) {
	texts := r.candidateTexts(s)
	full := longest(texts)
	limit := full
	for {
		if prompt, err = r.prompt(p, s.Kind, cutAll(texts, limit)); err != nil {
			return prompt, "", err
		}
		tokens, err := count(ctx, prompt)
		if err != nil || tokens <= r.cfg.MaxTokens {
			return prompt, describeCut(s, texts, limit, full), err
		}
		if len(texts) == 0 {
			return prompt, "", fmt.Errorf("problem %s: %w: %d tokens, %d allowed", p.ID, ErrTooLong, tokens, r.cfg.MaxTokens)
		}
		if limit = shrink(limit, tokens, r.cfg.MaxTokens); limit < minCandidate {
			texts = texts[:len(texts)-1]
			limit = longest(texts)
		}
	}
}

// minCandidate is the shortest candidate worth showing, in runes: less does not
// hold an answer with its last step.
const minCandidate = 64

// shrink aims at the budget and always makes progress.
func shrink(limit, have, want int) int {
	aim := int(float64(limit) * float64(want) / float64(have))
	return min(aim, limit*9/10, limit-1)
}

func (r *Renderer) prompt(p *data.Problem, kind data.Kind, texts []string) (data.Prompt, error) {
	if len(texts) < 2 {
		kind = data.KindOf(len(texts)) // candidates may have been dropped
	}
	text, err := execute(r.templates[kind], p.Question, texts)
	return data.Prompt{System: p.System, Text: text, Chat: r.cfg.Format == "chat"}, err
}

func (r *Renderer) tokenize(ctx context.Context, p *data.Problem, prompt data.Prompt) ([]int32, error) {
	ids, err := r.tokens.Tokenize(ctx, []data.Prompt{prompt})
	if err != nil {
		return nil, fmt.Errorf("tokenising the prompt of problem %s: %w", p.ID, err)
	}
	if len(ids) != 1 || len(ids[0]) == 0 {
		return nil, fmt.Errorf("tokenising the prompt of problem %s gave no ids", p.ID)
	}
	return ids[0], nil
}

// candidateTexts are the texts as a template sees them, thinking removed if asked.
func (r *Renderer) candidateTexts(s *data.Spec) []string {
	texts := make([]string, len(s.Candidates))
	for i, c := range s.Candidates {
		texts[i] = c.Text
		if r.cfg.StripThinking {
			texts[i] = StripThinking(c.Text)
		}
	}
	return texts
}

// StripThinking removes <think>…</think> sections; what precedes a lone </think>
// and what follows a <think> never closed are thinking too.
func StripThinking(s string) string {
	const begin, end = "<think>", "</think>"
	if last := strings.LastIndex(s, end); last >= 0 {
		head, _, opened := strings.Cut(s[:last], begin)
		if !opened || strings.Contains(head, end) {
			head = "" // all thinking, begun in the prompt
		}
		s = head + s[last+len(end):]
	}
	if open := strings.Index(s, begin); open >= 0 {
		s = s[:open]
	}
	return strings.TrimSpace(s)
}

func longest(texts []string) int {
	n := 0
	for _, t := range texts {
		n = max(n, utf8.RuneCountInString(t))
	}
	return n
}

// cutAll keeps the last limit runes of each text, marked where something is gone.
func cutAll(texts []string, limit int) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = t
		if over := utf8.RuneCountInString(t) - limit; over > 0 {
			out[i] = "[…] " + string([]rune(t)[over:])
		}
	}
	return out
}

func describeCut(s *data.Spec, texts []string, limit, full int) string {
	var parts []string
	if gone := len(s.Candidates) - len(texts); gone > 0 {
		parts = append(parts, fmt.Sprintf("dropped the last %d candidates", gone))
	}
	if len(texts) > 0 && limit < min(full, longest(texts)) {
		parts = append(parts, fmt.Sprintf("kept the last %d characters of longer candidates", limit))
	}
	return strings.Join(parts, "; ")
}
