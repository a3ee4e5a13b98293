package queue

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ropewalk/ropewalk/data"
)

func anyRollout(t *rapid.T) data.Rollout {
	g, slot := rapid.Int64Range(0, math.MaxInt64).Draw(t, "group"), rapid.IntRange(0, 1<<20).Draw(t, "slot")
	return data.Rollout{
		ID: data.NewRolloutID(data.GroupID(g), slot), Group: data.GroupID(g), Slot: slot,
		CompletionIDs: some(rapid.SliceOf(rapid.Int32()).Draw(t, "ids")),
		Logprobs:      some(rapid.SliceOf(rapid.Float32()).Draw(t, "logprobs")),
		Text:          string(rapid.SliceOf(rapid.Byte()).Draw(t, "text")), // any bytes: half a character is common at max_tokens
		Finish:        rapid.SampledFrom([]data.FinishReason{data.FinishStop, data.FinishLength, data.FinishError}).Draw(t, "finish"),
		VersionOldest: rapid.Int().Draw(t, "oldest"), VersionNewest: rapid.Int().Draw(t, "newest"),
		Model: rapid.String().Draw(t, "model"), Worker: rapid.String().Draw(t, "worker"),
		Simulated: rapid.Bool().Draw(t, "simulated"), Err: rapid.String().Draw(t, "err"),
	}
}

// some is nil for nothing, as decoding gives it.
func some[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func TestResultComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyRollout(t)
		b, err := encodeResult(&want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeResult(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestJobComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := data.Job{Group: data.GroupID(rapid.Int64Range(0, math.MaxInt64).Draw(t, "group")), Size: rapid.IntRange(1, 99).Draw(t, "size"),
			PromptIDs: some(rapid.SliceOf(rapid.Int32()).Draw(t, "ids")), Seed: rapid.Int64().Draw(t, "seed"), MinVersion: rapid.Int().Draw(t, "version"),
			Sampling: data.Sampling{Temperature: rapid.Float64Range(0, 2).Draw(t, "temperature"), MaxTokens: rapid.Int().Draw(t, "tokens"),
				Stop: some(rapid.SliceOf(rapid.Int32()).Draw(t, "stop"))}}
		if rapid.Bool().Draw(t, "hinted") {
			want.Hint = &data.Hint{Gold: rapid.String().Draw(t, "gold"), Candidates: []float64{0, 1}, Answers: []string{"a", "b"}}
		}
		b, err := encodeJob(&want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeJob(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCutOrLengthenedMessagesAreRefused(t *testing.T) {
	job, result := newJob(3, 4), newResult(3, 1, "w")
	j, err := encodeJob(&job)
	check(t, err)
	r, err := encodeResult(&result)
	check(t, err)
	ids, err := encodeIDs([][]int32{{1, 2}, nil, {3}})
	check(t, err)
	for name, full := range map[string][]byte{"job": j, "result": r, "ids": ids} {
		for n := range len(full) + 1 {
			b := full[:n]
			if n == len(full) {
				b = append(bytes.Clone(full), 0)
			}
			if err := decodeAs(name, b); !errors.Is(err, ErrFrame) {
				t.Fatalf("%s: %d of %d bytes: %v", name, len(b), len(full), err)
			}
		}
		newer := bytes.Clone(full)
		newer[3]++
		if err := decodeAs(name, newer); !errors.Is(err, ErrFrame) {
			t.Errorf("%s of another version: %v", name, err)
		}
	}
	if err := decodeAs("job", r); !errors.Is(err, ErrFrame) {
		t.Errorf("a result as a job: %v", err)
	}
}

func decodeAs(kind string, b []byte) (err error) {
	switch kind {
	case "job":
		_, err = decodeJob(b)
	case "result":
		_, err = decodeResult(b)
	case "ids":
		_, _, err = decodeIDs(b)
	}
	return err
}

// A few bytes that claim to hold billions must cost nothing.
func TestClaimsAreNotBelieved(t *testing.T) {
	claims := [][]byte{}
	for _, h := range []resultHeader{
		{IDs: math.MaxInt}, {IDs: 1 << 30}, {IDs: -1}, {Logprobs: 1 << 40}, {Text: 1 << 40}, {Text: -4, IDs: 1},
		{IDs: math.MaxInt/4 + 1}, {Group: -1}, {Slot: -1},
	} {
		b, err := newFrame(magicResult, h, 0)
		check(t, err)
		claims = append(claims, b)
	}
	claims = append(claims, []byte("rwr\x01\xff\xff\xff\xff"), []byte("rwr\x01\xff\xff\xff\x7f{}"))
	for _, b := range claims {
		if _, err := decodeResult(b); !errors.Is(err, ErrFrame) {
			t.Errorf("%q: %v", b, err)
		}
	}
	allocated := testing.AllocsPerRun(10, func() { _ = decodeAs("result", claims[0]) })
	if allocated > 100 {
		t.Errorf("%v allocations for a false claim", allocated)
	}
}

func FuzzDecode(f *testing.F) {
	job, result := newJob(3, 4), newResult(3, 1, "w")
	j, _ := encodeJob(&job)
	r, _ := encodeResult(&result)
	ids, _ := encodeIDs([][]int32{{1, 2}, nil, {3}})
	for _, b := range [][]byte{j, r, ids, {}, []byte("rwj\x01\x02\x00\x00\x00{}"), []byte("rwt\x01\x11\x00\x00\x00{\"lengths\":[1,-1]}")} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if job, err := decodeJob(b); err == nil && len(job.PromptIDs)*4 > len(b) {
			t.Errorf("%d ids out of %d bytes", len(job.PromptIDs), len(b))
		}
		if r, err := decodeResult(b); err == nil && 4*len(r.CompletionIDs)+4*len(r.Logprobs)+len(r.Text) > len(b) {
			t.Errorf("more than %d bytes out of as many", len(b))
		}
		if lists, _, err := decodeIDs(b); err == nil && len(lists) > len(b) {
			t.Errorf("%d lists out of %d bytes", len(lists), len(b))
		}
	})
}
