package rsa

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

// Store keeps finished rollouts. Implementations are safe for concurrent use.
type Store interface {
	// Get finds a rollout; ok is false if it is not finished.
	Get(p Place) (r *Record, ok bool, err error)
	// Put keeps a rollout. Once it returns nil the rollout survives the process.
	Put(r *Record) error
}

// syncEvery is the longest time a stored rollout waits for its fsync: what a
// power cut may cost. A killed process loses nothing that Put returned for.
const syncEvery = 200 * time.Millisecond

// maxLine bounds one line of a journal: a million tokens with their text.
const maxLine = 64 << 20

// ErrCorrupt is wrapped by errors about a journal damaged elsewhere than at its end.
var ErrCorrupt = errors.New("the journal is damaged")

// Journal is an append-only file, one rollout a line: eight hexadecimal digits
// of the CRC-32 of what follows, a space, and a JSON object. Only the offset of
// each line is held in memory.
type Journal struct {
	shape Shape
	file  *os.File

	mu      sync.Mutex
	offsets []int64 // by place number: 1 + offset of its line, 0 if not there
	count   int
	prompt  int64 // tokens of the stored rollouts
	tokens  int64 // likewise, of completions
	end     int64
	failed  error // the first failed write or sync: nothing is appended after it
	dirty   bool

	stop, stopped chan struct{}
}

var _ Store = (*Journal)(nil)

// OpenJournal opens or makes the journal at path. Lines at its end that a crash
// left unfinished are cut off; a bad line before good ones is [ErrCorrupt].
func OpenJournal(path string, shape Shape) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{shape: shape, file: file, offsets: make([]int64, shape.Size()), stop: make(chan struct{}), stopped: make(chan struct{})}
	if err := j.read(path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	go j.syncer()
	return j, nil
}

// read indexes what is there and cuts off an unfinished end.
func (j *Journal) read(path string) error {
	in := bufio.NewReaderSize(j.file, 1<<20)
	var bad error
	var at int64
	for number := 1; ; number++ {
		line, err := readLine(in)
		if err != nil && err != io.EOF {
			return fmt.Errorf("%s:%d: %w", path, number, err)
		}
		if len(line) == 0 {
			break
		}
		r, wrong := parseLine(line, j.shape)
		switch {
		case wrong == nil && bad != nil:
			return fmt.Errorf("%w: %w; remove that line, and what it held is asked again", ErrCorrupt, bad)
		case wrong == nil:
			j.index(r, at)
			at += int64(len(line))
			j.end = at
		case bad == nil:
			bad = fmt.Errorf("%s:%d: %w", path, number, wrong)
		}
	}
	return j.file.Truncate(j.end)
}

// readLine reads up to and with a newline, within maxLine. At the end of the
// file it gives what is left, if anything.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("%w: a line of more than %d bytes", ErrCorrupt, maxLine)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

func parseLine(line []byte, shape Shape) (*Record, error) {
	const head = 9 // digits and the space
	if len(line) < head+1 || line[len(line)-1] != '\n' || line[head-1] != ' ' {
		return nil, fmt.Errorf("an unfinished line")
	}
	sum, err := strconv.ParseUint(string(line[:head-1]), 16, 32)
	body := line[head : len(line)-1]
	if err != nil || uint32(sum) != crc32.ChecksumIEEE(body) {
		return nil, fmt.Errorf("a line whose checksum does not fit")
	}
	var r Record
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, err
	}
	return &r, r.check(shape)
}

func formatLine(r *Record) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	var line bytes.Buffer
	line.Grow(len(body) + 10)
	fmt.Fprintf(&line, "%08x ", crc32.ChecksumIEEE(body))
	line.Write(body)
	line.WriteByte('\n')
	return line.Bytes(), nil
}

// index notes a line. The first of a place wins.
func (j *Journal) index(r *Record, at int64) {
	if n := j.shape.number(r.Place); j.offsets[n] == 0 {
		j.offsets[n] = at + 1
		j.count++
		j.prompt += int64(r.promptTokens())
		j.tokens += int64(r.tokens())
	}
}

// Tokens are those of all stored rollouts.
func (j *Journal) Tokens() (prompt, completion int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.prompt, j.tokens
}

// Count is how many rollouts are stored.
func (j *Journal) Count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count
}

// Get reads one line back.
func (j *Journal) Get(p Place) (*Record, bool, error) {
	j.mu.Lock()
	at := j.offsets[j.shape.number(p)]
	end := j.end
	j.mu.Unlock()
	if at == 0 {
		return nil, false, nil
	}
	in := bufio.NewReaderSize(io.NewSectionReader(j.file, at-1, end-(at-1)), 32<<10)
	line, err := readLine(in)
	if err != nil {
		return nil, false, fmt.Errorf("journal at byte %d: %w", at-1, err)
	}
	r, err := parseLine(line, j.shape)
	if err != nil {
		return nil, false, fmt.Errorf("journal at byte %d: %w: %w", at-1, ErrCorrupt, err)
	}
	return r, true, nil
}

// Put appends a line with one write. After a failed one (disk full) the journal
// takes nothing more: an unfinished line must stay the last.
func (j *Journal) Put(r *Record) error {
	if err := r.check(j.shape); err != nil {
		return fmt.Errorf("journal: rollout %s: %w", j.shape.ID(r.Place), err)
	}
	line, err := formatLine(r)
	if err != nil {
		return fmt.Errorf("journal: rollout %s: %w", j.shape.ID(r.Place), err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed != nil {
		return j.failed
	}
	if _, err := j.file.WriteAt(line, j.end); err != nil {
		j.failed = fmt.Errorf("journal: %w", err)
		return j.failed
	}
	j.index(r, j.end)
	j.end += int64(len(line))
	j.dirty = true
	return nil
}

// syncer flushes what was written, in groups.
func (j *Journal) syncer() {
	defer close(j.stopped)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			j.sync()
		case <-j.stop:
			j.sync()
			return
		}
	}
}

func (j *Journal) sync() {
	j.mu.Lock()
	dirty := j.dirty && j.failed == nil
	j.dirty = false
	j.mu.Unlock()
	if !dirty {
		return
	}
	if err := j.file.Sync(); err != nil {
		j.mu.Lock()
		j.failed = fmt.Errorf("journal: %w", err)
		j.mu.Unlock()
	}
}

// Close flushes and closes, and gives the first error of any write.
func (j *Journal) Close() error {
	close(j.stop)
	<-j.stopped
	return errors.Join(j.failed, j.file.Close())
}
