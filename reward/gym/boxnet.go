package gym

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var boxnet = Task{"boxnet", scoreBoxnet}

var (
	boxnetNumber = regexp.MustCompile(`\p{Nd}+\.?\p{Nd}*`)
	boxnetMove   = regexp.MustCompile(`^move\((.*?),[\s\v\x1c-\x1f\x{85}\p{Z}](.*?)\)`)
)

// scoreBoxnet plays a JSON list of steps, each an object from agents to moves:
// the share of boxes brought to their targets, at least 0.05; 0 for no such
// list. An action that cannot be done is passed over, as the package passes over
// those of unknown agents (on others it raises an error). Only boxes can be
// moved; strict lets targets be moved too, as the package does.
func scoreBoxnet(e *Entry, answer string, strict bool) Result {
	field := map[string][]string{}
	err := metaObject(e, "initial_state", func(s *scanner, square string) (ok bool) {
		field[square], ok = s.strings()
		return ok
	})
	if err != nil {
		return badEntry(err)
	}
	all := countBoxes(field)
	if all == 0 {
		return badEntryf("metadata: initial_state: no boxes")
	}
	steps, err := boxnetSteps(answer)
	if err != nil {
		return scored(0, "not a JSON list of steps: %v", err)
	}
	note := ""
	for i, step := range steps {
		for _, a := range step {
			if broken := a.apply(field, strict); broken != "" && note == "" {
				note = fmt.Sprintf("; step %d, %s: %s", i+1, quote(a.agent), broken)
			}
		}
	}
	lifted := all - countBoxes(field)
	return scored(max(0.05, float64(lifted)/float64(all)), "%d of %d boxes are at their targets%s", lifted, all, note)
}

func countBoxes(field map[string][]string) (n int) {
	for _, items := range field {
		for _, item := range items {
			if strings.HasPrefix(item, "box_") {
				n++
			}
		}
	}
	return n
}

// action is one agent's part in a step.
type action struct {
	agent string
	at    []float64 // the agent's square
	item  string
	to    string    // a target, or
	goal  []float64 // a square
	isTo  bool      // to is set
}

// boxnetSteps reads the answer. Of several actions of one agent in a step the
// last counts, in the place of the first.
func boxnetSteps(answer string) ([][]action, error) {
	var raw any
	list := []json.RawMessage{}
	if err := json.Unmarshal([]byte(answer), &raw); err != nil {
		return nil, errors.New("not JSON")
	}
	switch v := raw.(type) {
	case []any:
		if err := json.Unmarshal([]byte(answer), &list); err != nil {
			return nil, errors.New("not JSON")
		}
	case map[string]any:
		if len(v) > 0 {
			return nil, errors.New("an object, not a list of objects")
		}
	case string:
		if v != "" {
			return nil, errors.New("a string, not a list of objects")
		}
	default:
		return nil, errors.New("neither a list nor an object")
	}
	steps := make([][]action, len(list))
	for i, text := range list {
		var err error
		if steps[i], err = boxnetStep(text); err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return steps, nil
}

func boxnetStep(text json.RawMessage) ([]action, error) {
	pairs, err := orderedObject(text)
	if err != nil {
		return nil, err
	}
	var step []action
	for _, p := range pairs {
		a := action{agent: p.key, at: numbersIn(p.key)}
		var move string
		if json.Unmarshal(p.value, &move) != nil {
			continue
		}
		m := boxnetMove.FindStringSubmatch(move)
		if m == nil {
			continue
		}
		a.item, a.to, a.isTo = m[1], m[2], true
		if strings.Contains(a.to, "square") {
			a.goal, a.isTo = numbersIn(a.to), false
		}
		if i := slices.IndexFunc(step, func(b action) bool { return slices.Equal(a.at, b.at) }); i >= 0 {
			step[i] = a
		} else {
			step = append(step, a)
		}
	}
	return step, nil
}

// pair is a member of a JSON object.
type pair struct {
	key   string
	value json.RawMessage
}

// maxAgents bounds the members of one step: more than any field has squares.
const maxAgents = 512

// orderedObject reads an object with its members in order.
func orderedObject(text json.RawMessage) ([]pair, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	var pairs []pair
	place := map[string]int{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, errors.New("not an object")
		}
		p := pair{key: key.(string)}
		if err := dec.Decode(&p.value); err != nil {
			return nil, errors.New("not an object")
		}
		if i, twice := place[p.key]; twice {
			pairs[i] = p
			continue
		}
		if len(pairs) == maxAgents {
			return nil, fmt.Errorf("more than %d agents", maxAgents)
		}
		place[p.key] = len(pairs)
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// numbersIn gives the numbers in a text, signs aside, at most three.
func numbersIn(text string) []float64 {
	var list []float64
	for _, s := range boxnetNumber.FindAllString(text, 3) {
		f, ok := pyFloat(s)
		if !ok {
			return nil
		}
		list = append(list, f)
	}
	return list
}

// squareName is a square's key in the field.
func squareName(at []float64) string {
	part := func(f float64) string {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	return part(at[0]) + "_" + part(at[1])
}

// apply does the action; broken says why it cannot be done.
func (a *action) apply(field map[string][]string, strict bool) (broken string) {
	if len(a.at) < 2 {
		return "the agent has no square"
	}
	here := squareName(a.at)
	items, ok := field[here]
	if !ok {
		return "there is no such square"
	}
	i := slices.Index(items, a.item)
	if i < 0 {
		return quote(a.item).String() + " is not there"
	}
	colour, isBox := strings.CutPrefix(a.item, "box_")
	if a.isTo {
		j := slices.Index(items, a.to)
		if !isBox || j < 0 || a.to != "target_"+colour {
			return quote(a.to).String() + " is no target of it there"
		}
		field[here] = slices.DeleteFunc(slices.Clone(items), dropFirst(a.item, a.to))
		return ""
	}
	if !isBox && !strict {
		return quote(a.item).String() + " is no box"
	}
	if len(a.goal) < 2 || !adjacent(a.at, a.goal) {
		return "the square is not adjacent"
	}
	there := squareName(a.goal)
	if _, ok := field[there]; !ok {
		return "the square is outside the field"
	}
	field[here] = slices.Delete(slices.Clone(items), i, i+1)
	field[there] = append(slices.Clone(field[there]), a.item)
	return ""
}

// dropFirst drops the first item of each name.
func dropFirst(names ...string) func(string) bool {
	return func(s string) bool {
		i := slices.Index(names, s)
		if i >= 0 {
			names = slices.Delete(names, i, i+1)
		}
		return i >= 0
	}
}

func adjacent(a, b []float64) bool {
	dx, dy := a[0]-b[0], a[1]-b[1]
	return dx == 0 && (dy == 1 || dy == -1) || dy == 0 && (dx == 1 || dx == -1)
}
