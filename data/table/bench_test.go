package table

import (
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/ropewalk/ropewalk/data"
)

// archive is one batch of the demo: 64 groups of 8 short rollouts.
func benchRows(tokens int) []Row {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]Row, 512)
	for i := range rows {
		ids, logprobs := make([]int32, tokens), make([]float32, tokens)
		for j := range ids {
			ids[j], logprobs[j] = r.Int32N(150000), -float32(r.ExpFloat64())
		}
		rows[i] = Row{RolloutID: data.NewRolloutID(data.GroupID(i/8), i%8), PromptIDs: ids[:min(tokens, 64)], CompletionIDs: ids, Logprobs: logprobs, Status: data.Scored}
	}
	return rows
}

func BenchmarkEncodeRollouts(b *testing.B) {
	for name, tokens := range map[string]int{"short": 6, "long": 4096} {
		rows := benchRows(tokens)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(8 * tokens * len(rows)))
			for b.Loop() {
				if err := encode(io.Discard, rolloutColumns, nil, each(rows)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadRollouts(b *testing.B) {
	rows := benchRows(4096)
	path := filepath.Join(b.TempDir(), "f.parquet")
	if err := write(path, rolloutColumns, []pair{{keySchema, rolloutsKind}}, rows); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(8 * 4096 * len(rows)))
	for b.Loop() {
		n := 0
		if err := ReadRollouts(path, func(Row) error { n++; return nil }); err != nil || n != len(rows) {
			b.Fatal(n, err)
		}
	}
}
