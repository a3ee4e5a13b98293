package config

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// RunPlan is what a run will do and need at most, known before anything starts.
// Bytes are upper bounds for full-length prompts and completions; 0 where the model
// folder is not here to be measured.
type RunPlan struct {
	Steps, GroupsPerStep, GroupSize int
	Problems                        int
	// Epochs is how often each problem is visited, if no group is dropped.
	Epochs float64
	// Shares are the groups of one step by kind and source, in the order of the mix.
	Shares []Share

	PromptTokens, CompletionTokens int64 // of one step, at most

	BatchBytes   int64 // batch.arrow of one step
	ArchiveBytes int64 // rollouts/ of one step, before compression, without drops
	QueueBytes   int64 // jobs and results in the queue's store at once
	WeightsBytes int64 // one export
	CheckBytes   int64 // one checkpoint: fp32 weights and two moments
	RunBytes     int64 // the whole run folder at its end

	Parameters       int64
	TrainerBytes     int64 // weights, gradients, moments, and the reference if trainer.kl is set; activations come on top
	EngineBytes      int64 // weights and the cache of engine.concurrency full-length sequences
	CoordinatorBytes int64 // the groups in flight

	unknownModel string // why the model could not be measured
}

// Share is one entry of the mix as a part of a step.
type Share struct {
	Kind, Source string
	K            int
	Groups       float64
}

// Bytes of one row beside its tokens: ids, numbers, names of parents.
const rowBytes = 512

// Plan computes what cfg will do with so many problems, 0 if that is not known. It
// looks into the model folder, if there is one, for its size.
func Plan(cfg *Config, problems int) *RunPlan {
	p := &RunPlan{
		Steps: cfg.Run.Steps, GroupsPerStep: cfg.Recipe.GroupsPerBatch, GroupSize: cfg.Recipe.GroupSize, Problems: problems,
	}
	p.share(cfg)
	if problems > 0 {
		p.Epochs = float64(p.Steps*p.GroupsPerStep) * freshShare(cfg.Recipe.Mix) / float64(problems)
	}
	p.tokens(cfg)
	p.model(cfg)
	p.RunBytes = int64(p.Steps)*(p.BatchBytes+p.ArchiveBytes) + p.QueueBytes +
		int64(cfg.Trainer.KeepWeights+2)*p.WeightsBytes + // version 0 and the one being written
		int64(cfg.Trainer.KeepCheckpoints+1)*p.CheckBytes
	return p
}

func (p *RunPlan) share(cfg *Config) {
	total := totalWeight(cfg.Recipe.Mix)
	for _, m := range cfg.Recipe.Mix {
		p.Shares = append(p.Shares, Share{m.Kind, m.Source, m.K, float64(p.GroupsPerStep) * m.Weight / total})
	}
}

func totalWeight(mix []Mix) (sum float64) {
	for _, m := range mix {
		sum += m.Weight
	}
	return sum
}

// freshShare is the part of groups that take a new problem. Rounds of source policy
// stay with the problem of the round before; an entry that finds no population left
// asks a fresh, direct question instead.
func freshShare(mix []Mix) float64 {
	total := totalWeight(mix)
	var direct, other float64 // fresh, and starting rounds or not
	for _, m := range mix {
		switch {
		case m.Kind == "direct":
			direct += m.Weight / total
		case m.Source != "policy":
			other += m.Weight / total
		}
	}
	for _, m := range mix {
		if want := m.Weight / total; m.Source == "policy" {
			// x direct groups in its place: want - x = (direct + x) * rounds.
			rounds := float64(m.Rounds)
			direct += max(0, (want-direct*rounds)/(1+rounds))
		}
	}
	return min(1, direct+other)
}

