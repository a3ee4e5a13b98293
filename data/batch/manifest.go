package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/ropewalk/ropewalk/data"
)

// maxManifest bounds what is read of a manifest, in bytes.
const maxManifest = 64 << 20

// Estimator names the advantage estimator and the constants it ran with.
type Estimator struct {
	Name      string             `json:"name"`
	Constants map[string]float64 `json:"constants"`
}

// Drop is a group that was closed without training, and why.
type Drop struct {
	Group  data.GroupID `json:"group"`
	Reason string       `json:"reason"`
}

// Denominators are what a loss is divided by: over rows whose weight is not 0,
// the completion tokens and the rows.
type Denominators struct {
	Tokens    int64 `json:"tokens"`
	Sequences int64 `json:"sequences"`
}

// Manifest is one batch's entry in the run's ledger. Groups below NextGroup are
// closed for ever: in some manifest's Groups or Dropped.
type Manifest struct {
	Schema        int             `json:"schema"`
	Run           string          `json:"run"`
	Batch         int             `json:"batch"`
	ConfigHash    string          `json:"config_hash"`
	File          string          `json:"file"`
	Bytes         int64           `json:"bytes"`
	SHA256        string          `json:"sha256"`
	Rows          int             `json:"rows"`
	Groups        []data.GroupID  `json:"groups"`
	Dropped       []Drop          `json:"dropped"`
	NextGroup     data.GroupID    `json:"next_group"`
	Planner       json.RawMessage `json:"planner"`
	VersionOldest int             `json:"version_oldest"`
	VersionNewest int             `json:"version_newest"`
	// PromptTokens and CompletionTokens are summed over this file's rows.
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	// TotalCompletionTokens counts the whole run, dropped groups included.
	TotalCompletionTokens int64        `json:"total_completion_tokens"`
	Estimator             Estimator    `json:"estimator"`
	Denominators          Denominators `json:"denominators"`
	Simulated             bool         `json:"simulated"`
}

// ErrNoManifest is returned for a folder without manifest.json: what has no
// marker does not exist.
var ErrNoManifest = errors.New("no " + ManifestFile)

// ReadManifest reads and checks dir/manifest.json, without looking at the batch
// file. The error is ErrNoManifest (wrapped) if there is none.
func ReadManifest(dir string) (Manifest, error) {
	path := filepath.Join(dir, ManifestFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("%s: %w: not a batch, or one that was never finished", dir, ErrNoManifest)
	}
	if err != nil {
		return Manifest{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", path, err)
	}
	m, err := parseManifest(raw)
	if err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func parseManifest(raw []byte) (Manifest, error) {
	if len(raw) > maxManifest {
		return Manifest{}, fmt.Errorf("larger than %d bytes", maxManifest)
	}
	// The version first: another one may have other keys.
	var version struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(raw, &version); err != nil {
		return Manifest{}, fmt.Errorf("not a manifest: %w", err)
	}
	if version.Schema == nil {
		return Manifest{}, errors.New(`not a manifest: no key "schema"`)
	}
	if *version.Schema != SchemaVersion {
		return Manifest{}, fmt.Errorf("schema version %d, this ropewalk reads %d", *version.Schema, SchemaVersion)
	}
	var m Manifest
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("not a manifest: %w", err)
	}
	if dec.More() {
		return Manifest{}, errors.New("text after the manifest's object")
	}
	return m, m.check()
}

// check finds what a hand or a foreign program may have broken.
func (m *Manifest) check() error {
	switch {
	case m.File != ArrowFile:
		return fmt.Errorf("file %q, expected %q", m.File, ArrowFile)
	case m.Bytes <= 0:
		return fmt.Errorf("bytes %d, expected a positive size", m.Bytes)
	case len(m.SHA256) != 64:
		return fmt.Errorf("sha256 %q, expected 64 hexadecimal digits", m.SHA256)
	}
	return m.checkContents()
}

func (m *Manifest) checkContents() error {
	switch {
	case m.Batch < 0:
		return fmt.Errorf("batch %d is negative", m.Batch)
	case m.Rows <= 0 || len(m.Groups) == 0 || m.Rows < len(m.Groups):
		return fmt.Errorf("%d rows in %d groups, expected at least one of each group", m.Rows, len(m.Groups))
	case m.Denominators.Sequences < 0 || m.Denominators.Sequences > int64(m.Rows):
		return fmt.Errorf("denominator of %d sequences with %d rows", m.Denominators.Sequences, m.Rows)
	case m.VersionOldest > m.VersionNewest:
		return fmt.Errorf("version span %d..%d runs backwards", m.VersionOldest, m.VersionNewest)
	}
	if !slices.IsSorted(m.Groups) {
		return errors.New("groups are not in order")
	}
	for _, g := range m.closed() {
		if g < 0 || g >= m.NextGroup {
			return fmt.Errorf("group %d is closed but not below next_group %d", g, m.NextGroup)
		}
	}
	return nil
}

// closed lists the groups that this batch closed, in order.
func (m *Manifest) closed() []data.GroupID {
	list := slices.Clone(m.Groups)
	for _, d := range m.Dropped {
		list = append(list, d.Group)
	}
	slices.Sort(list)
	return list
}

// DirName is the name of batch b's folder: "000042".
func DirName(b int) string { return fmt.Sprintf("%06d", b) }

// List reads the ledger: the manifests of the folder batches, in order. Folders
// without a manifest do not count. It is an error if a batch is missing, if a
// folder holds another batch than its name says, or if runs are mixed. A folder
// that does not exist is an empty ledger.
func List(batches string) ([]Manifest, error) {
	entries, err := os.ReadDir(batches)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ledger []Manifest
	for _, e := range entries {
		number, err := strconv.Atoi(e.Name())
		if err != nil || e.Name() != DirName(number) {
			continue
		}
		m, err := ReadManifest(filepath.Join(batches, e.Name()))
		if errors.Is(err, ErrNoManifest) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m.Batch != number {
			return nil, fmt.Errorf("%s holds batch %d", filepath.Join(batches, e.Name()), m.Batch)
		}
		ledger = append(ledger, m)
	}
	// By name "1000000" sorts before "999999".
	slices.SortFunc(ledger, func(a, b Manifest) int { return a.Batch - b.Batch })
	return ledger, contiguous(batches, ledger)
}

func contiguous(batches string, ledger []Manifest) error {
	for i, m := range ledger {
		if m.Batch != i {
			return fmt.Errorf("%s: batch %d is missing, but batch %d is there", batches, i, m.Batch)
		}
		if m.Run != ledger[0].Run || m.ConfigHash != ledger[0].ConfigHash {
			return fmt.Errorf("%s: batch %d is of run %q with configuration %s, batch 0 of run %q with %s",
				batches, i, m.Run, m.ConfigHash, ledger[0].Run, ledger[0].ConfigHash)
		}
	}
	return nil
}

// CheckLedger proves that a ledger closed every group below its last NextGroup
// exactly once. The error names the first group lost or counted twice.
func CheckLedger(ledger []Manifest) error {
	var next data.GroupID
	for _, m := range ledger {
		for _, g := range m.closed() {
			if g < next {
				return fmt.Errorf("batch %d: group %d was closed before", m.Batch, g)
			}
			if g > next {
				return fmt.Errorf("batch %d: group %d is lost: neither trained nor dropped", m.Batch, next)
			}
			next++
		}
		if m.NextGroup != next {
			return fmt.Errorf("batch %d: next_group is %d, but group %d is neither trained nor dropped", m.Batch, m.NextGroup, next)
		}
	}
	return nil
}
