package schema

import (
	"encoding/json"
	"slices"

	"github.com/ropewalk/ropewalk/data"
)

// own is the shape of ropewalk's datasets; see data.ParseProblem.
var own = Schema{
	Name: "ropewalk", Title: "ropewalk itself, and plain JSON lines",
	Holds: []Part{ID, Dataset, System, Question, Gold, Grader, Meta, Extra},
	Needs: []Part{Question},
	Columns: []Mapping{
		{"id", "id"}, {"dataset", "dataset"}, {"system", "system"}, {"question, or prompt as a string or messages", "question"},
		{"gold, answer or ground_truth", "gold"}, {"grader", "grader"}, {"meta, an object; a string in Parquet", "meta"}, {"extra, likewise", "extra"},
	},
	detect: func(f data.Fields) bool {
		if f.Has("question") {
			return true
		}
		// A prompt with columns of its own beside it is TRL's.
		return f.Has("prompt") && (f.Has("grader") || f.Has("gold")) && f.OwnKeys() == nil
	},
	parse: func(f data.Fields, it *Item) error { return f.Own(&it.Problem) },
	format: func(it *Item, o Options) (Row, error) {
		object := func(raw json.RawMessage) any {
			if raw == nil || o.Table {
				return packed(raw)
			}
			return raw
		}
		row := Row{{"id", text(it.ID)}, {"dataset", text(it.Dataset)}, {"system", text(it.System)}, {"question", it.Question},
			{"gold", text(it.Gold)}, {"grader", text(it.Grader)}, {"meta", object(it.Meta)}, {"extra", object(it.Extra)}}
		return slices.DeleteFunc(row, func(c Column) bool { return c.Value == nil }), nil
	},
}
