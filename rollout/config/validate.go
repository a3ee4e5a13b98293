package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// Validate reports everything wrong with c, as joined *Error values: values out of
// bounds and combinations that cannot work. What [Load] returns is valid.
func (c *Config) Validate() error { return joinErrors(c.problems()) }

func (c *Config) problems() []*Error {
	var errs []*Error
	for at := range leaves(c) {
		if e := rules[at.pattern].check(at); e != nil {
			errs = append(errs, e)
		}
	}
	for _, check := range []func(*Config) []*Error{
		checkRun, checkModel, checkData, checkMix, checkCandidates, checkLengths,
		checkAdvantage, checkGrading, checkQueue, checkEngine, checkTrainer,
	} {
		errs = append(errs, check(c)...)
	}
	return errs
}

func problem(key, expected, found string) []*Error {
	return []*Error{{Key: key, Expected: expected, Found: found}}
}

func checkRun(c *Config) []*Error {
	if c.Run.GiveUp < c.Run.Stall {
		return problem("run.give_up", "at least run.stall ("+c.Run.Stall.String()+")", c.Run.GiveUp.String())
	}
	return nil
}

func checkModel(c *Config) []*Error {
	if c.Model.Path == "" && c.Engine.Kind != "simulated" {
		return problem("model.path", "a Hugging Face folder: only engine.kind simulated needs none", "nothing")
	}
	return nil
}

func checkData(c *Config) (errs []*Error) {
	if len(c.Data.Train) == 0 {
		return problem("data.train", "at least one dataset file: [{path: problems.jsonl}]", "an empty list")
	}
	first := map[[2]string]int{}
	for i, s := range c.Data.Train {
		key := "data.train." + strconv.Itoa(i) + ".path"
		if ext := filepath.Ext(s.Path); s.Path != "" && ext != ".parquet" && ext != ".jsonl" {
			errs = append(errs, problem(key, "a .parquet or .jsonl file", strconv.Quote(s.Path))...)
		}
		same := [2]string{filepath.Clean(s.Path), s.Name}
		if j, twice := first[same]; twice {
			errs = append(errs, problem(key, "each dataset once", fmt.Sprintf("%q also as data.train.%d", s.Path, j))...)
		} else {
			first[same] = i
		}
	}
	return errs
}

func checkMix(c *Config) (errs []*Error) {
	if len(c.Recipe.Mix) == 0 {
		return problem("recipe.mix", "at least one kind of prompt: [{kind: direct, weight: 1}]", "an empty list")
	}
	for i, m := range c.Recipe.Mix {
		errs = append(errs, checkEntry("recipe.mix."+strconv.Itoa(i)+".", m)...)
	}
	return errs
}

// checkEntry holds one kind of prompt against what its kind and source mean.
func checkEntry(key string, m Mix) (errs []*Error) {
	switch {
	case m.Kind == "direct" && m.Source != "":
		errs = append(errs, problem(key+"source", "none: direct prompts have no candidates", strconv.Quote(m.Source))...)
	case m.Kind == "direct" && m.K != 0:
		errs = append(errs, problem(key+"k", "none: direct prompts have no candidates", strconv.Itoa(m.K))...)
	case m.Kind == "refine" && m.K > 1:
		errs = append(errs, problem(key+"k", "1: refine shows one candidate, kind aggregate shows more", strconv.Itoa(m.K))...)
	case m.Kind == "aggregate" && m.K < 2:
		errs = append(errs, problem(key+"k", "at least 2: kind refine shows one candidate", strconv.Itoa(m.K))...)
	}
	if (m.Kind == "refine" || m.Kind == "aggregate") && m.Source == "" {
		errs = append(errs, problem(key+"source", "one of pool, policy, cache: where the candidates come from", "nothing")...)
	}
	switch {
	case m.Source == "policy" && m.Rounds < 1:
		errs = append(errs, problem(key+"rounds", "at least 1: rounds after the direct one", strconv.Itoa(m.Rounds))...)
	case m.Source != "policy" && m.Rounds != 0:
		errs = append(errs, problem(key+"rounds", "none: only source policy has rounds", strconv.Itoa(m.Rounds))...)
	}
	if m.Source != "policy" && m.Mixed {
		errs = append(errs, problem(key+"mixed", "false: only source policy chooses among populations", "true")...)
	}
	return errs
}

// checkCandidates asks whether each source can ever hold K candidates.
func checkCandidates(c *Config) (errs []*Error) {
	r := c.Recipe
	for i, m := range r.Mix {
		key, k := "recipe.mix."+strconv.Itoa(i)+".k", max(m.K, 1)
		switch {
		case m.Source == "pool" && r.Pool == "":
			errs = append(errs, problem("recipe.pool", fmt.Sprintf("a Parquet file of candidates (`ropewalk sample` makes one): recipe.mix.%d draws on it", i), "nothing")...)
		case (m.Source == "policy" || m.Source == "cache") && k > r.GroupSize:
			errs = append(errs, problem(key, fmt.Sprintf("at most recipe.group_size (%d): the candidates are the rollouts of one group", r.GroupSize), strconv.Itoa(k))...)
		case m.Source == "cache" && k > r.CacheSize:
			errs = append(errs, problem("recipe.cache_size", fmt.Sprintf("at least recipe.mix.%d.k (%d)", i, k), strconv.Itoa(r.CacheSize))...)
		}
	}
	return errs
}

