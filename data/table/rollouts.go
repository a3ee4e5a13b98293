package table

import (
	"fmt"
	"strconv"

	"github.com/ropewalk/ropewalk/data"
)

// rolloutsKind marks an archive of rollouts and its version.
const rolloutsKind = "rollouts/1"

// Archive says where an archive of rollouts comes from.
type Archive struct {
	Run        string // name of the run, of the rsa call or of the sample call
	Batch      int    // the batch the rollouts were closed with
	ConfigHash string
}

// Row is one row of an archive: a member of a group with everything that
// became of it. Candidates are named by their ids, their texts stand in the rows
// of their own.
type Row struct {
	RolloutID     data.RolloutID     `json:"rollout_id"`
	GroupID       data.GroupID       `json:"group_id"`
	ProblemID     data.ProblemID     `json:"problem_id"`
	Dataset       string             `json:"dataset"`
	Kind          data.Kind          `json:"kind"`
	Source        string             `json:"source"`
	Round         int                `json:"round"`
	Slot          int                `json:"slot"`
	PromptIDs     []int32            `json:"prompt_ids"`
	CompletionIDs []int32            `json:"completion_ids"`
	Logprobs      []float32          `json:"logprobs"`
	Text          string             `json:"text"`
	Status        data.Status        `json:"status"`
	Score         float64            `json:"score"`
	Answer        string             `json:"answer"`
	Reason        string             `json:"reason"`
	RewardParts   map[string]float64 `json:"reward_parts"`
	Reward        float64            `json:"reward"`
	Counts        bool               `json:"counts"`
	Advantage     float64            `json:"advantage"`
	Weight        float64            `json:"weight"`
	Dropped       string             `json:"dropped"`
	Cut           string             `json:"cut"`
	Finish        data.FinishReason  `json:"finish_reason"`
	Err           string             `json:"error"`
	VersionOldest int                `json:"version_oldest"`
	VersionNewest int                `json:"version_newest"`
	Temperature   float64            `json:"temperature"`
	ParentIDs     []data.RolloutID   `json:"parent_ids"`
	Model         string             `json:"model"`
	Worker        string             `json:"worker"`
	Simulated     bool               `json:"simulated"`
}

var rolloutColumns = []column[Row]{
	text("rollout_id", "group and slot, g000042/3", func(r *Row) *data.RolloutID { return &r.RolloutID }),
	long("group_id", "the group's number in the run", func(r *Row) *data.GroupID { return &r.GroupID }),
	text("problem_id", "the problem answered", func(r *Row) *data.ProblemID { return &r.ProblemID }),
	text("dataset", "the problem's dataset", func(r *Row) *string { return &r.Dataset }),
	text("kind", "direct, refine or aggregate", func(r *Row) *data.Kind { return &r.Kind }),
	text("source", "of the candidates: pool, policy or cache; empty for direct", func(r *Row) *string { return &r.Source }),
	short("round", "0 for direct, t for a prompt built from round t-1", func(r *Row) *int { return &r.Round }),
	short("slot", "place in the group", func(r *Row) *int { return &r.Slot }),
	ints("prompt_ids", "equal for all rows of a group", func(r *Row) *[]int32 { return &r.PromptIDs }).big(),
	ints("completion_ids", "as sampled, the end token included", func(r *Row) *[]int32 { return &r.CompletionIDs }).big(),
	floats("logprobs", "of completion_ids at temperature, by the engine", func(r *Row) *[]float32 { return &r.Logprobs }).big(),
	text("text", "the completion as the engine decoded it", func(r *Row) *string { return &r.Text }).big(),
	text("status", "the verdict's status", func(r *Row) *data.Status { return &r.Status }),
	float("score", "the verdict's score", func(r *Row) *float64 { return &r.Score }),
	text("answer", "what the grader extracted", func(r *Row) *string { return &r.Answer }),
	text("reason", "why this score", func(r *Row) *string { return &r.Reason }).big(),
	parts("reward_parts", "JSON object of named parts, {} if none", func(r *Row) *map[string]float64 { return &r.RewardParts }),
	float("reward", "what the estimator compared", func(r *Row) *float64 { return &r.Reward }),
	flag("counts", "in the group's baseline", func(r *Row) *bool { return &r.Counts }),
	float("advantage", "training signal within the group", func(r *Row) *float64 { return &r.Advantage }),
	float("weight", "multiplies the row's tokens in the loss", func(r *Row) *float64 { return &r.Weight }),
	text("dropped", "why the group does not train, empty if it does", func(r *Row) *string { return &r.Dropped }),
	text("cut", "what the token budget did to the candidates", func(r *Row) *string { return &r.Cut }),
	text("finish_reason", "stop, length or error", func(r *Row) *data.FinishReason { return &r.Finish }),
	text("error", "why, where finish_reason is error", func(r *Row) *string { return &r.Err }),
	short("version_oldest", "policy version of the first token", func(r *Row) *int { return &r.VersionOldest }),
	short("version_newest", "policy version of the last token", func(r *Row) *int { return &r.VersionNewest }),
	float("temperature", "of sampling", func(r *Row) *float64 { return &r.Temperature }),
	texts("parent_ids", "rollout ids of the candidates, in prompt order", func(r *Row) *[]data.RolloutID { return &r.ParentIDs }),
	text("model", "name the engine serves the model under", func(r *Row) *string { return &r.Model }),
	text("worker", "who sampled it", func(r *Row) *string { return &r.Worker }),
	flag("simulated", "no model was involved", func(r *Row) *bool { return &r.Simulated }),
}

