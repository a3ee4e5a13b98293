package table

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
)

// problemsKind marks a table of problems and its version.
const problemsKind = "problems/1"

var problemColumns = []column[data.Problem]{
	text("id", "stable across runs", func(p *data.Problem) *data.ProblemID { return &p.ID }),
	text("dataset", "name shown in metrics", func(p *data.Problem) *string { return &p.Dataset }),
	text("system", "system message, empty if none", func(p *data.Problem) *string { return &p.System }),
	text("question", "the user's turn", func(p *data.Problem) *string { return &p.Question }).big(),
	text("gold", "reference answer", func(p *data.Problem) *string { return &p.Gold }),
	text("grader", "who grades it", func(p *data.Problem) *string { return &p.Grader }),
	text("meta", "JSON object for the grader, empty if none", func(p *data.Problem) *json.RawMessage { return &p.Meta }).big(),
	text("extra", "JSON object of what else the row said, empty if nothing", func(p *data.Problem) *json.RawMessage { return &p.Extra }).big(),
}

// SaveProblems writes problems so that Load reads them back, as Parquet or JSON
// lines by the file's extension, replacing the file only when it is whole.
func SaveProblems(path string, problems []data.Problem) error {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".parquet":
		return write(path, problemColumns, []pair{{keySchema, problemsKind}}, problems)
	case ".jsonl", ".ndjson":
		return atomicfile.Write(path, func(w io.Writer) error { return data.WriteJSONL(w, problems) })
	default:
		return fmt.Errorf("%s: expected a name that ends in .parquet or .jsonl, found %q", path, ext)
	}
}

// ProblemShape is that of tables of problems, for [Output].
func ProblemShape() *Shape {
	s := &Shape{Type: Struct}
	for _, c := range problemColumns {
		s.Fields = append(s.Fields, Field{c.name, &Shape{Type: Text}})
	}
	return s
}

// ProblemMeta marks tables of problems, for [Output].
func ProblemMeta() [][2]string { return [][2]string{{keySchema, problemsKind}} }
