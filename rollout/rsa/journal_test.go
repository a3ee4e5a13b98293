package rsa

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ropewalk/ropewalk/data"
)

var smallShape = Shape{Problems: 3, Rounds: 2, N: 4}

func someRecord(p Place) *Record {
	r := &Record{
		Place: p, ProblemID: data.ProblemID(fmt.Sprint("p", p.Problem)), Prompt: packIDs([]int32{1, 300, 151_000}),
		IDs: packIDs([]int32{0, 127, 128, 1 << 30}), Logprobs: packFloats([]float32{-0.1, -1e-30, 0, -12.5}),
		Text: "a \"text\"\nof\u2028lines", Finish: data.FinishStop, Model: "m",
		Verdict: data.Verdict{Status: data.Scored, Score: 0.25, Answer: "4"},
	}
	if p.Round > 0 {
		r.Parents = []int{3, 0}
	}
	return r
}

func openJournal(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path, smallShape)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func put(t *testing.T, j *Journal, places ...Place) {
	t.Helper()
	for _, p := range places {
		if err := j.Put(someRecord(p)); err != nil {
			t.Fatal(err)
		}
	}
}

func wantStored(t *testing.T, j *Journal, places ...Place) {
	t.Helper()
	if j.Count() != len(places) {
		t.Errorf("%d rollouts are stored, want %d", j.Count(), len(places))
	}
	for _, p := range places {
		got, ok, err := j.Get(p)
		if err != nil || !ok {
			t.Fatalf("%v: stored %v, error %v", p, ok, err)
		}
		if diff := cmp.Diff(someRecord(p), got); diff != "" {
			t.Errorf("%v (-put +got):\n%s", p, diff)
		}
	}
}

func TestJournalGivesBackWhatWasPut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := openJournal(t, path)
	places := []Place{{2, 1, 3}, {0, 0, 0}, {1, 0, 2}}
	put(t, j, places...)
	wantStored(t, j, places...)
	if _, ok, err := j.Get(Place{1, 1, 1}); ok || err != nil {
		t.Errorf("found what was never put: %v, %v", ok, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, path)
	wantStored(t, j, places...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestJournalSurvivesACutAnywhere cuts a journal at every byte, as a crash in the
// middle of a write does: the whole lines are there, the rest is written anew.
func TestJournalSurvivesACutAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	places := []Place{{0, 0, 0}, {0, 0, 1}, {0, 0, 2}}
	j := openJournal(t, path)
	put(t, j, places...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut <= len(whole); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o666); err != nil {
			t.Fatal(err)
		}
		kept := strings.Count(string(whole[:cut]), "\n")
		j := openJournal(t, path)
		wantStored(t, j, places[:kept]...)
		put(t, j, places[kept:]...)
		wantStored(t, j, places...)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != string(whole) {
			t.Fatalf("cut at byte %d: after going on the file differs (%v)", cut, err)
		}
	}
}

func TestJournalDamage(t *testing.T) {
	good, err := formatLine(someRecord(Place{0, 0, 0}))
	if err != nil {
		t.Fatal(err)
	}
	next, err := formatLine(someRecord(Place{0, 0, 1}))
	if err != nil {
		t.Fatal(err)
	}
	flipped := strings.Replace(string(good), `"score":0.25`, `"score":1.25`, 1)
	outside, err := formatLine(someRecord(Place{9, 0, 1}))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		corrupt    bool
		kept       int
	}{
		{"a bit flipped in the middle", flipped + string(next), true, 0},
		{"a bit flipped at the end", string(good) + flipped, false, 1},
		{"zeros at the end, as a power cut leaves them", string(good) + strings.Repeat("\x00", 5000), false, 1},
		{"foreign text", "hello\n" + string(good), true, 0},
		{"a rollout outside the run", string(outside) + string(good), true, 0},
		{"the same rollout twice", string(good) + string(good) + string(next), false, 2},
		{"empty", "", false, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			if err := os.WriteFile(path, []byte(test.text), 0o666); err != nil {
				t.Fatal(err)
			}
			j, err := OpenJournal(path, smallShape)
			if test.corrupt {
				if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path+":1") {
					t.Fatalf("error %v, want ErrCorrupt with file and line", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if j.Count() != test.kept {
				t.Errorf("%d rollouts kept, want %d", j.Count(), test.kept)
			}
			if info, err := os.Stat(path); err != nil || info.Size() != j.end {
				t.Errorf("the file is not cut to its %d good bytes: %v, %v", j.end, info.Size(), err)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestJournalStopsAtAFailedWrite: after one nothing more is appended, so that an
// unfinished line stays the last.
func TestJournalStopsAtAFailedWrite(t *testing.T) {
	j := openJournal(t, filepath.Join(t.TempDir(), "journal"))
	if err := j.file.Close(); err != nil { // the disk goes away
		t.Fatal(err)
	}
	if err := j.Put(someRecord(Place{0, 0, 0})); err == nil {
		t.Fatal("a write that failed was called stored")
	}
	back, err := os.OpenFile(j.file.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	j.file = back
	if err := j.Put(someRecord(Place{0, 0, 1})); err == nil {
		t.Fatal("something was appended after a failed write")
	}
	if j.Count() != 0 {
		t.Error("a rollout that was not written counts as stored")
	}
	if err := j.Close(); err == nil {
		t.Error("closing hides the failed write")
	}
}

func TestJournalRefusesRecordsOutsideTheRun(t *testing.T) {
	j := openJournal(t, filepath.Join(t.TempDir(), "journal"))
	defer j.Close()
	short := someRecord(Place{0, 0, 0})
	short.Logprobs = short.Logprobs[4:]
	for _, r := range []*Record{someRecord(Place{3, 0, 0}), someRecord(Place{0, 2, 0}), someRecord(Place{0, 0, 4}), short} {
		if err := j.Put(r); err == nil {
			t.Errorf("%+v was stored", r.Place)
		}
	}
}

func TestPackedIDsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Int32Min(0)).Draw(t, "ids")
		p := packIDs(want)
		got, ok := p.unpack()
		if !ok || p.len() != len(want) || len(want) > 0 && !cmp.Equal(want, got) {
			t.Fatalf("packed %v, got %v (%v), length %d", want, got, ok, p.len())
		}
	})
}

// TestPlacesNumberEveryRollout: ids and numbers are one to one.
func TestPlacesNumberEveryRollout(t *testing.T) {
	s := Shape{Problems: 4, Rounds: 3, N: 5}
	seen := map[data.RolloutID]bool{}
	for n := range s.Size() {
		p := s.place(n)
		if s.number(p) != n || !s.holds(p) {
			t.Errorf("place %v of number %d has number %d", p, n, s.number(p))
		}
		if id := s.ID(p); seen[id] {
			t.Errorf("%s stands for two rollouts", id)
		} else {
			seen[id] = true
		}
	}
}
