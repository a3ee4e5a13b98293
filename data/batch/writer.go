package batch

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
)

// maxRecord is about how many bytes of lists one record batch holds. It bounds
// the memory for building one, and readers may refuse bodies above 256 MiB.
const maxRecord = 64 << 20

// Header is what a batch says beyond its groups.
type Header struct {
	Run        string
	Batch      int
	ConfigHash string
	Estimator  Estimator
	Simulated  bool

	// The ledger's part.
	Dropped               []Drop
	NextGroup             data.GroupID
	Planner               json.RawMessage // nil for {}
	TotalCompletionTokens int64
}

// Write makes the folder dir (…/batches/000042) of one batch: batch.arrow, then
// manifest.json, both fsynced. Rows are the groups' members that count, in the
// order given, which must be the order of the group ids. The same input gives the
// same bytes. A folder left without manifest by a crash is replaced; a finished
// batch never is. After an error nothing that a reader would accept is left.
func Write(dir string, h Header, groups []data.Group) (Manifest, error) {
	rows, err := rowsOf(groups)
	if err != nil {
		return Manifest{}, fmt.Errorf("batch %d: %w", h.Batch, err)
	}
	m := h.manifest(groups, rows)
	if err := m.checkContents(); err != nil {
		return Manifest{}, fmt.Errorf("batch %d: %w", h.Batch, err)
	}
	schema, err := m.arrowSchema()
	if err != nil {
		return Manifest{}, fmt.Errorf("batch %d: %w", h.Batch, err)
	}
	if err := clear(dir); err != nil {
		return Manifest{}, err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return Manifest{}, err
	}
	err = atomicfile.Dir(dir, func(tmp string) error {
		m.Bytes, m.SHA256, err = writeArrow(filepath.Join(tmp, ArrowFile), schema, rows)
		return err
	})
	if err != nil {
		return Manifest{}, err
	}
	err = atomicfile.Write(filepath.Join(dir, ManifestFile), func(w io.Writer) error {
		raw, err := json.Marshal(m)
		if err != nil {
			return err
		}
		_, err = w.Write(append(raw, '\n'))
		return err
	})
	return m, err
}

