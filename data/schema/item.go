// Package schema translates rows between the shapes that trainers of language
// models read. A [Schema] is a value in [All]; adding one touches one file and one
// line. What a row says is an [Item], whatever its schema; what a schema has no
// place for is named by [Schema.Lost], never dropped in silence.
package schema

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Message is one turn of a conversation.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Item is what one row says: a problem, of which an item for supervised training
// may lack gold and grader, and what answers it.
type Item struct {
	data.Problem
	History  []Message // turns between the system message and the question
	Answer   *string   // what a model is to learn to say
	Rejected *string   // and what it is to prefer the answer to
}

// Part is one thing that an item may say.
type Part string

// Parts of an item, by which schemas say what they hold.
const (
	ID       Part = "id"
	Dataset  Part = "dataset"
	System   Part = "system"
	History  Part = "history"
	Question Part = "question"
	Gold     Part = "gold"
	Grader   Part = "grader"
	Meta     Part = "meta"
	Extra    Part = "extra"
	Answer   Part = "answer"
	Rejected Part = "rejected"
)

// says reports whether the item has something of a part to say.
func (it *Item) says(p Part) bool {
	switch p {
	case ID:
		return it.ID != ""
	case Dataset:
		return it.Dataset != ""
	case System:
		return it.System != ""
	case History:
		return len(it.History) > 0
	case Question:
		return strings.TrimSpace(it.Question) != ""
	case Gold:
		return it.Gold != ""
	case Grader:
		return it.Grader != ""
	case Meta:
		return it.Meta != nil
	case Extra:
		return it.Extra != nil
	case Answer:
		return it.Answer != nil
	}
	return it.Rejected != nil
}

// messages is the conversation up to the question.
func (it *Item) messages() []Message {
	var list []Message
	if it.System != "" {
		list = append(list, Message{"system", it.System})
	}
	list = append(list, it.History...)
	return append(list, Message{"user", it.Question})
}

// setMessages takes a conversation: at most one system message, first; turns of
// user and assistant; a question last, or an answer after it where that is
// allowed.
func (it *Item) setMessages(list []Message, answered bool) error {
	if len(list) > 0 && list[0].Role == "system" {
		it.System, list = list[0].Content, list[1:]
	}
	for i, m := range list {
		if m.Role != "user" && m.Role != "assistant" {
			return fmt.Errorf("message %d: role %q: expected user or assistant, after one system message at most", i+1, m.Role)
		}
	}
	if n := len(list); answered && n > 0 && list[n-1].Role == "assistant" {
		it.Answer, list = &list[n-1].Content, list[:n-1]
	}
	n := len(list)
	if n == 0 || list[n-1].Role != "user" {
		return fmt.Errorf("the conversation does not end with a question of the user's")
	}
	it.Question = list[n-1].Content
	if n > 1 {
		it.History = list[:n-1]
	}
	return nil
}

// isText reports whether a value is a string and not a list of messages.
func isText(raw json.RawMessage) bool { return data.JSONKind(raw) == "a string" }

// parseMessages reads a list of role and content. Contents in parts are read if
// all of them are text.
func parseMessages(raw json.RawMessage) ([]Message, error) {
	var turns []data.Fields
	if err := json.Unmarshal(raw, &turns); err != nil || data.JSONKind(raw) != "a list" {
		return nil, fmt.Errorf("expected a list of messages, found %s", data.JSONKind(raw))
	}
	list := make([]Message, len(turns))
	for i, turn := range turns {
		var err error
		if list[i].Role, err = turn.Text("role"); err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
		if list[i].Content, err = parseContent(turn); err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
		for key := range turn {
			if key != "role" && key != "content" && turn.Has(key) {
				return nil, fmt.Errorf("message %d: has %s; only role and content can be kept", i+1, key)
			}
		}
	}
	return list, nil
}

func parseContent(turn data.Fields) (string, error) {
	if data.JSONKind(turn["content"]) != "a list" {
		return turn.Text("content")
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(turn["content"], &parts); err != nil {
		return "", fmt.Errorf("content: %w", err)
	}
	var all strings.Builder
	for _, p := range parts {
		if p.Type != "text" {
			return "", fmt.Errorf("content: a part of type %q; only text can be kept", p.Type)
		}
		all.WriteString(p.Text)
	}
	return all.String(), nil
}

// setPrompt takes a prompt given as a string or as messages.
func (it *Item) setPrompt(raw json.RawMessage, answered bool) error {
	if isText(raw) {
		return json.Unmarshal(raw, &it.Question)
	}
	list, err := parseMessages(raw)
	if err != nil {
		return err
	}
	return it.setMessages(list, answered)
}
