package schema

import (
	"encoding/json"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
)

// openaiChat is the shape of OpenAI's fine-tuning files: messages and nothing else.
var openaiChat = Schema{
	Name: "openai-chat", Title: "OpenAI's fine-tuning, and others that train on messages",
	Holds:   []Part{System, History, Question, Answer},
	Needs:   []Part{Question, Answer},
	Columns: []Mapping{{"messages", "system, history, question, answer"}, {"others", "extra, when read; not written: the service refuses them"}},
	detect:  func(f data.Fields) bool { return f.Has("messages") },
	parse: func(f data.Fields, it *Item) error {
		list, err := parseMessages(f["messages"])
		if err == nil {
			err = it.setMessages(list, true)
		}
		if err != nil {
			return fmt.Errorf("messages: %w", err)
		}
		extra, err := rest(f, "messages")
		if err != nil {
			return err
		}
		return it.setExtra(extra)
	},
	format: func(it *Item, _ Options) (Row, error) {
		return Row{{"messages", append(it.messages(), Message{"assistant", *it.Answer})}}, nil
	},
}

// openaiBatch is the shape of the requests of a batch, as OpenAI's and vLLM's
// run-batch take them.
var openaiBatch = Schema{
	Name: "openai-batch", Title: "requests for OpenAI's batches or vLLM's run-batch",
	Holds:   []Part{ID, System, History, Question},
	Needs:   []Part{ID, Question},
	Columns: []Mapping{{"custom_id", "id"}, {"body.messages", "system, history, question"}, {"body.model, n, max_tokens, temperature", "by flags; extra, when read"}, {"method, url", "POST, /v1/chat/completions"}},
	detect:  func(f data.Fields) bool { return f.Has("custom_id") && f.Has("body") },
	parse: func(f data.Fields, it *Item) error {
		id, err := f.Scalar("custom_id")
		if err != nil {
			return err
		}
		it.ID = data.ProblemID(id)
		body, err := f.Sub("body")
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		list, err := parseMessages(body["messages"])
		if err == nil {
			err = it.setMessages(list, false)
		}
		if err != nil {
			return fmt.Errorf("body: messages: %w", err)
		}
		extra := data.Fields{}
		if err := keepObject(extra, "body", body, "messages"); err != nil {
			return err
		}
		return it.setExtra(extra)
	},
	format: func(it *Item, o Options) (Row, error) {
		body := Row{{"model", o.Model}, {"messages", it.messages()}}
		if o.Samples > 1 {
			body = append(body, Column{"n", o.Samples})
		}
		if o.MaxTokens > 0 {
			body = append(body, Column{"max_tokens", o.MaxTokens})
		}
		body = append(body, Column{"temperature", o.Temperature})
		raw, err := body.JSON()
		return Row{{"custom_id", string(it.ID)}, {"method", "POST"}, {"url", "/v1/chat/completions"}, {"body", json.RawMessage(raw)}}, err
	},
}
