package table

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/ropewalk/ropewalk/data"
)

// rsaFolder finds the Parquet files of the RSA repository: in ROPEWALK_RSA_DATA
// or beside the checkout. Without them synthetic writes one of the same schema.
func rsaFolder(t *testing.T) string {
	t.Helper()
	candidates := []string{os.Getenv("ROPEWALK_RSA_DATA"), filepath.Join("..", "..", "..", "shared", "rsa")}
	for _, dir := range candidates {
		if files, _ := filepath.Glob(filepath.Join(dir, "*.parquet")); dir != "" && len(files) > 0 {
			return dir
		}
	}
	return synthetic(t)
}

func utf8Struct(names ...string) *arrow.StructType {
	var fields []arrow.Field
	for _, name := range names {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	return arrow.StructOf(fields...)
}

var gymSchema = arrow.NewSchema([]arrow.Field{
	{Name: "data_source", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "prompt", Type: arrow.ListOf(utf8Struct("content", "role")), Nullable: true},
	{Name: "ability", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "reward_model", Type: utf8Struct("ground_truth", "style"), Nullable: true},
	{Name: "extra_info", Type: utf8Struct("dataset_name", "entry", "ground_truth"), Nullable: true},
}, nil)

const gymRow = `{"data_source":"reasoning_gym","prompt":[{"content":"2, 4, ? Put it between <answer> tags.","role":"user"}],"ability":"cognition",
	"reward_model":{"ground_truth":"8","style":"rule"},"extra_info":{"dataset_name":"number_sequence","entry":"{\"answer\":\"8\",\"metadata\":{}}","ground_truth":"8"}}`

// synthetic makes a folder with a file such as those of the RSA repository.
func synthetic(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "rg_cognition_test.parquet"), gymSchema, "["+strings.Repeat(gymRow+",", 99)+gymRow+"]", compress.Codecs.Snappy)
	return dir
}

