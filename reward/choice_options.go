package reward

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// choices are the texts of a problem's options by letter, A first; empty where
// the problem does not give them, and any letter may then be an option.
type choices []string

// maxChoices is how many options there are letters for.
const maxChoices = 26

// readChoices reads meta.options: a list, or an object by letter.
func readChoices(p *data.Problem) (choices, error) {
	var meta struct {
		Options json.RawMessage `json:"options"`
	}
	if err := readMeta(p, &meta); err != nil {
		return nil, err
	}
	raw := bytes.TrimSpace(meta.Options)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var list choices
	if raw[0] == '[' {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, fmt.Errorf("meta.options: %s", clip(err.Error()))
		}
	} else {
		var byLetter map[string]string
		if err := json.Unmarshal(raw, &byLetter); err != nil {
			return nil, fmt.Errorf("meta.options: expected a list of strings, or strings by letter: %s", clip(err.Error()))
		}
		for i := range len(byLetter) {
			text, ok := byLetter[string(rune('A'+i))]
			if !ok {
				return nil, fmt.Errorf("meta.options: %d options, but none is %q", len(byLetter), rune('A'+i))
			}
			list = append(list, text)
		}
	}
	if len(list) < 2 || len(list) > maxChoices {
		return nil, fmt.Errorf("meta.options: %d options; expected 2 to %d", len(list), maxChoices)
	}
	for i := range list {
		list[i] = optionText(list[i])
		if first := slices.Index(list, list[i]); first < i && list[i] != "" {
			return nil, fmt.Errorf("meta.options: %s and %s are the same text", letters(1)<<first, letters(1)<<i)
		}
	}
	return list, nil
}

// pick says which options a text names, and by what.
func (c choices) pick(text string) (letters, string) {
	plain := plainChoice(text)
	l := readLabel(plain)
	switch {
	case l.letter != 0 && l.rest == "" && c.has(l.letter):
		return l.letter, "by letter"
	case c.named(text) != 0:
		return c.named(text), "by text"
	case l.letter == 0:
		return c.bracketed(plain)
	}
	if texts := c.named(l.rest); texts != 0 && texts&l.letter == 0 {
		return texts | l.letter, "the letter of one, the text of another"
	} else if texts != 0 {
		return l.letter, "by letter and text"
	}
	if others := c.known(l.others()) &^ l.letter; others != 0 {
		return others | l.letter, "by letters"
	}
	if !c.has(l.letter) {
		return 0, fmt.Sprintf("there is no option %s among %d", l.letter, len(c))
	}
	return l.letter, "by letter"
}

// has reports whether a letter is an option's.
func (c choices) has(l letters) bool { return c.known(l) != 0 }

// known leaves the letters that are options'.
func (c choices) known(l letters) letters {
	if len(c) == 0 {
		return l
	}
	return l & (1<<len(c) - 1)
}

// named is the options whose text this is: to the letter, or, if that is none's,
// in any case of letters and then of one only.
func (c choices) named(text string) (found letters) {
	text = optionText(text)
	if text == "" {
		return 0
	}
	for i, option := range c {
		if option == text {
			return letters(1) << i
		}
	}
	for i, option := range c {
		if strings.EqualFold(option, text) {
			found |= 1 << i
		}
	}
	if !found.one() {
		return 0
	}
	return found
}

// bracketed reads a sentence that names one option in brackets: "so (B) it is".
func (c choices) bracketed(plain string) (letters, string) {
	const none = "names no option"
	for _, word := range strings.FieldsFunc(strings.ToLower(plain), func(r rune) bool { return r < 'a' || r > 'z' }) {
		if slices.Contains(negations, word) {
			return 0, none
		}
	}
	found := c.known(labels(plain, true))
	if found == 0 {
		return 0, none
	}
	return found, "by letter in brackets"
}

// negations are words after which an option's letter need not be the answer.
var negations = []string{"not", "isn", "aren", "never", "neither", "except", "wrong", "incorrect", "eliminate", "rule", "false", "cannot"}
