package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/rollout/engine"
	"github.com/ropewalk/ropewalk/rollout/engine/openai"
	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// defaultKeyEnv is the variable that holds a key if --api-key-env names no other.
const defaultKeyEnv = "OPENAI_API_KEY"

// textFlags are those of endpoints without token ids, and of what they cost.
type textFlags struct {
	api, keyEnv, extra string
	options            openai.Options
	price              rsa.Price
}

func (f *textFlags) register(flags *pflag.FlagSet) {
	o := &f.options
	flags.StringVar(&f.api, "api", "auto", "how engines are asked. tokens: vLLM's protocol, with token ids; chat or completions: OpenAI's, as text; auto: an address with a path (…/v1) as text, another is asked what it is")
	flags.StringVar(&o.Model, "model", "", "text: the model to ask (default: the only one that the endpoint lists)")
	flags.StringVar(&f.keyEnv, "api-key-env", "", "text: environment variable that holds the API key (default "+defaultKeyEnv+", which is sent over https only)")
	flags.IntVar(&o.Context, "context", 0, "text: tokens of prompt and completion together (default: what the endpoint says, else "+fmt.Sprint(openai.DefaultContext)+")")
	flags.Float64Var(&o.BytesPerToken, "bytes-per-token", openai.DefaultBytesPerToken, "text: measures prompts where the endpoint does not tokenise")
	flags.BoolVar(&o.Logprobs, "logprobs", false, "text: ask for log-probabilities")
	flags.StringVar(&f.extra, "extra", "", `text: further fields of each request, as JSON; null takes one out: '{"reasoning_effort":"low","seed":null}'`)
	flags.IntVar(&o.RPM, "rpm", 0, "text: requests a minute to each endpoint, at most")
	flags.IntVar(&o.TPM, "tpm", 0, "text: tokens a minute to each endpoint, at most: prompts and what max-tokens allows")
	flags.DurationVar(&o.Timeout, "request-timeout", 10*time.Minute, "text: deadline of one attempt")
	flags.Float64Var(&f.price.In, "price-in", 0, "price of a million prompt tokens")
	flags.Float64Var(&f.price.Out, "price-out", 0, "price of a million completion tokens")
	flags.Float64Var(&f.price.Most, "max-cost", 0, "stop, to be gone on with, before the tokens cost more than this")
}

// check refuses what no flag says on its own.
func (f *textFlags) check(promptFormat string) error {
	o := &f.options
	wants := map[string]string{"chat": "chat", "completions": "text"}[f.api]
	switch {
	case f.api != "auto" && f.api != "tokens" && wants == "":
		return fmt.Errorf("--api is %q: it must be auto, tokens, chat or completions", f.api)
	case wants != "" && promptFormat != wants:
		return fmt.Errorf("--api %s goes with --prompt-format %s: the endpoint applies its chat template, or does not", f.api, wants)
	case o.Context < 0 || o.RPM < 0 || o.TPM < 0 || o.Timeout <= 0 || !(o.BytesPerToken > 0):
		return errors.New("--context, --rpm and --tpm must be 0 or more, --request-timeout and --bytes-per-token above 0")
	}
	if f.extra != "" {
		if err := json.Unmarshal([]byte(f.extra), &o.Extra); err != nil || o.Extra == nil {
			return fmt.Errorf("--extra is not a JSON object: %q", f.extra)
		}
	}
	return f.price.Check()
}

// settings adds what decides the outcome and no engine can tell.
func (f *textFlags) settings(s rsa.Settings) {
	if f.extra != "" {
		s["extra request fields"] = f.extra
	}
	if f.options.Logprobs {
		s["logprobs"] = "asked for"
	}
}

// asText reports whether an address is asked as text.
func (f *textFlags) asText(ctx context.Context, address string) (bool, error) {
	if f.api != "auto" {
		return f.api != "tokens", nil
	}
	u, err := url.Parse(address)
	if err == nil && u.Host != "" && strings.Trim(u.Path, "/") != "" {
		return true, nil
	}
	h, err := engine.NewHTTP(address, engine.Options{})
	if err != nil {
		return false, err
	}
	defer h.Close()
	_, err = h.Info(ctx)
	return errors.Is(err, engine.ErrNoTokenIDs), nil // anything else shows again
}

// client makes the client of an endpoint.
func (f *textFlags) client(address string, chat bool, concurrency int, patience time.Duration) (*openai.Client, error) {
	o := f.options
	o.Chat, o.Concurrency, o.Patience = chat, concurrency, patience
	o.Key = openai.Key(os.Getenv(f.keyEnv))
	if f.keyEnv == "" && strings.HasPrefix(address, "https:") {
		o.Key = openai.Key(os.Getenv(defaultKeyEnv))
	}
	if f.keyEnv != "" && o.Key == "" {
		return nil, fmt.Errorf("--api-key-env names %s, which is not set", f.keyEnv)
	}
	return openai.New(address, o)
}

// introduce says of an endpoint without token ids what is assumed of it.
func introduce(w io.Writer, info engine.Info) {
	if !info.TextOnly {
		return
	}
	fmt.Fprintf(w, "model %s is asked by text (token ids %s): its rollouts cannot be trained on\n", info.Model, info.Fingerprint)
	if info.ContextAssumed {
		fmt.Fprintf(w, "it does not say how much it holds: %d tokens are assumed; --context N says otherwise\n", info.MaxModelLen)
	}
}