func writeParquet(t testing.TB, path string, s *arrow.Schema, rows string, codec compress.Compression) {
	t.Helper()
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(s, &out, parquet.NewWriterProperties(parquet.WithCompression(codec)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(record), w.Close(), os.WriteFile(path, out.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
}

// The files of the RSA repository load as they are.
func TestRSAFiles(t *testing.T) {
	want := map[string]struct {
		rows   int
		grader string
		gold   string // of the first row
	}{
		"aime25": {30, "math", "70"}, "hmmt25": {30, "math", "103"}, "rg_games": {100, "gym", "10"},
		"supergpqa_supergpqa_test_1": {200, "choice", "B"}, "rg_cognition": {100, "gym", ""},
	}
	files, err := filepath.Glob(filepath.Join(rsaFolder(t), "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no files")
	}
	var sources []Source
	for _, path := range files {
		sources = append(sources, Source{Path: path})
	}
	problems, skipped, err := Load(sources, false) // together: ids must not clash
	if err != nil || len(skipped) > 0 {
		t.Fatal(skipped, err)
	}
	counts := map[string]int{}
	for _, p := range problems {
		w := want[p.Dataset]
		if counts[p.Dataset] == 0 && w.gold != "" && p.Gold != w.gold {
			t.Errorf("%s: gold %q, want %q", p.ID, p.Gold, w.gold)
		}
		counts[p.Dataset]++
		if p.Grader != w.grader || p.Question == "" || p.Gold == "" || (p.Grader == "gym") != (p.Meta != nil) {
			t.Errorf("%+v", p)
		}
		if p.Grader == "gym" && !bytes.HasPrefix(p.Meta, []byte(`{"dataset_name":"`)) {
			t.Errorf("%s: meta %.80s", p.ID, p.Meta)
		}
	}
	for _, path := range files {
		name := data.DatasetName(path)
		if counts[name] != want[name].rows || counts[name] == 0 {
			t.Errorf("%s: %d rows, want %d", name, counts[name], want[name].rows)
		}
	}
	if string(problems[0].ID) != problems[0].Dataset+"/0" {
		t.Errorf("id %s", problems[0].ID)
	}
}

func field(name string, typ arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: typ, Nullable: true}
}

// Shapes other than the RSA files', with nulls, and what they say when wrong.
func TestParquetShapes(t *testing.T) {
	str, integer := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	cases := []struct {
		name, rows string
		fields     []arrow.Field
		want       string // ids and golds, or the error
	}{
		{"own", `[{"id":7,"question":"q","gold":"1","grader":"exact","__index_level_0__":0},{"id":null,"question":"q","gold":"2","grader":"exact"}]`,
			[]arrow.Field{field("id", integer), field("question", str), field("gold", str), field("grader", str), field("__index_level_0__", integer)}, "7=1 f/1=2"},
		{"messages", `[{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"q"}],"answer":["4"],"grader":"x"}]`,
			[]arrow.Field{field("prompt", arrow.ListOf(utf8Struct("role", "content"))), field("answer", arrow.ListOf(str)), field("grader", str)}, "f/0=4"},
		{"null prompt", `[{"prompt":null,"reward_model":{"ground_truth":"1"},"data_source":"aime"}]`,
			[]arrow.Field{field("prompt", arrow.ListOf(utf8Struct("role", "content"))), field("reward_model", utf8Struct("ground_truth")), field("data_source", str)},
			"f.parquet:1: no prompt"},
		{"null gold", `[{"prompt":"q","reward_model":{"ground_truth":"1"},"data_source":"aime"},{"prompt":"q","reward_model":null,"data_source":"aime"}]`,
			[]arrow.Field{field("prompt", str), field("reward_model", utf8Struct("ground_truth")), field("data_source", str)}, "f.parquet:2: reward_model: expected an object, found null"},
		{"meta", `[{"question":"q","meta":"{\"a\":1}","grader":"x"},{"question":"q","meta":"nonsense","grader":"x"}]`,
			[]arrow.Field{field("question", str), field("meta", str), field("grader", str)}, "f.parquet:2: "},
		{"number question", `[{"question":1,"gold":"1"}]`, []arrow.Field{field("question", integer), field("gold", str)}, "f.parquet:1: question: expected a string, found a number"},
		{"struct question", `[{"question":{"a":"1"}}]`, []arrow.Field{field("question", utf8Struct("a"))}, "f.parquet:1: question: expected a string, found an object"},
		{"other table", `[{"x":1,"y":"2"}]`, []arrow.Field{field("x", integer), field("y", str)}, "expected a column question or prompt, found x, y"},
		{"unknown column", `[{"question":"q","golld":"2"}]`, []arrow.Field{field("question", str), field("golld", str)}, "unknown column golld"},
		{"no prompt", `[{"reward_model":{"ground_truth":"1"}}]`, []arrow.Field{field("reward_model", utf8Struct("ground_truth"))}, "column prompt is missing; found reward_model"},
		{"wrong prompt", `[{"prompt":3,"reward_model":{"ground_truth":"1"}}]`, []arrow.Field{field("prompt", integer), field("reward_model", utf8Struct("ground_truth"))},
			"f.parquet:1: prompt: expected a string or a list of messages, found a number"},
		{"wrong reward", `[{"prompt":"q","reward_model":{"gold":"1"}}]`, []arrow.Field{field("prompt", str), field("reward_model", utf8Struct("gold"))},
			"f.parquet:1: no gold answer"},
		{"no rows", `[]`, []arrow.Field{field("question", str), field("gold", str)}, "f.parquet: no rows"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.parquet")
			writeParquet(t, path, arrow.NewSchema(c.fields, nil), c.rows, compress.Codecs.Uncompressed)
			problems, _, err := Load([]Source{{Path: path}}, false)
			var got []string
			for _, p := range problems {
				got = append(got, string(p.ID)+"="+p.Gold)
			}
			found := strings.Join(got, " ")
			if err != nil {
				found = err.Error()
			}
			if !strings.Contains(found, c.want) {
				t.Errorf("%s\nwant %s", found, c.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.jsonl", `{"id":"a","question":"q","gold":"1","grader":"exact"}`+"\n\n"+`{"id":"b","question":"q","gold":"1","grader":"exact"}`)
	bad := file("bad.jsonl", `{"question":"q"}`+"\n"+`{"id":"b","question":"q","gold":"1","grader":"exact"}`+"\n"+`{"id":"c","question":"q","gold":"1","grader":"exact"}`)
	problems, skipped, err := Load([]Source{{Path: good}, {Path: bad}}, true)
	if err != nil || len(problems) != 3 || len(skipped) != 2 {
		t.Fatal(problems, skipped, err)
	}
	if skipped[0].Row != 1 || skipped[1].Row != 2 || !strings.Contains(skipped[1].Error(), good+":3") {
		t.Errorf("skipped %v", skipped)
	}
	var row *data.RowError
	if _, _, err := Load([]Source{{Path: good}, {Path: bad}}, false); !errors.As(err, &row) || row.File != bad || row.Row != 1 {
		t.Errorf("a bad row: %v", err)
	}
	if problems, _, err := Load([]Source{{Path: bad, Limit: 1}, {Path: good}}, true); err == nil || len(problems) > 0 || !strings.Contains(err.Error(), "no usable rows") {
		t.Errorf("nothing usable: %v", err)
	}
	if problems, _, err := Load([]Source{{Path: good, Limit: 1, Name: "n", Grader: "math"}}, false); err != nil || len(problems) != 1 || problems[0].Dataset != "n" || problems[0].Grader != "math" {
		t.Errorf("limit, name, grader: %v, %v", problems, err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none.jsonl"): "no such file", filepath.Join(dir, "none.parquet"): "no such file", dir: "is a folder",
		file("empty.jsonl", ""): "the file is empty", file("empty.parquet", ""): "the file is empty", file("blank.jsonl", "\n\n"): "no rows",
		file("x.csv", "a,b"): "expected a .parquet or .jsonl file", file("text.parquet", "certainly not Parquet"): "not a readable Parquet file",
	} {
		if _, _, err := Load([]Source{{Path: path}}, false); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, _, err := Load(nil, false); err == nil {
		t.Error("no datasets were accepted")
	}
}

// Whatever byte of a file is damaged, reading it ends, soon, and in problems or an
// error. A flipped byte within a text cannot be noticed: Parquet has no checksum.
func TestDamagedParquet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.parquet")
	attempt := func(what string, i int, raw []byte) error {
		t.Helper()
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, _, err := Load([]Source{{Path: path}}, true)
			done <- err
		}()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			t.Fatalf("%s at %d: still reading", what, i)
			return nil
		}
	}
	const null = `{"data_source":null,"prompt":[],"ability":null,"reward_model":null,"extra_info":{"dataset_name":null,"entry":null,"ground_truth":null}}`
	rows := "[" + strings.Repeat(gymRow+","+null+",", 50) + null + "]"
	for _, codec := range []compress.Compression{compress.Codecs.Snappy, compress.Codecs.Uncompressed} {
		writeParquet(t, path, gymSchema, rows, codec)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := attempt("whole", 0, whole); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(whole); i += 11 {
			if attempt("truncated", i, whole[:i]) == nil {
				t.Errorf("truncated at %d: accepted", i)
			}
		}
		// Each bit of the first pages' headers, one of the others now and then.
		noticed, flips := 0, 0
		for i := 0; i < 8*len(whole); i++ {
			if i > 8*100 {
				i = min(i+72, 8*len(whole)-1) // 73 bits on: another byte, another bit
			}
			raw := bytes.Clone(whole)
			raw[i/8] ^= 1 << (i % 8)
			flips++
			if attempt("flipped", i, raw) != nil {
				noticed++
			}
		}
		if noticed < flips/10 {
			t.Errorf("%v: %d of %d flips noticed", codec, noticed, flips)
		}
	}
}

// The levels of a page, counted: runs, packed groups, and their ends.
func TestCountLevels(t *testing.T) {
	for _, c := range []struct {
		buf  []byte
		max  int16
		n    int64
		want int64
	}{
		{nil, 0, 9, 9},                            // no levels are stored
		{nil, 1, 9, 0},                            // none are there
		{[]byte{10 << 1, 1}, 1, 10, 10},           // a run of ten
		{[]byte{10 << 1, 1}, 1, 11, 10},           // one is missing
		{[]byte{10 << 1}, 1, 10, 0},               // a run without its value
		{[]byte{2<<1 | 1, 0xff, 0xff}, 1, 16, 16}, // two groups of eight
		{[]byte{2<<1 | 1, 0xff}, 1, 16, 0},        // cut short
		{[]byte{1<<1 | 1, 1, 2, 3 << 1, 0}, 3, 99, 11},
		{[]byte{0x80}, 1, 1, 0}, // a length without an end
		{[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0}, 1, 5, 0},
	} {
		if got := countLevels(c.buf, c.max, c.n); min(got, c.n) != c.want {
			t.Errorf("%v below %d: %d of %d levels, want %d", c.buf, c.max, got, c.n, c.want)
		}
	}
}

// An error of the disk at any moment is an error of the writer.
func TestWriteErrors(t *testing.T) {
	var rows []Row
	for _, g := range groups() {
		for j := range g.Members {
			rows = append(rows, archived(&g, &g.Members[j]))
		}
	}
	var whole bytes.Buffer
	if err := encode(&whole, rolloutColumns, nil, each(rows)); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	for room := 0; room < whole.Len(); room += 501 {
		if err := encode(&limited{room, full}, rolloutColumns, nil, each(rows)); !errors.Is(err, full) {
			t.Errorf("with room for %d of %d bytes: %v", room, whole.Len(), err)
		}
	}
	if err := encode(&limited{whole.Len(), full}, rolloutColumns, nil, each(rows)); err != nil {
		t.Error(err)
	}
}

// limited fails when it is full.
type limited struct {
	room int
	err  error
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.room {
		return 0, l.err
	}
	l.room -= len(p)
	return len(p), nil
}
