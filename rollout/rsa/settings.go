package rsa

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// Settings are all that decides the outcome of a run, by name, as its folder
// keeps them.
type Settings map[string]string

// engineKeys are the settings that only an engine can tell.
var engineKeys = []string{"model", "tokenizer", "context"}

// NewSettings describes a run as the user asked for it; [Folder.Pin] adds what
// the engines say. Where they listen and how many requests are in flight are no
// settings: they may change.
func NewSettings(o Options, problems []data.Problem) (Settings, error) {
	prompts, err := promptsHash(o.Prompt)
	if err != nil {
		return nil, err
	}
	s := Settings{
		"n": strconv.Itoa(o.N), "t": strconv.Itoa(o.T), "seed": strconv.FormatInt(o.Seed, 10),
		"temperature": strconv.FormatFloat(o.Sampling.Temperature, 'g', -1, 64),
		"max-tokens":  strconv.Itoa(o.Sampling.MaxTokens), "stop": fmt.Sprint(o.Sampling.Stop),
		"prompt-format": o.Prompt.Format, "templates": prompts,
	}
	if err := addMethod(s, o); err != nil {
		return nil, err
	}
	if o.Prompt.MaxTokens > 0 {
		s["max-prompt-tokens"] = strconv.Itoa(o.Prompt.MaxTokens)
	}
	if o.T > 1 {
		s["k"] = strconv.Itoa(o.K)
	}
	return s, addDatasets(s, problems)
}

// addMethod has the settings that plain RSA does without.
func addMethod(s Settings, o Options) error {
	if o.Method != "" && o.Method != recursive.Name {
		s["method"] = o.Method
	}
	if o.Points > 0 {
		s["points"] = strconv.Itoa(o.Points)
	}
	if o.Rater != "" {
		s["verifier"] = o.Rater
	}
	if o.StopWhenAgreed {
		s["stop-when-agreed"] = "true"
	}
	if !o.Verify {
		return nil
	}
	template, err := verifierHash(o.Prompt)
	s["verify"] = fmt.Sprintf("at most %d tokens (%s)", o.VerifyTokens, template)
	return err
}

// withEngine adds what the engines say. Their context matters only where it
// decides the prompt budget.
func (s Settings) withEngine(info engine.Info) Settings {
	out := maps.Clone(s)
	out["model"], out["tokenizer"] = info.Model, info.Fingerprint
	if s["max-prompt-tokens"] == "" {
		out["context"] = strconv.Itoa(info.MaxModelLen)
	}
	return out
}

func (s Settings) withoutEngine() Settings {
	out := maps.Clone(s)
	for _, key := range engineKeys {
		delete(out, key)
	}
	return out
}

// addDatasets has one setting for each dataset, by its problems.
func addDatasets(s Settings, problems []data.Problem) error {
	hash := sha256.New() // over all, in order: numbers of problems depend on it
	byName := map[string][]data.Problem{}
	for _, p := range problems {
		byName[p.Dataset] = append(byName[p.Dataset], p)
		fmt.Fprintf(hash, "%q\n", p.ID)
	}
	s["order of the problems"] = hex.EncodeToString(hash.Sum(nil)[:8])
	for name, some := range byName {
		h := sha256.New()
		if err := json.NewEncoder(h).Encode(some); err != nil {
			return fmt.Errorf("dataset %s: %w", name, err)
		}
		s["dataset "+name] = fmt.Sprintf("%d problems (%s)", len(some), hex.EncodeToString(h.Sum(nil)[:8]))
	}
	return nil
}

// promptsHash renders fixed specs of every kind and hashes the texts: it changes
// with any template and with what is done to candidates.
func promptsHash(cfg config.Prompt) (string, error) {
	var h hasher
	cfg.MaxTokens = 1
	r, err := rollout.NewRenderer(cfg, &h)
	if err != nil {
		return "", err
	}
	candidates := []data.Candidate{{Text: "<think>a</think> first"}, {Text: "second"}}
	for k := range 3 {
		if err := h.render(r, candidates[:k]); err != nil {
			return "", err
		}
	}
	return h.sum(), nil
}

// verifierHash is [promptsHash] of verifications.
func verifierHash(cfg config.Prompt) (string, error) {
	var h hasher
	cfg.MaxTokens = 1
	r, err := rollout.NewVerifier(cfg, &h)
	if err != nil {
		return "", err
	}
	err = h.render(r, []data.Candidate{{Text: "<think>a</think> first"}})
	return h.sum(), err
}

// hasher is a tokenizer that only listens; every prompt is one token long.
type hasher struct{ text strings.Builder }

func (h *hasher) Tokenize(_ context.Context, prompts []data.Prompt) ([][]int32, error) {
	for _, p := range prompts {
		fmt.Fprintf(&h.text, "%q\n", p.Text)
	}
	return slices.Repeat([][]int32{{1}}, len(prompts)), nil
}

func (h *hasher) render(r *rollout.Renderer, candidates []data.Candidate) error {
	problem := data.Problem{ID: "p", Question: "question"}
	spec := data.Spec{Problem: "p", Kind: data.KindOf(len(candidates)), Candidates: candidates}
	_, _, err := r.Render(context.Background(), &spec, &problem)
	return err
}

func (h *hasher) sum() string {
	sum := sha256.Sum256([]byte(h.text.String()))
	return hex.EncodeToString(sum[:8])
}

// Hash names the settings in files that stem from them.
func (s Settings) Hash() string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(h, "%q %q\n", key, s[key])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Diff lists what now says otherwise than s, one line each.
func (s Settings) Diff(now Settings) []string {
	keys := map[string]bool{}
	for key := range s {
		keys[key] = true
	}
	for key := range now {
		keys[key] = true
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if s[key] != now[key] {
			lines = append(lines, fmt.Sprintf("%s: it has %s, this call %s", key, orNone(s[key]), orNone(now[key])))
		}
	}
	return lines
}

// Matches compares the settings of a finished run with those of a call, which
// knows nothing of engines: it returns [ErrSettings] and the differences.
func (s Settings) Matches(now Settings) error {
	diff := s.withoutEngine().Diff(now)
	if len(diff) == 0 {
		return nil
	}
	return fmt.Errorf("%w:\n  %s", ErrSettings, strings.Join(diff, "\n  "))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
