package table

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// poolKind marks a pool of candidates and its version.
const poolKind = "pool/1"

// poolPrefix marks the ids of candidates that were made outside the run.
const poolPrefix = "pool:"

// PoolRow is one candidate of a pool, with how it was graded when it was made.
type PoolRow struct {
	Problem data.ProblemID
	data.Candidate
	Status data.Status
	Answer string
	Tokens int // of the completion
}

var poolColumns = []column[PoolRow]{
	text("problem_id", "the problem answered", func(r *PoolRow) *data.ProblemID { return &r.Problem }),
	text("candidate_id", "rollout id where it was made", func(r *PoolRow) *data.RolloutID { return &r.Rollout }),
	text("model", "that made it", func(r *PoolRow) *string { return &r.Model }),
	short("version", "policy version, -1 for a frozen reference", func(r *PoolRow) *int { return &r.Version }),
	text("text", "the solution", func(r *PoolRow) *string { return &r.Text }).big(),
	float("score", "the verdict's score", func(r *PoolRow) *float64 { return &r.Score }),
	text("status", "the verdict's status", func(r *PoolRow) *data.Status { return &r.Status }),
	text("answer", "what the grader extracted", func(r *PoolRow) *string { return &r.Answer }),
	short("tokens", "length of the completion", func(r *PoolRow) *int { return &r.Tokens }),
}

// PoolColumns lists a pool's columns in order, for docs.
func PoolColumns() []Column { return documented(poolColumns) }

// WritePool makes a pool file of candidates, in the order given.
func WritePool(path string, rows []PoolRow) error {
	return write(path, poolColumns, []pair{{keySchema, poolKind}}, rows)
}

// WritePoolRows makes a pool file of rows that come one by one.
func WritePoolRows(path string, rows iter.Seq2[PoolRow, error]) error {
	return writeAll(path, poolColumns, []pair{{keySchema, poolKind}}, rows)
}

// PoolFiles lists the files of a pool: the file itself, those that a pattern
// (pools/*.parquet) names, or the .parquet files of a folder, in order of their
// names.
func PoolFiles(path string) ([]string, error) {
	pattern := path
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.IsDir():
		return []string{path}, nil
	case err == nil:
		pattern = filepath.Join(path, "*.parquet")
	case !strings.ContainsAny(path, "*?["):
		return []string{path}, nil // reading it says what is wrong
	}
	files, err := filepath.Glob(pattern)
	if err == nil && len(files) == 0 {
		err = errors.New("no file of that name")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pattern, err)
	}
	return files, nil
}

// ReadPoolRows calls got for each row of a pool, in order.
func ReadPoolRows(path string, got func(PoolRow) error) error {
	return read(path, poolKind, poolColumns, got)
}

// ReadPool gives the candidates of a pool, as [PoolFiles] understands its path, by
// problem and in the files' order. Their ids
// are prefixed "pool:". A pool without rows, or with an id twice, is an error.
func ReadPool(path string) (map[data.ProblemID][]data.Candidate, error) {
	pool := map[data.ProblemID][]data.Candidate{}
	seen := map[data.RolloutID]bool{}
	add := func(r PoolRow) error {
		if seen[r.Rollout] {
			return fmt.Errorf("%s: candidate %s occurs twice", path, r.Rollout)
		}
		seen[r.Rollout] = true
		c := r.Candidate
		if !strings.HasPrefix(string(c.Rollout), poolPrefix) {
			c.Rollout = poolPrefix + c.Rollout
		}
		pool[r.Problem] = append(pool[r.Problem], c)
		return nil
	}
	files, err := PoolFiles(path)
	for _, file := range files {
		if err == nil {
			err = ReadPoolRows(file, add)
		}
	}
	if err == nil && len(pool) == 0 {
		err = fmt.Errorf("%s: the pool is empty", path)
	}
	if err != nil {
		return nil, err
	}
	return pool, nil
}
