package schema

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/ropewalk/ropewalk/data"
)

// verl is the shape of verl's RLHFDataset.
var verl = Schema{
	Name: "verl", Title: "verl, and the files of the RSA repository",
	Holds: []Part{ID, Dataset, System, Question, Gold, Grader, Meta, Extra},
	Needs: []Part{Question},
	Columns: []Mapping{
		{"data_source", "extra.data_source, else dataset; the grader follows from it"}, {"prompt", "system, question"},
		{"ability", "extra.ability, else grader"}, {"reward_model.ground_truth", "gold"}, {"reward_model.style", "extra.reward_model.style, else rule"},
		{"extra_info", "extra.extra_info; of gym also dataset_name and entry, from meta"}, {"extra_info.ropewalk", "id, dataset, grader, meta"},
		{"others", "extra"},
	},
	detect: func(f data.Fields) bool { _, ok := f["reward_model"]; return ok },
	parse:  parseVerl, format: formatVerl,
}

var verlKeys = []string{"data_source", "prompt", "ability", "reward_model", "extra_info"}

func parseVerl(f data.Fields, it *Item) error {
	if err := f.Verl(&it.Problem); err != nil {
		return err
	}
	extra, err := rest(f, verlKeys...)
	if err != nil {
		return err
	}
	if source, err := f.Text("data_source"); err == nil && source != "" && source != it.Dataset {
		extra["data_source"] = f["data_source"]
	}
	if ability, err := f.Text("ability"); f.Has("ability") && (err != nil || ability != it.Grader) {
		extra["ability"] = f["ability"]
	}
	reward, err := f.Sub("reward_model")
	if err != nil {
		return err
	}
	if style, err := reward.Text("style"); err == nil && style == "rule" {
		delete(reward, "style")
	}
	if err := keepObject(extra, "reward_model", reward, "ground_truth"); err != nil {
		return err
	}
	info := data.Fields{}
	if f.Has("extra_info") {
		if info, err = f.Sub("extra_info"); err != nil {
			return err
		}
	}
	drop := []string{data.NoteKey}
	if _, ok := gymMeta(it); ok {
		drop = append(drop, "dataset_name", "entry")
	}
	if err := keepObject(extra, "extra_info", info, drop...); err != nil {
		return err
	}
	return it.setExtra(extra)
}

// keepObject keeps the members of an object that stand nowhere else.
func keepObject(extra data.Fields, key string, f data.Fields, but ...string) error {
	left := Item{}
	members := data.Fields{}
	for k, v := range f {
		if f.Has(k) {
			members[k] = v
		}
	}
	for _, k := range but {
		delete(members, k)
	}
	err := left.setExtra(members)
	if left.Extra != nil {
		extra[key] = left.Extra
	}
	return err
}

// gymMeta is what verl's Reasoning Gym rows have in columns of their own.
func gymMeta(it *Item) (m struct {
	Name  string          `json:"dataset_name"`
	Entry json.RawMessage `json:"entry"`
}, ok bool) {
	var keys data.Fields
	if it.Grader != "gym" || json.Unmarshal(it.Meta, &keys) != nil || json.Unmarshal(it.Meta, &m) != nil {
		return m, false
	}
	return m, len(keys) == 2 && m.Name != "" && data.JSONKind(m.Entry) == "an object"
}

func formatVerl(it *Item, _ Options) (Row, error) {
	extra, err := it.extraFields()
	if err != nil {
		return nil, err
	}
	// take gives what the row came with, if it came with it.
	take := func(key string, otherwise any) any {
		if !extra.Has(key) {
			return otherwise
		}
		defer delete(extra, key)
		return extra[key]
	}
	source, ability := take("data_source", it.Dataset), take("ability", text(it.Grader))
	reward, err := objectOf(take("reward_model", nil), Row{{"ground_truth", it.Gold}, {"style", "rule"}})
	if err != nil {
		return nil, err
	}
	own := *it
	info := Row{}
	if gym, ok := gymMeta(it); ok {
		own.Meta = nil
		info = Row{{"dataset_name", gym.Name}, {"entry", string(gym.Entry)}}
	}
	more, err := objectOf(take("extra_info", nil), append(info, Column{data.NoteKey, note(&own)}))
	if err != nil {
		return nil, err
	}
	row := Row{{"data_source", source}, {"prompt", it.messages()}, {"ability", ability}, {"reward_model", reward}, {"extra_info", more}}
	return spread(row, extra, verlKeys...)
}

// objectOf adds to an object, if it is one, the columns that it lacks.
func objectOf(have any, add Row) (json.RawMessage, error) {
	raw, _ := have.(json.RawMessage)
	members := data.Fields{}
	if raw != nil {
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, err
		}
	}
	row := Row{}
	for _, c := range add {
		if !members.Has(c.Name) {
			row = append(row, c)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		row = append(row, Column{key, members[key]})
	}
	return row.JSON()
}
