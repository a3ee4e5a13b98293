package batch

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
)

var folders atomic.Int64

// temporary names a folder that does not exist yet.
func temporary(root string) string {
	return filepath.Join(root, fmt.Sprint(folders.Add(1)))
}

// benchGroups are 2,000 rollouts of 4,096 tokens: 65.5 MB of ids and
// log-probabilities, in groups of 8 with prompts of 64 tokens.
func benchGroups() []data.Group {
	r := rand.New(rand.NewPCG(1, 2))
	groups := make([]data.Group, 250)
	for i := range groups {
		g := &groups[i]
		g.Group, g.Problem, g.Kind, g.Temperature = data.GroupID(i), "p", data.Direct, 1
		g.PromptIDs = make([]int32, 64)
		for slot := range 8 {
			m := member(g.Group, slot, 1)
			m.CompletionIDs, m.Logprobs = make([]int32, 4096), make([]float32, 4096)
			for j := range m.CompletionIDs {
				m.CompletionIDs[j], m.Logprobs[j] = r.Int32N(150000), -float32(r.ExpFloat64())
			}
			g.Members = append(g.Members, m)
		}
	}
	return groups
}

// floor writes as many bytes plainly, with fsync, and reads them back.
func floor(b *testing.B, root string, size int64) (write, read time.Duration) {
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(i) // untouched memory would be one page of zeros, in cache
	}
	path := filepath.Join(root, "floor")
	start := time.Now()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := f.Write(raw); err != nil {
		b.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	write = time.Since(start)
	start = time.Now()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(f, raw); err != nil {
		b.Fatal(err)
	}
	read = time.Since(start)
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return write, read
}

// BenchmarkWrite reports the time of a whole Write (checksum, Arrow, fsyncs,
// renames, manifest) over that of a plain write with one fsync.
func BenchmarkWrite(b *testing.B) {
	groups, root := benchGroups(), b.TempDir()
	h := Header{Run: "bench", NextGroup: 250}
	var ours, plain time.Duration
	for b.Loop() {
		dir := temporary(root)
		start := time.Now()
		m, err := Write(dir, h, groups)
		if err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
		b.StopTimer()
		w, _ := floor(b, root, m.Bytes)
		plain += w
		b.SetBytes(m.Bytes)
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(ours.Seconds()/plain.Seconds(), "x-floor")
}

// BenchmarkRead reports the time of a whole Read (checksum, decode, checks) over
// that of reading the bytes.
func BenchmarkRead(b *testing.B) {
	root := b.TempDir()
	dir := filepath.Join(root, "b")
	m, err := Write(dir, Header{Run: "bench", NextGroup: 250}, benchGroups())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(m.Bytes)
	var ours, plain time.Duration
	for b.Loop() {
		start := time.Now()
		if _, _, err := Read(dir); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(start)
		b.StopTimer()
		_, r := floor(b, root, m.Bytes)
		plain += r
		b.StartTimer()
	}
	b.ReportMetric(ours.Seconds()/plain.Seconds(), "x-floor")
}
