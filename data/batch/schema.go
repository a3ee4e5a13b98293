// Package batch holds the contract between the coordinator and the trainer: the
// groups of one trainer step as an Arrow IPC file, and the manifest beside it,
// which is written last and is the run's ledger. docs/formats.md describes both
// for readers in other languages. It is the only importer of Arrow IPC.
package batch

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/ropewalk/ropewalk/data"
)

// SchemaVersion is written into every file; a reader refuses any other.
const SchemaVersion = 1

// Names of a batch's two files.
const (
	ArrowFile    = "batch.arrow"
	ManifestFile = "manifest.json"
)

// Keys of the Arrow schema's metadata, in the order in which they are written.
const (
	keySchema       = "ropewalk.schema"
	keyRun          = "ropewalk.run"
	keyBatch        = "ropewalk.batch"
	keyConfigHash   = "ropewalk.config_hash"
	keyEstimator    = "ropewalk.estimator"
	keyConstants    = "ropewalk.estimator_constants"
	keyDenominators = "ropewalk.denominators"
	keySimulated    = "ropewalk.simulated"
)

// Row is one rollout that trains, as the batch file holds it. len(Logprobs) ==
// len(CompletionIDs). Rows that were read share memory with one another: treat
// the slices as read-only.
type Row struct {
	RolloutID     data.RolloutID     `json:"rollout_id"`
	GroupID       data.GroupID       `json:"group_id"`
	ProblemID     data.ProblemID     `json:"problem_id"`
	Dataset       string             `json:"dataset"`
	Kind          data.Kind          `json:"kind"`
	Round         int                `json:"round"`
	Slot          int                `json:"slot"`
	PromptIDs     []int32            `json:"prompt_ids"`
	CompletionIDs []int32            `json:"completion_ids"`
	Logprobs      []float32          `json:"logprobs"`
	Advantage     float64            `json:"advantage"`
	Weight        float64            `json:"weight"`
	Reward        float64            `json:"reward"`
	RewardParts   map[string]float64 `json:"reward_parts"`
	Status        data.Status        `json:"status"`
	Finish        data.FinishReason  `json:"finish_reason"`
	VersionOldest int                `json:"version_oldest"`
	VersionNewest int                `json:"version_newest"`
	Temperature   float64            `json:"temperature"`
	ParentIDs     []data.RolloutID   `json:"parent_ids"`
}

// Column documents one column of the batch file.
type Column struct{ Name, Type, Doc string }

// Columns lists the batch file's columns in order, for help texts and docs.
func Columns() []Column {
	list := make([]Column, len(columns))
	for i, c := range columns {
		list[i] = Column{c.name, c.typ.String(), c.doc}
	}
	return list
}

// columns is the schema: each column once, with how it is written and read.
var columns = []column{
	text("rollout_id", "group and slot, g000042/3", func(r *Row) *data.RolloutID { return &r.RolloutID }),
	long("group_id", "the group's number in the run", func(r *Row) *data.GroupID { return &r.GroupID }),
	text("problem_id", "the problem answered", func(r *Row) *data.ProblemID { return &r.ProblemID }),
	text("dataset", "the problem's dataset", func(r *Row) *string { return &r.Dataset }),
	text("kind", "direct, refine or aggregate", func(r *Row) *data.Kind { return &r.Kind }),
	short("round", "0 for direct, t for a prompt built from round t-1", func(r *Row) *int { return &r.Round }),
	short("slot", "place in the group", func(r *Row) *int { return &r.Slot }),
	list("prompt_ids", "equal for all rows of a group", int32Items, func(r *Row) *[]int32 { return &r.PromptIDs }),
	list("completion_ids", "as sampled, the end token included", int32Items, func(r *Row) *[]int32 { return &r.CompletionIDs }),
	list("logprobs", "of completion_ids at temperature, by the engine", float32Items, func(r *Row) *[]float32 { return &r.Logprobs }),
	float("advantage", "training signal within the group", func(r *Row) *float64 { return &r.Advantage }),
	float("weight", "multiplies the row's tokens in the loss", func(r *Row) *float64 { return &r.Weight }),
	float("reward", "what the estimator compared", func(r *Row) *float64 { return &r.Reward }),
	parts("reward_parts", "JSON object of named parts, {} if none", func(r *Row) *map[string]float64 { return &r.RewardParts }),
	text("status", "the verdict's status", func(r *Row) *data.Status { return &r.Status }),
	text("finish_reason", "stop or length", func(r *Row) *data.FinishReason { return &r.Finish }),
	short("version_oldest", "policy version of the first token", func(r *Row) *int { return &r.VersionOldest }),
	short("version_newest", "policy version of the last token", func(r *Row) *int { return &r.VersionNewest }),
	float("temperature", "of sampling", func(r *Row) *float64 { return &r.Temperature }),
	list("parent_ids", "rollout ids of the candidates, in prompt order", idItems, func(r *Row) *[]data.RolloutID { return &r.ParentIDs }),
}

func fields() []arrow.Field {
	list := make([]arrow.Field, len(columns))
	for i, c := range columns {
		list[i] = arrow.Field{Name: c.name, Type: c.typ}
	}
	return list
}

// checkSchema compares a file's columns and version with ours.
func checkSchema(s *arrow.Schema) error {
	md := s.Metadata()
	version, ok := md.GetValue(keySchema)
	if !ok {
		return fmt.Errorf("not a ropewalk batch: the schema's metadata lacks %s", keySchema)
	}
	if version != fmt.Sprint(SchemaVersion) {
		return fmt.Errorf("schema version %s, this ropewalk reads %d", version, SchemaVersion)
	}
	got := make([]string, s.NumFields())
	want := make([]string, len(columns))
	for i, f := range s.Fields() {
		got[i] = f.Name + " " + f.Type.String()
	}
	for i, c := range columns {
		want[i] = c.name + " " + c.typ.String()
	}
	for i := range want {
		if i >= len(got) {
			return fmt.Errorf("column %d: expected %s, found the end", i, want[i])
		}
		if got[i] != want[i] {
			return fmt.Errorf("column %d: expected %s, found %s", i, want[i], got[i])
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("column %d: unexpected %s", len(want), got[len(want)])
	}
	return nil
}
