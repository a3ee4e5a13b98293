package openai

import (
	"net/http/httptest"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine/enginetest"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

func serveSimulated(t *testing.T, f simulated.Faults, o simulated.Options) string {
	t.Helper()
	e, err := simulated.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := simulated.NewServer(e, 0)
	s.Faults = f
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func connect(t *testing.T, url string, o Options) *Client {
	t.Helper()
	c, err := New(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestSimulatedServerConforms(t *testing.T) {
	url := serveSimulated(t, simulated.Faults{}, simulated.Options{Simulated: config.Simulated{Tail: 0.5}})
	for name, chat := range map[string]bool{"chat": true, "completions": false} {
		t.Run(name, func(t *testing.T) {
			prompt := data.Prompt{Text: "What is 1+1?", Chat: chat}
			if chat {
				prompt.System = "Be brief."
			}
			enginetest.Text(t, connect(t, url+"/v1", Options{Chat: chat}), prompt, false, true)
			enginetest.Text(t, connect(t, url, Options{Chat: chat, Logprobs: true}), prompt, true, true)
		})
	}
}