// tokens bounds one step's tokens and the files that hold them.
func (p *RunPlan) tokens(cfg *Config) {
	rollouts := int64(p.GroupsPerStep) * int64(p.GroupSize)
	prompt, completion := int64(cfg.Prompt.MaxTokens), int64(cfg.Sampling.MaxTokens)
	p.PromptTokens, p.CompletionTokens = int64(p.GroupsPerStep)*prompt, rollouts*completion
	// Prompt ids, completion ids and log-probabilities, 4 bytes each, in every row.
	p.BatchBytes = rollouts * (4*prompt + 8*completion + rowBytes)
	const text = 4 // bytes of text per token
	p.ArchiveBytes = p.BatchBytes + rollouts*text*completion + int64(p.GroupsPerStep)*text*prompt
	open := int64(cfg.Recipe.MaxStaleness + 1) // batches in flight
	p.QueueBytes = open * (int64(p.GroupsPerStep)*(4*prompt+rowBytes) + rollouts*((8+text)*completion+rowBytes))
	p.CoordinatorBytes = open * (p.ArchiveBytes + p.BatchBytes)
}

// model adds what depends on the model's size.
func (p *RunPlan) model(cfg *Config) {
	if cfg.Engine.Kind == "simulated" && cfg.Model.Path == "" {
		p.unknownModel = "no model: the engine is simulated"
		return
	}
	s, err := readShape(cfg.Model.Path)
	if err != nil {
		p.unknownModel = err.Error()
		return
	}
	width := int64(2)
	if cfg.Model.Dtype == "float32" {
		width = 4
	}
	p.Parameters = s.parameters
	p.WeightsBytes = (s.parameters + s.head) * width
	p.CheckBytes = s.parameters * 12
	p.TrainerBytes = s.parameters * 16
	if cfg.Trainer.KL > 0 {
		p.TrainerBytes += s.parameters * 4
	}
	cache := 2 * int64(s.layers) * int64(s.kvWidth) * width // of one token
	p.EngineBytes = p.WeightsBytes + int64(cfg.Engine.Concurrency)*int64(cfg.Prompt.MaxTokens+cfg.Sampling.MaxTokens)*cache
}

// Write prints the plan as a table.
func (p *RunPlan) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("steps", "%s, %s groups of %d rollouts each: %s rollouts in all", count(int64(p.Steps)), count(int64(p.GroupsPerStep)), p.GroupSize,
		count(int64(p.Steps)*int64(p.GroupsPerStep)*int64(p.GroupSize)))
	if p.Problems > 0 {
		row("problems", "%s, each visited %.3g times (more if groups are dropped)", count(int64(p.Problems)), p.Epochs)
	} else {
		row("problems", "not counted: the datasets are not here")
	}
	for _, s := range p.Shares {
		row("  "+s.name(), "%.4g groups a step", s.Groups)
	}
	row("tokens a step", "at most %s of prompts, %s of completions", count(p.PromptTokens), count(p.CompletionTokens))
	row("disk a step", "at most %s batch, %s archive before compression", size(p.BatchBytes), size(p.ArchiveBytes))
	row("queue", "at most %s at once", size(p.QueueBytes))
	row("memory", "coordinator at most %s for groups in flight", size(p.CoordinatorBytes))
	p.writeModel(row)
	row("run folder", "at most %s at the end", size(p.RunBytes))
	return t.Flush()
}

func (p *RunPlan) writeModel(row func(name, format string, args ...any)) {
	if p.unknownModel != "" {
		row("model", "not counted: %s", p.unknownModel)
		return
	}
	row("model", "%s parameters: %s an export, %s a checkpoint", count(p.Parameters), size(p.WeightsBytes), size(p.CheckBytes))
	row("  trainer", "%s for weights, gradients and optimiser, activations on top", size(p.TrainerBytes))
	row("  engine", "%s each if every sequence is full length", size(p.EngineBytes))
}

func (s Share) name() string {
	if s.Source == "" {
		return s.Kind
	}
	return fmt.Sprintf("%s K=%d from %s", s.Kind, max(s.K, 1), s.Source)
}

// count writes 1234567 as 1,234,567.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes bytes with a binary unit.
func size(n int64) string {
	x, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for x >= 1024 && unit < len(units)-1 {
		x, unit = x/1024, unit+1
	}
	return fmt.Sprintf("%.*f %s", min(unit, 1), x, units[unit])
}
