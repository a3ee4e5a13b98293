package simulated

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

// draw makes the generator of one sample: of its seed and prompt, nothing else.
func draw(seed int64, prompt []int32, purpose string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	_ = binary.Write(h, binary.LittleEndian, seed&engine.SeedMask) // a hash does not fail
	_ = binary.Write(h, binary.LittleEndian, prompt)
	sum := h.Sum64()
	return rand.New(rand.NewPCG(sum, sum^0x9e3779b97f4a7c15))
}

// fails decides by the seed alone, so that a sample fails wherever it is tried.
func (e *Engine) fails(seed int64) bool {
	return e.options.FailRate > 0 && draw(seed, nil, "fail").Float64() < e.options.FailRate
}

// sample is one completion: filler, then the answer in the prompt's format.
func (e *Engine) sample(r engine.Request, seed int64) engine.Sample {
	rng := draw(seed, r.PromptIDs, "sample")
	ids := encodeText(nil, e.text(rng, r))
	ids = append(ids, EndID)
	finish := data.FinishStop
	if i := slices.IndexFunc(ids, func(id int32) bool { return slices.Contains(r.Sampling.Stop, id) }); i >= 0 {
		ids = ids[:i+1]
	}
	if len(ids) > r.Sampling.MaxTokens {
		ids, finish = ids[:r.Sampling.MaxTokens], data.FinishLength
	}
	text := ids
	if finish == data.FinishStop {
		text = ids[:len(ids)-1]
	}
	return engine.Sample{
		IDs: ids, Logprobs: logprobs(r.PromptIDs[len(r.PromptIDs)-1], ids, r.Sampling.Temperature),
		Text: Decode(text), Finish: finish,
	}
}

func (e *Engine) text(rng *rand.Rand, r engine.Request) string {
	if r.Hint != nil && r.Hint.Verify {
		return e.judge(rng, r.Hint)
	}
	answer := e.answer(rng, r.Hint)
	length := e.length(rng)
	return compose(rng, formatOf(Decode(r.PromptIDs)), answer, length)
}

// judge says True with the configured chance.
func (e *Engine) judge(rng *rand.Rand, h *data.Hint) string {
	chance := e.options.Judge[0]
	if len(h.Candidates) > 0 && h.Candidates[0] > 0.5 {
		chance = e.options.Judge[1]
	}
	if rng.Float64() < chance {
		return "True"
	}
	return "False"
}

// length draws a log-normal number of tokens whose mean is the configured one.
func (e *Engine) length(rng *rand.Rand) int {
	sigma := e.options.Tail
	mu := math.Log(float64(e.options.Tokens)) - sigma*sigma/2
	return max(1, int(math.Round(math.Exp(mu+sigma*rng.NormFloat64()))))
}

// accuracy is the chance of a right answer given the candidates in the prompt.
func (e *Engine) accuracy(h *data.Hint) float64 {
	if len(h.Candidates) == 0 {
		return e.options.Direct
	}
	right := 0
	for _, score := range h.Candidates {
		if score > 0.5 {
			right++
		}
	}
	return e.options.Accuracy[min(right, len(e.options.Accuracy)-1)]
}

// answer is the gold with the configured chance, else a wrong one. Without a
// hint nobody knows the gold, and any number will do.
func (e *Engine) answer(rng *rand.Rand, h *data.Hint) string {
	u, v := rng.Float64(), rng.Float64()
	if h == nil {
		return strconv.Itoa(int(u * 100))
	}
	if u < e.accuracy(h) {
		return h.Gold
	}
	options := wrong(h)
	// Half of the wrong answers are the same one: majorities can be wrong.
	return options[min(len(options)-1, max(0, int(v*2*float64(len(options)))-len(options)+1))]
}

// wrong lists a few wrong answers: those of wrong candidates first, then
// perturbations of the gold. Never empty, never the gold.
func wrong(h *data.Hint) []string {
	var options []string
	add := func(s string) {
		if s != h.Gold && s != "" && len(s) < 200 && len(options) < 4 && !slices.Contains(options, s) {
			options = append(options, s)
		}
	}
	for i, s := range h.Answers {
		if i < len(h.Candidates) && h.Candidates[i] <= 0.5 {
			add(s)
		}
	}
	if n, err := strconv.ParseInt(h.Gold, 10, 62); err == nil {
		for _, d := range []int64{1, -1, 10} {
			add(strconv.FormatInt(n+d, 10))
		}
		return options
	}
	if len(h.Gold) == 1 && strings.Contains("ABCDE", h.Gold) {
		for _, letter := range "ABCD" {
			add(string(letter))
		}
		return options
	}
	add(h.Gold + "1")
	add("0")
	add("1")
	return options
}

// format is how an answer is set.
type format int

const (
	boxed format = iota
	tags
	plain // the completion is the answer
)

// formatOf reads the prompt's instruction: the last one, for candidates come
// before it. A prompt that ends with "=" wants the bare answer.
func formatOf(prompt string) format {
	box, tag := strings.LastIndex(prompt, `\boxed`), strings.LastIndex(prompt, "<answer>")
	switch {
	case strings.HasSuffix(prompt, "="):
		return plain
	case tag > box:
		return tags
	}
	return boxed
}

var words = strings.Fields("so we take the first term and add what is left then check it once more by hand since both sides agree this case holds")

// compose fills up to about length bytes, the end token included.
func compose(rng *rand.Rand, f format, answer string, length int) string {
	end := ""
	switch f {
	case plain:
		return answer
	case tags:
		end = "<answer>" + answer + "</answer>"
	case boxed:
		end = `\boxed{` + answer + "}"
	}
	var b strings.Builder
	for b.Len() < length-len(end)-1 {
		b.WriteString(words[rng.IntN(len(words))])
		b.WriteByte(' ')
	}
	return b.String()[:max(0, min(b.Len(), length-len(end)-1))] + end
}