// clear removes a folder that was never finished.
func clear(dir string) error {
	_, err := ReadManifest(dir)
	if errors.Is(err, ErrNoManifest) {
		return os.RemoveAll(dir)
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: the batch is already written", dir)
}

func (h *Header) manifest(groups []data.Group, rows []Row) Manifest {
	m := Manifest{
		Schema: SchemaVersion, Run: h.Run, Batch: h.Batch, ConfigHash: h.ConfigHash,
		File: ArrowFile, Rows: len(rows), Dropped: h.Dropped, NextGroup: h.NextGroup, Planner: h.Planner,
		TotalCompletionTokens: h.TotalCompletionTokens, Estimator: h.Estimator, Simulated: h.Simulated,
		VersionOldest: math.MaxInt,
	}
	// Empty rather than null, for readers in other languages.
	if m.Dropped == nil {
		m.Dropped = []Drop{}
	}
	if m.Planner == nil {
		m.Planner = json.RawMessage("{}")
	}
	if m.Estimator.Constants == nil {
		m.Estimator.Constants = map[string]float64{}
	}
	for _, g := range groups {
		m.Groups = append(m.Groups, g.Group)
	}
	for _, r := range rows {
		m.PromptTokens += int64(len(r.PromptIDs))
		m.CompletionTokens += int64(len(r.CompletionIDs))
		m.VersionOldest = min(m.VersionOldest, r.VersionOldest)
		m.VersionNewest = max(m.VersionNewest, r.VersionNewest)
		if r.Weight != 0 {
			m.Denominators.Tokens += int64(len(r.CompletionIDs))
			m.Denominators.Sequences++
		}
	}
	return m
}

func (m *Manifest) arrowSchema() (*arrow.Schema, error) {
	constants, err := json.Marshal(m.Estimator.Constants)
	if err != nil {
		return nil, fmt.Errorf("estimator constants: %w", err)
	}
	denominators, err := json.Marshal(m.Denominators)
	if err != nil {
		return nil, err
	}
	pairs := [][2]string{
		{keySchema, fmt.Sprint(SchemaVersion)}, {keyRun, m.Run}, {keyBatch, fmt.Sprint(m.Batch)},
		{keyConfigHash, m.ConfigHash}, {keyEstimator, m.Estimator.Name}, {keyConstants, string(constants)},
		{keyDenominators, string(denominators)}, {keySimulated, fmt.Sprint(m.Simulated)},
	}
	var keys, values []string
	for _, p := range pairs {
		keys, values = append(keys, p[0]), append(values, p[1])
	}
	md := arrow.NewMetadata(keys, values)
	return arrow.NewSchema(fields(), &md), nil
}

// rowsOf takes the members that count, refusing what would poison a training
// step: that is a defect of the caller, not of the data.
func rowsOf(groups []data.Group) ([]Row, error) {
	var rows []Row
	last := data.GroupID(-1)
	for i := range groups {
		g := &groups[i]
		if g.Group <= last {
			return nil, fmt.Errorf("group %s follows group %s", g.Group, last)
		}
		last = g.Group
		before := len(rows)
		for j := range g.Members {
			if !g.Members[j].Counts {
				continue
			}
			row := rowOf(g, &g.Members[j])
			if err := checkMember(g, &g.Members[j], &row); err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		if err := checkGroup(g, rows[before:]); err != nil {
			return nil, fmt.Errorf("group %s: %w", g.Group, err)
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("no groups")
	}
	return rows, nil
}

func rowOf(g *data.Group, m *data.Member) Row {
	return Row{
		RolloutID: m.ID, GroupID: g.Group, ProblemID: g.Problem, Dataset: g.Dataset,
		Kind: g.Kind, Round: g.Round, Slot: m.Slot,
		PromptIDs: g.PromptIDs, CompletionIDs: m.CompletionIDs, Logprobs: m.Logprobs,
		Advantage: m.Advantage, Weight: m.Weight, Reward: m.Reward, RewardParts: m.Verdict.Parts,
		Status: m.Verdict.Status, Finish: m.Finish,
		VersionOldest: m.VersionOldest, VersionNewest: m.VersionNewest,
		Temperature: g.Temperature, ParentIDs: g.ParentIDs(),
	}
}

func checkMember(g *data.Group, m *data.Member, r *Row) error {
	if err := m.Rollout.Check(); err != nil {
		return err
	}
	if want := data.NewRolloutID(g.Group, m.Slot); m.ID != want || m.Group != g.Group {
		return fmt.Errorf("rollout %s of group %s stands where %s belongs", m.ID, m.Group, want)
	}
	if m.Finish != data.FinishStop && m.Finish != data.FinishLength {
		return fmt.Errorf("rollout %s counts but finished by %q", m.ID, m.Finish)
	}
	for name, v := range map[string]float64{"advantage": r.Advantage, "weight": r.Weight, "reward": r.Reward, "temperature": r.Temperature} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("rollout %s: %s is %v", m.ID, name, v)
		}
	}
	return nil
}

func checkGroup(g *data.Group, rows []Row) error {
	switch {
	case g.Dropped != "":
		return fmt.Errorf("was dropped (%s) and does not train", g.Dropped)
	case len(rows) == 0:
		return errors.New("no member counts")
	case len(g.PromptIDs) == 0:
		return errors.New("no prompt ids")
	}
	for i := 1; i < len(rows); i++ {
		if rows[i].Slot <= rows[i-1].Slot {
			return fmt.Errorf("slot %d follows slot %d", rows[i].Slot, rows[i-1].Slot)
		}
	}
	names := append([]string{string(g.Problem), g.Dataset}, asStrings(g.ParentIDs())...)
	for _, s := range names {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%q is not UTF-8", s)
		}
	}
	return nil
}

func asStrings[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// writeArrow writes the file and gives its size and checksum.
func writeArrow(path string, schema *arrow.Schema, rows []Row) (size int64, sum string, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buffered := bufio.NewWriterSize(f, 1<<20)
	out := &counted{w: buffered}
	w, err := ipc.NewFileWriter(out, ipc.WithSchema(schema))
	if err != nil {
		return 0, "", err
	}
	for len(rows) > 0 {
		n := recordLength(rows)
		if err := writeRecord(w, schema, rows[:n]); err != nil {
			return 0, "", err
		}
		rows = rows[n:]
	}
	if err := errors.Join(w.Close(), buffered.Flush()); err != nil {
		return 0, "", err
	}
	// The disk works while we hash what it is given.
	synced := make(chan error, 1)
	go func() { synced <- f.Sync() }()
	sum, err = checksum(path)
	return out.n, sum, errors.Join(err, <-synced)
}

// recordLength is how many of the first rows go into one record batch.
func recordLength(rows []Row) int {
	size := 0
	for i := range rows {
		size += 4*len(rows[i].PromptIDs) + 8*len(rows[i].CompletionIDs)
		if size > maxRecord && i > 0 {
			return i
		}
	}
	return len(rows)
}

func writeRecord(w *ipc.FileWriter, schema *arrow.Schema, rows []Row) error {
	arrays := make([]arrow.Array, len(columns))
	for i, c := range columns {
		a, err := c.build(rows)
		if err != nil {
			return err
		}
		arrays[i] = a
	}
	return w.Write(array.NewRecord(schema, arrays, int64(len(rows))))
}

// counted is a sequential writer that knows where it stands, which is all that
// Arrow's file writer asks of it.
type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (c *counted) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("batch file is written in one pass")
	}
	return c.n, nil
}
