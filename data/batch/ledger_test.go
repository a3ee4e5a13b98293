package batch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/ropewalk/ropewalk/data"
)

// written makes the golden batch in a fresh folder.
func written(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "000042")
	if _, err := Write(dir, goldenHeader(), goldenGroups()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writeFile(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o666); err != nil {
		t.Fatal(err)
	}
}

// Every truncation and every flipped byte is found before Arrow sees the file.
func TestDamage(t *testing.T) {
	dir := written(t)
	path := filepath.Join(dir, ArrowFile)
	whole := readFile(t, path)
	refused := func(what string, raw []byte, want string) {
		t.Helper()
		writeFile(t, path, raw)
		if _, _, err := Read(dir); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := 0; i < len(whole); i += 7 {
		raw := bytes.Clone(whole)
		raw[i] ^= 1 << (i % 8)
		refused("flipped", raw, "corrupt")
		refused("truncated", whole[:i], "truncated")
	}
	refused("longer", append(bytes.Clone(whole), 0), "truncated or overwritten")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// adopt makes the manifest of dir vouch for another Arrow file.
func adopt(t *testing.T, dir string, raw []byte) {
	t.Helper()
	m, err := ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	m.Bytes, m.SHA256 = int64(len(raw)), hex.EncodeToString(sum[:])
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, ArrowFile), raw)
	writeFile(t, filepath.Join(dir, ManifestFile), text)
}

func encoded(t *testing.T, schema *arrow.Schema, rows []Row) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	if _, _, err := writeArrow(path, schema, rows); err != nil {
		t.Fatal(err)
	}
	return readFile(t, path)
}