func checkLengths(c *Config) []*Error {
	if sum := c.Prompt.MaxTokens + c.Sampling.MaxTokens; sum > c.Engine.Context {
		return problem("engine.context",
			fmt.Sprintf("at least prompt.max_tokens + sampling.max_tokens (%d + %d = %d)", c.Prompt.MaxTokens, c.Sampling.MaxTokens, sum),
			strconv.Itoa(c.Engine.Context))
	}
	return nil
}

func checkAdvantage(c *Config) []*Error {
	if a := c.Advantage; a.Estimator == "pass_at_k" && a.K > c.Recipe.GroupSize {
		return problem("advantage.k", fmt.Sprintf("at most recipe.group_size (%d)", c.Recipe.GroupSize), strconv.Itoa(a.K))
	}
	return nil
}

func checkQueue(c *Config) (errs []*Error) {
	q := c.Queue
	if (q.Cert == "") != (q.Key == "") {
		key, other := "queue.key", "queue.cert"
		if q.Cert == "" {
			key, other = other, key
		}
		errs = append(errs, problem(key, "a file, since "+other+" is set: a certificate and its key go together", "nothing")...)
	}
	if q.URL == "" {
		return append(errs, checkEmbedded(q)...)
	}
	for one := range strings.SplitSeq(q.URL, ",") {
		errs = append(errs, checkURL("queue.url", strings.TrimSpace(one), "nats", "tls", "ws", "wss")...)
	}
	return errs
}

func checkEmbedded(q Queue) (errs []*Error) {
	for _, f := range []struct{ key, value string }{
		{"queue.credentials", q.Credentials}, {"queue.ca", q.CA}, {"queue.cert", q.Cert},
	} {
		if f.value != "" {
			errs = append(errs, problem(f.key, "none without queue.url: it is for a server elsewhere", strconv.Quote(f.value))...)
		}
	}
	if q.Replicas > 1 {
		errs = append(errs, problem("queue.replicas", "1 without queue.url: the embedded server is one", strconv.Itoa(q.Replicas))...)
	}
	if _, _, err := net.SplitHostPort(q.Listen); err != nil && q.Listen != "" {
		errs = append(errs, problem("queue.listen", "host:port", strconv.Quote(q.Listen))...)
	}
	return errs
}

func checkURL(key, text string, schemes ...string) []*Error {
	u, err := url.Parse(text)
	if err == nil && u.Host != "" {
		for _, s := range schemes {
			if u.Scheme == s {
				return nil
			}
		}
	}
	return problem(key, "a URL that begins with "+strings.Join(schemes, ":// or ")+"://", strconv.Quote(shorten(text)))
}

func checkEngine(c *Config) (errs []*Error) {
	e := c.Engine
	switch {
	case e.Kind == "external" && len(e.URLs) == 0:
		errs = append(errs, problem("engine.urls", "at least one: engine.kind is external", "an empty list")...)
	case e.Kind != "external" && len(e.URLs) > 0:
		errs = append(errs, problem("engine.urls", "none: only engine.kind external has them", fmt.Sprintf("%d", len(e.URLs)))...)
	}
	for i, u := range e.URLs {
		key := "engine.urls." + strconv.Itoa(i)
		errs = append(errs, checkURL(key, u, "http", "https")...)
		if parsed, err := url.Parse(u); err == nil && strings.Trim(parsed.Path, "/") != "" {
			errs = append(errs, problem(key, "the address of an engine that gives token ids, without a path: http://HOST:PORT. "+
				"OpenAI-compatible endpoints give text alone; they serve `rsa` and `sample`, not `train`", strconv.Quote(shorten(u)))...)
		}
	}
	if len(e.Args) > 0 && (e.Kind == "external" || e.Kind == "simulated") {
		errs = append(errs, problem("engine.args", "none: engine.kind "+e.Kind+" starts no engine", fmt.Sprintf("%q", e.Args))...)
	}
	if e.SamplesPerRequest > c.Recipe.GroupSize {
		errs = append(errs, problem("engine.samples_per_request", fmt.Sprintf("at most recipe.group_size (%d)", c.Recipe.GroupSize), strconv.Itoa(e.SamplesPerRequest))...)
	}
	if e.Kind == "simulated" && len(e.Simulated.Accuracy) == 0 {
		errs = append(errs, problem("engine.simulated.accuracy", "at least one number", "an empty list")...)
	}
	return errs
}

func checkTrainer(c *Config) []*Error {
	if t := c.Trainer; t.Schedule == "cosine" && t.Warmup >= c.Run.Steps {
		return problem("trainer.warmup", fmt.Sprintf("below run.steps (%d): cosine descends after the warm-up", c.Run.Steps), strconv.Itoa(t.Warmup))
	}
	return nil
}
