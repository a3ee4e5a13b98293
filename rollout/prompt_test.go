package rollout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// runes tokenises one id a rune, so that budgets can be read off a text.
type runes struct{}

func (runes) Tokenize(_ context.Context, prompts []data.Prompt) ([][]int32, error) {
	out := make([][]int32, len(prompts))
	for i, p := range prompts {
		out[i] = []int32(p.Text)
	}
	return out, nil
}

func text(ids []int32) string { return string([]rune(ids)) }

func renderer(t *testing.T, c config.Prompt) *Renderer {
	t.Helper()
	r, err := NewRenderer(c, runes{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func spec(texts ...string) *data.Spec {
	s := &data.Spec{Kind: data.KindOf(len(texts))}
	for _, text := range texts {
		s.Candidates = append(s.Candidates, data.Candidate{Text: text})
	}
	return s
}

func TestBuiltinTemplates(t *testing.T) {
	p := &data.Problem{ID: "p/0", Question: "What is 2+2?"}
	for _, answer := range []string{"boxed", "tags", "letter", "plain"} {
		for _, candidates := range [][]string{nil, {"It is 5."}, {"It is 5.", "It is 4.", "Four."}} {
			r := renderer(t, config.Prompt{Answer: answer, MaxTokens: 4000})
			ids, cut, err := r.Render(context.Background(), spec(candidates...), p)
			if err != nil || cut != "" {
				t.Fatalf("%s with %d candidates: cut %q, %v", answer, len(candidates), cut, err)
			}
			last := 0
			for _, part := range append([]string{p.Question}, candidates...) {
				at := strings.Index(text(ids)[last:], part)
				if at < 0 {
					t.Errorf("%s with %d candidates: %q is missing or out of order in:\n%s", answer, len(candidates), part, text(ids))
				}
				last += max(at, 0)
			}
		}
	}
}

func TestPlainTemplate(t *testing.T) {
	r := renderer(t, config.Prompt{Answer: "plain", MaxTokens: 100})
	p := &data.Problem{Question: "12+34="}
	ids, _, err := r.Render(context.Background(), spec("046", "047"), p)
	if want := "12+34= 046 047="; err != nil || text(ids) != want {
		t.Errorf("got %q, %v; want %q", text(ids), err, want)
	}
}

func TestBudget(t *testing.T) {
	long, short := strings.Repeat("ä", 900)+"END", strings.Repeat("b", 200)+"END"
	p := &data.Problem{ID: "p/0", Question: "q"}
	for _, c := range []struct {
		budget int
		cut    string // part of the record
		kept   int    // candidates that are shown
	}{
		{2000, "", 2},
		{700, "kept the last", 2},
		{200, "kept the last", 2},
		{100, "dropped the last 1 candidates", 1},
		{20, "dropped the last 2 candidates", 0},
	} {
		r := renderer(t, config.Prompt{Answer: "plain", MaxTokens: c.budget})
		ids, cut, err := r.Render(context.Background(), spec(long, short), p)
		if err != nil {
			t.Fatalf("budget %d: %v", c.budget, err)
		}
		if len(ids) > c.budget {
			t.Errorf("budget %d: %d tokens", c.budget, len(ids))
		}
		if !strings.Contains(cut, c.cut) || (c.cut == "") != (cut == "") {
			t.Errorf("budget %d: record %q, want %q", c.budget, cut, c.cut)
		}
		if n := strings.Count(text(ids), "END"); n != c.kept {
			t.Errorf("budget %d: %d candidates with their ends, want %d", c.budget, n, c.kept)
		}
		if c.budget == 700 && !strings.Contains(text(ids), short) {
			t.Errorf("budget 700: the shorter candidate was cut before the longer one was as short")
		}
	}
}

func TestTooLong(t *testing.T) {
	r := renderer(t, config.Prompt{Answer: "plain", MaxTokens: 5})
	_, _, err := r.Render(context.Background(), spec(), &data.Problem{ID: "p/7", Question: "123456"})
	if !errors.Is(err, ErrTooLong) || !strings.Contains(fmt.Sprint(err), "p/7") {
		t.Errorf("error %v, want ErrTooLong naming the problem", err)
	}
}

func TestStripThinking(t *testing.T) {
	for in, want := range map[string]string{
		"answer":                                 "answer",
		"<think>hm</think> answer":               "answer",
		"hm</think>answer":                       "answer",
		"<think>never closed":                    "",
		"a<think>b</think>c":                     "ac",
		"a<think>b</think>c<think>d</think>e":    "ae",
		"a<think>b<think>c</think>d</think>e":    "ae",
		"</think><think>x</think>y <think>trail": "y",
	} {
		if got := StripThinking(in); got != want {
			t.Errorf("StripThinking(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("q", "a<think>b</think>", "\xff\xfe", 80)
	f.Fuzz(func(t *testing.T, question, a, b string, budget int) {
		budget = 1 + budget&0xfff
		r := renderer(t, config.Prompt{Answer: "tags", MaxTokens: budget, StripThinking: true})
		ids, _, err := r.Render(context.Background(), spec(a, b), &data.Problem{Question: question})
		if err == nil && len(ids) > budget {
			t.Errorf("%d tokens, budget %d", len(ids), budget)
		}
		if err != nil && !errors.Is(err, ErrTooLong) && utf8.ValidString(question) && len(question) > 0 {
			t.Error(err)
		}
	})
}

func TestUserTemplates(t *testing.T) {
	dir := t.TempDir()
	for kind, body := range map[string]string{"direct": "Q {{.Question}}", "refine": "R {{index .Candidates 0}}", "aggregate": "A {{len .Candidates}}"} {
		if err := os.WriteFile(filepath.Join(dir, kind+".tmpl"), []byte(body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := renderer(t, config.Prompt{Answer: "boxed", Templates: dir, MaxTokens: 99})
	ids, _, err := r.Render(context.Background(), spec("x", "y"), &data.Problem{Question: "q"})
	if err != nil || text(ids) != "A 2" {
		t.Errorf("got %q, %v", text(ids), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "aggregate.tmpl"), []byte("{{.Qestion}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewRenderer(config.Prompt{Templates: dir}, runes{}); err == nil || !strings.Contains(err.Error(), "Qestion") {
		t.Errorf("a template with an unknown field gave %v, want an error that names it", err)
	}
}