// Files whose checksum is right but whose contents are not the manifest's.
func TestForeign(t *testing.T) {
	groups := goldenGroups()
	rows, err := rowsOf(groups)
	if err != nil {
		t.Fatal(err)
	}
	h := goldenHeader()
	m := h.manifest(groups, rows)
	schema := func(change func(*Manifest)) *arrow.Schema {
		m := m
		change(&m)
		s, err := m.arrowSchema()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	same := schema(func(*Manifest) {})
	metadata := func(version string) *arrow.Schema {
		md := arrow.NewMetadata([]string{keySchema}, []string{version})
		return arrow.NewSchema(fields(), &md)
	}
	uneven := append([]Row(nil), rows...)
	uneven[1].Logprobs = uneven[1].Logprobs[:0]
	moved := append([]Row(nil), rows...)
	moved[0].GroupID = 85
	cases := map[string]struct {
		raw  []byte
		want string
	}{
		"not Arrow":         {[]byte("PAR1 and more text, as long as it takes"), "not a readable Arrow file"},
		"other columns":     {otherArrow(t), "lacks ropewalk.schema"},
		"other version":     {encoded(t, metadata("2"), rows), "schema version 2, this ropewalk reads 1"},
		"other run":         {encoded(t, schema(func(m *Manifest) { m.Run = "b" }), rows), `metadata ropewalk.run is "b"`},
		"other denominator": {encoded(t, schema(func(m *Manifest) { m.Denominators.Tokens++ }), rows), "ropewalk.denominators"},
		"fewer rows":        {encoded(t, same, rows[:5]), "5 rows, the manifest says 6"},
		"uneven":            {encoded(t, same, uneven), "1 completion ids but 0 log-probabilities"},
		"moved":             {encoded(t, same, moved), "rollout g000084/0 is of group 85"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := written(t)
			adopt(t, dir, c.raw)
			if _, _, err := Read(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	renamed := fields()
	renamed[3].Name = "data_set"
	md := same.Metadata()
	if err := checkSchema(arrow.NewSchema(renamed, &md)); err == nil || !strings.Contains(err.Error(), "column 3: expected dataset utf8, found data_set utf8") {
		t.Errorf("a renamed column: %v", err)
	}
	if err := checkSchema(arrow.NewSchema(fields()[:4], &md)); err == nil || !strings.Contains(err.Error(), "expected kind utf8, found the end") {
		t.Errorf("a missing column: %v", err)
	}
	if err := checkSchema(arrow.NewSchema(append(fields(), arrow.Field{Name: "x", Type: arrow.Null}), &md)); err == nil || !strings.Contains(err.Error(), "unexpected x null") {
		t.Errorf("a column too many: %v", err)
	}
}

func otherArrow(t *testing.T) []byte {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	b.Field(0).(*array.Int64Builder).Append(1)
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := ipc.NewFileWriter(f, ipc.WithSchema(s))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(b.NewRecord()), w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return readFile(t, f.Name())
}

func TestManifestRefused(t *testing.T) {
	good := string(readFile(t, filepath.Join(golden, ManifestFile)))
	replace := func(old, with string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("the golden manifest lacks %s", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	cases := map[string]string{
		"":                                  "not a manifest",
		"{}":                                `no key "schema"`,
		good[:100]:                          "not a manifest",
		good + "{}":                         "not a manifest", // two objects
		replace(`"schema":1`, `"schema":2`): "schema version 2, this ropewalk reads 1",
		replace(`"rows"`, `"rowz"`):         `unknown field "rowz"`,
		replace(`"rows":6`, `"rows":"6"`):   "not a manifest",
		replace(`"rows":6`, `"rows":2`):     "2 rows in 3 groups",
		replace(`batch.arrow`, `../other`):  `file "../other"`,
		replace(`"next_group":88`, `"next_group":87`): "group 87 is closed but not below next_group 87",
		replace(`[84,85,87]`, `[85,84,87]`):           "groups are not in order",
		replace(`"sequences":5`, `"sequences":7`):     "denominator of 7 sequences",
	}
	for text, want := range cases {
		if _, err := parseManifest([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s…: %v, want %q", text, err, want)
		}
	}
	if _, err := parseManifest([]byte(good)); err != nil {
		t.Error(err)
	}
}

// ledger writes batches of two groups each, with one dropped in between.
func ledger(t *testing.T, batches ...int) string {
	t.Helper()
	root := t.TempDir()
	for _, b := range batches {
		var groups []data.Group
		for _, g := range []data.GroupID{data.GroupID(3 * b), data.GroupID(3*b + 2)} {
			groups = append(groups, data.Group{Spec: data.Spec{Group: g, Problem: "p", Kind: data.Direct}, PromptIDs: []int32{1}, Temperature: 1,
				Members: []data.Member{member(g, 0, 2), member(g, 1, 3)}})
		}
		h := Header{Run: "r", Batch: b, Dropped: []Drop{{data.GroupID(3*b + 1), "stale"}}, NextGroup: data.GroupID(3*b + 3)}
		if _, err := Write(filepath.Join(root, DirName(b)), h, groups); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestList(t *testing.T) {
	root := ledger(t, 0, 1, 2)
	// What a killed writer leaves, and what people leave.
	for _, name := range []string{".tmp-000003-ab", "000003", "notes"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(root, "000003", ArrowFile), []byte("half"))
	list, err := List(root)
	if err != nil || len(list) != 3 || list[2].Batch != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if err := CheckLedger(list); err != nil {
		t.Error(err)
	}
	// The unfinished folder is replaced, the finished one is not.
	if _, err := Write(filepath.Join(root, "000003"), goldenHeader(), goldenGroups()); err != nil {
		t.Error(err)
	}
	if _, err := Write(filepath.Join(root, "000001"), goldenHeader(), goldenGroups()); err == nil || !strings.Contains(err.Error(), "already written") {
		t.Errorf("a finished batch: %v", err)
	}
	if _, err := List(root); err == nil || !strings.Contains(err.Error(), "000003 holds batch 42") {
		t.Errorf("a misplaced batch: %v", err)
	}
	if list, err := List(filepath.Join(root, "none")); list != nil || err != nil {
		t.Errorf("no folder: %v, %v", list, err)
	}
	if _, err := List(ledger(t, 0, 1, 3)); err == nil || !strings.Contains(err.Error(), "batch 2 is missing") {
		t.Errorf("a gap: %v", err)
	}
	mixed := ledger(t, 0)
	h := Header{Run: "other", Batch: 1, NextGroup: 100}
	if _, err := Write(filepath.Join(mixed, DirName(1)), h, goldenGroups()); err != nil {
		t.Fatal(err)
	}
	if _, err := List(mixed); err == nil || !strings.Contains(err.Error(), `of run "other"`) {
		t.Errorf("two runs: %v", err)
	}
}

func TestCheckLedger(t *testing.T) {
	entry := func(b int, next data.GroupID, closed ...data.GroupID) Manifest {
		return Manifest{Batch: b, Groups: closed, NextGroup: next}
	}
	for want, list := range map[string][]Manifest{
		"group 2 is lost":              {entry(0, 2, 0, 1), entry(1, 4, 3)},
		"group 1 was closed before":    {entry(0, 2, 0, 1), entry(1, 3, 1, 2)},
		"next_group is 5, but group 3": {entry(0, 2, 0, 1), entry(1, 5, 2)},
		"group 0 was closed before":    {entry(0, 1, 0, 0)},
	} {
		if err := CheckLedger(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// FuzzManifest: any bytes give a manifest that can be written and read, or an
// error.
func FuzzManifest(f *testing.F) {
	raw := readFile(f, filepath.Join(golden, ManifestFile))
	f.Add(raw)
	f.Add([]byte(`{"schema":1}`))
	f.Add([]byte(`{"schema":1,"groups":[-1,9223372036854775807],"dropped":[{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseManifest(raw)
		if err != nil {
			return
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseManifest(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if len(m.closed()) == 0 {
			t.Error("a manifest that closes nothing was accepted")
		}
	})
}
