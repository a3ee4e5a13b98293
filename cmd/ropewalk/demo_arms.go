package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/rollout"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/training"
)

// demoArms are the ways of training, as recipe.mix.
var demoArms = map[string]string{
	"standard":          "[{kind: direct, weight: 1}]",
	"aggregation_aware": "[{kind: direct, weight: 1}, {kind: aggregate, weight: 1, k: %d, source: pool}]",
	"recursive":         "[{kind: direct, weight: 1}, {kind: aggregate, weight: 1, k: %d, source: policy, rounds: 2, mixed: true}]",
}

// Warm-start examples: a third of them show candidates, whose digits are wrong
// with this chance each. Fewer leave nothing to amplify.
const (
	warmAggregateShare = 1.0 / 3
	warmDigitError     = 0.15
)

// writeExamples makes the warm start's examples from the training problems, and
// its evaluation set of direct prompts from problems of the same split.
func (d *demo) writeExamples() error {
	problems, _, err := table.Load([]table.Source{{Path: d.path("train.jsonl")}}, false)
	if err != nil {
		return err
	}
	renderer, err := rollout.NewRenderer(config.Prompt{Answer: "plain", Format: "text"}, nil)
	if err != nil {
		return err
	}
	r := rollout.Rand(d.seed, "warm start")
	err = atomicfile.Write(d.path("warm.jsonl"), func(w io.Writer) error {
		return writeLines(w, d.warmSamples, func() (any, error) { return d.example(r, renderer, problems) })
	})
	if err != nil {
		return err
	}
	next := 0
	return atomicfile.Write(d.path("warm-eval.jsonl"), func(w io.Writer) error {
		return writeLines(w, min(512, len(problems)), func() (any, error) {
			p := problems[len(problems)-1-next]
			next++
			return example(renderer, p, nil)
		})
	})
}

func writeLines(w io.Writer, n int, make func() (any, error)) error {
	out := bufio.NewWriterSize(w, 1<<20)
	lines := json.NewEncoder(out)
	for range n {
		line, err := make()
		if err != nil {
			return err
		}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (d *demo) example(r *rand.Rand, renderer *rollout.Renderer, problems []data.Problem) (any, error) {
	p := problems[r.IntN(len(problems))]
	var candidates []string
	if r.Float64() < warmAggregateShare {
		for range d.k {
			candidates = append(candidates, garble(r, p.Gold))
		}
	}
	return example(renderer, p, candidates)
}

func example(renderer *rollout.Renderer, p data.Problem, candidates []string) (any, error) {
	prompt, err := renderer.Text(p.Question, candidates)
	return map[string]string{"prompt": prompt, "completion": p.Gold}, err
}

// garble replaces digits by other ones.
func garble(r *rand.Rand, digits string) string {
	out := []byte(digits)
	for i, c := range out {
		if r.Float64() < warmDigitError {
			out[i] = '0' + (c-'0'+byte(1+r.IntN(9)))%10
		}
	}
	return string(out)
}

// train trains one arm and judges what came of it.
func (d *demo) train(ctx context.Context, report *demoReport, arm string) error {
	if err := d.makePool(ctx, arm); err != nil {
		return err
	}
	dir := d.path("arms", arm)
	end := filepath.Join(dir, "batches", "END")
	if _, err := os.Stat(end); err != nil {
		d.say("training %s: %d tokens", arm, d.tokens)
		root, err := training.Checkout()
		if err != nil {
			return err
		}
		config := filepath.Join(root, "examples", "demo.yaml")
		if err := d.ropewalk(ctx, append([]string{"train", config}, d.trainArgs(arm, dir)...)...); err != nil {
			return err
		}
	}
	newest, ok, err := training.Newest(filepath.Join(dir, "weights"))
	if err != nil || !ok {
		return fmt.Errorf("arm %s left no weights: %v", arm, err)
	}
	if err := report.budget(arm, dir); err != nil {
		return err
	}
	return d.judge(ctx, report, arm, newest.Dir)
}

func (d *demo) trainArgs(arm, dir string) []string {
	mix := demoArms[arm]
	if strings.Contains(mix, "%d") {
		mix = fmt.Sprintf(mix, d.k)
	}
	args := []string{
		"--set", "run.dir=" + dir, "--set", "run.seed=" + strconv.FormatInt(d.seed, 10),
		"--set", "run.tokens=" + strconv.FormatInt(d.tokens, 10), "--set", "run.steps=100000",
		"--set", "model.path=" + d.path("reference"), "--set", "recipe.mix=" + mix,
		"--set", "recipe.groups_per_batch=" + strconv.Itoa(d.groups),
		"--set", "data.train=[{path: " + d.path("train.jsonl") + "}]",
		"--set", "sampling.max_tokens=" + strconv.Itoa(d.digits+3),
	}
	if arm == "aggregation_aware" {
		args = append(args, "--set", "recipe.pool="+d.path("pool.parquet"))
	}
	if _, ok, err := training.Newest(filepath.Join(dir, "weights")); ok && err == nil {
		args = append(args, "--resume")
	}
	return args
}

// makePool samples the frozen reference, once, for the arm that needs it.
func (d *demo) makePool(ctx context.Context, arm string) error {
	if arm != "aggregation_aware" || d.exists("pool.parquet") {
		return nil
	}
	d.say("candidate pool: %d answers of the reference to each problem", 2*d.k)
	return d.withEngine(ctx, d.path("reference"), func(url string) error {
		return d.ropewalk(ctx, "sample", d.path("train.jsonl"), "-n", strconv.Itoa(2*d.k), "--engine", url, "-o", d.path("pool.parquet"),
			"--prompt-format", "text", "--answer", "plain", "--max-tokens", strconv.Itoa(d.digits+3), "--seed", strconv.FormatInt(d.seed, 10))
	})
}

// judge runs RSA on the held-out problems.
func (d *demo) judge(ctx context.Context, report *demoReport, arm, model string) error {
	out := d.path("rsa", arm)
	if !d.exists("rsa", arm, "report.json") {
		d.say("judging %s: RSA with N=%d, K=%d, T=%d on %d held-out problems", arm, d.n, d.k, d.t, d.problems)
		err := d.withEngine(ctx, model, func(url string) error {
			return d.ropewalk(ctx, "rsa", d.path("heldout.jsonl"), "--engine", url, "--out", out,
				"-N", strconv.Itoa(d.n), "-K", strconv.Itoa(d.k), "-T", strconv.Itoa(d.t),
				"--prompt-format", "text", "--answer", "plain", "--max-tokens", strconv.Itoa(d.digits+3), "--seed", strconv.FormatInt(d.seed, 10))
		})
		if err != nil {
			return err
		}
	}
	return report.arm(arm, filepath.Join(out, "report.json"))
}

// withEngine runs the small engine on a model for as long as use takes.
func (d *demo) withEngine(ctx context.Context, model string, use func(url string) error) error {
	engine, err := training.StartSmallEngine(ctx, d.python, model, 512, d.path("engine.log"))
	if err != nil {
		return err
	}
	defer engine.Stop()
	return use(engine.URL)
}