// RolloutColumns lists the archive's columns in order, for docs.
func RolloutColumns() []Column { return documented(rolloutColumns) }

// WriteRollouts archives every member of the groups, dropped ones included, in
// the order given. No groups make a table without rows. An existing file is
// replaced; after an error it is as it was.
func WriteRollouts(path string, a Archive, groups []data.Group) error {
	var rows []Row
	for i := range groups {
		for j := range groups[i].Members {
			rows = append(rows, archived(&groups[i], &groups[i].Members[j]))
		}
	}
	meta := []pair{{keySchema, rolloutsKind}, {"ropewalk.run", a.Run}, {"ropewalk.batch", strconv.Itoa(a.Batch)}, {"ropewalk.config_hash", a.ConfigHash}}
	return write(path, rolloutColumns, meta, rows)
}

func archived(g *data.Group, m *data.Member) Row {
	return Row{
		RolloutID: m.ID, GroupID: g.Group, ProblemID: g.Problem, Dataset: g.Dataset,
		Kind: g.Kind, Source: g.Source, Round: g.Round, Slot: m.Slot,
		PromptIDs: g.PromptIDs, CompletionIDs: m.CompletionIDs, Logprobs: m.Logprobs, Text: m.Text,
		Status: m.Verdict.Status, Score: m.Verdict.Score, Answer: m.Verdict.Answer, Reason: m.Verdict.Reason,
		RewardParts: m.Verdict.Parts, Reward: m.Reward, Counts: m.Counts, Advantage: m.Advantage, Weight: m.Weight,
		Dropped: g.Dropped, Cut: g.Cut, Finish: m.Finish, Err: m.Err,
		VersionOldest: m.VersionOldest, VersionNewest: m.VersionNewest, Temperature: g.Temperature,
		ParentIDs: g.ParentIDs(), Model: m.Model, Worker: m.Worker, Simulated: m.Simulated,
	}
}

// ReadRollouts calls got for each row of an archive, in order, holding one row at
// a time. got's error ends the reading and is returned as it is. Rows whose
// completion and log-probabilities differ in length are an error.
func ReadRollouts(path string, got func(Row) error) error {
	return read(path, rolloutsKind, rolloutColumns, func(r Row) error {
		if len(r.CompletionIDs) != len(r.Logprobs) {
			return fmt.Errorf("%s: rollout %s: %d completion ids but %d log-probabilities", path, r.RolloutID, len(r.CompletionIDs), len(r.Logprobs))
		}
		return got(r)
	})
}

// ReadArchive gives an archive's header and its number of rows.
func ReadArchive(path string) (a Archive, rows int64, err error) {
	s, err := openParquet(path)
	if err != nil {
		return a, 0, err
	}
	defer s.close() // opened for reading: nothing to lose
	if err := s.checkKind(rolloutsKind); err != nil {
		return a, 0, fmt.Errorf("%s: %w", path, err)
	}
	if a.Batch, err = strconv.Atoi(s.meta("ropewalk.batch")); err != nil {
		return a, 0, fmt.Errorf("%s: metadata ropewalk.batch: %w", path, err)
	}
	a.Run, a.ConfigHash = s.meta("ropewalk.run"), s.meta("ropewalk.config_hash")
	return a, s.rows, nil
}
