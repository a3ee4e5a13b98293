package table

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// answerColumns are the columns of an archive that tell of answers, without the
// tokens, which are most of its bytes.
var answerColumns = slices.DeleteFunc(slices.Clone(rolloutColumns), func(c column[Row]) bool {
	return slices.Contains([]string{"prompt_ids", "completion_ids", "logprobs"}, c.name)
})

// ReadAnswers calls got for each answer of a pool or an archive, in order, as a row
// of an archive without its tokens. Candidates of a pool are direct, of group 0,
// and have the ids that prompts name them by.
func ReadAnswers(path string, got func(Row) error) error {
	kind, err := Kind(path)
	switch {
	case err != nil:
		return err
	case kind == rolloutsKind:
		return read(path, rolloutsKind, answerColumns, got)
	case kind != poolKind:
		return fmt.Errorf("%s: neither a pool nor an archive of rollouts: its metadata %s is %q", path, keySchema, kind)
	}
	return ReadPoolRows(path, func(r PoolRow) error { return got(r.asAnswer()) })
}

func (r *PoolRow) asAnswer() Row {
	id := r.Rollout
	if !strings.HasPrefix(string(id), poolPrefix) {
		id = poolPrefix + id
	}
	return Row{RolloutID: id, ProblemID: r.Problem, Kind: data.Direct, Text: r.Text, Status: r.Status, Score: r.Score, Answer: r.Answer,
		Reward: r.Score, Counts: r.Status.Counts(), Finish: data.FinishStop, VersionOldest: r.Version, VersionNewest: r.Version, Model: r.Model}
}

// ReadProblemIDs calls got for the problem of each answer, reading nothing else.
func ReadProblemIDs(path string, got func(data.ProblemID) error) error {
	kind, err := Kind(path)
	if err != nil {
		return err
	}
	only := []column[Row]{text("problem_id", "", func(r *Row) *data.ProblemID { return &r.ProblemID })}
	return read(path, kind, only, func(r Row) error { return got(r.ProblemID) })
}
