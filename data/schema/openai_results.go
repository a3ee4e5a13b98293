package schema

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
)

// openaiResults is the shape of a batch's results. They are no problems: their
// rows become candidates, by [ParseResult].
var openaiResults = Schema{
	Name: "openai-results", Title: "results of OpenAI's batches or vLLM's run-batch",
	Columns: []Mapping{{"custom_id", "id of the problem"}, {"response.body.choices[].message.content", "one candidate each"},
		{"response.body.model", "model"}, {"response.body.usage.completion_tokens", "tokens, shared out evenly"}, {"error, response.status_code", "why there is no candidate"}},
	detect: func(f data.Fields) bool { return f.Has("custom_id") && (f.Has("response") || f.Has("error")) },
	parse: func(data.Fields, *Item) error {
		return errors.New("results of a batch are candidates, not problems: `ropewalk data import` makes a pool of them, with --problems")
	},
}

// IsResults reports whether a schema is that of results.
func (s Schema) IsResults() bool { return s.Name == openaiResults.Name }

// Result is what came of one request of a batch.
type Result struct {
	Problem data.ProblemID
	Model   string
	Texts   []string // one for each choice
	Tokens  int      // of all completions together, 0 if not told
}

// ParseResult reads a row of results. A request that failed is an error.
func ParseResult(f data.Fields) (Result, error) {
	id, err := f.Scalar("custom_id")
	if err != nil {
		return Result{}, err
	}
	if f.Has("error") {
		return Result{}, fmt.Errorf("request %q failed: %.200s", id, f["error"])
	}
	var response struct {
		Status int `json:"status_code"`
		Body   struct {
			Model   string `json:"model"`
			Choices []struct {
				Message struct {
					Content *string `json:"content"`
				} `json:"message"`
			} `json:"choices"`
			Usage struct {
				Completion int `json:"completion_tokens"`
			} `json:"usage"`
		} `json:"body"`
	}
	if err := json.Unmarshal(f["response"], &response); err != nil {
		return Result{}, fmt.Errorf("response: %w", err)
	}
	if response.Status != 0 && response.Status != 200 {
		return Result{}, fmt.Errorf("request %q failed: status %d", id, response.Status)
	}
	r := Result{Problem: data.ProblemID(id), Model: response.Body.Model, Tokens: response.Body.Usage.Completion}
	for i, c := range response.Body.Choices {
		if c.Message.Content == nil {
			return Result{}, fmt.Errorf("request %q: choice %d has no content", id, i+1)
		}
		r.Texts = append(r.Texts, *c.Message.Content)
	}
	if len(r.Texts) == 0 {
		return Result{}, fmt.Errorf("request %q: no choices", id)
	}
	return r, nil
}
