package gym_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ropewalk/ropewalk/reward/gym"
	"github.com/ropewalk/ropewalk/reward/rewardtest"
)

// oneEntry gives the first vector of each task.
func oneEntry(t testing.TB) map[string]line {
	first := map[string]line{}
	for _, task := range gym.Tasks() {
		first[task.Name] = vectors(t, task.Name)[0]
	}
	return first
}

// wellFormed says what in a result breaks the contract, "" if nothing does.
func wellFormed(r gym.Result) string {
	switch {
	case r.Bad != nil && (r.Score != 0 || r.Reason() != ""):
		return "a score or a reason beside a bad entry"
	case r.Bad == nil && !(r.Score >= 0 && r.Score <= 1):
		return "a score outside 0 to 1"
	case r.Bad == nil && r.Reason() == "":
		return "no reason"
	case strings.ContainsAny(r.Reason(), "\n\r") || len(r.Reason()) > 1000:
		return "the reason is not one short line"
	}
	return ""
}

// scoreOnce scores by default, in bounded time.
func scoreOnce(t testing.TB, task gym.Task, e *gym.Entry, answer string) {
	t.Helper()
	began := time.Now()
	r := task.Score(e, answer, false)
	if took := time.Since(began); took > rewardtest.Guard {
		t.Errorf("%.60q took %v", answer, took)
	}
	if why := wellFormed(r); why != "" {
		t.Errorf("%.60q: %+v: %s", answer, r, why)
	}
}

// scoreTwice scores both ways, twice, in bounded time.
func scoreTwice(t testing.TB, task gym.Task, e *gym.Entry, answer string) (r gym.Result) {
	t.Helper()
	for _, strict := range []bool{true, false} {
		began := time.Now()
		r = task.Score(e, answer, strict)
		if took := time.Since(began); took > rewardtest.Guard {
			t.Errorf("%.60q took %v", answer, took)
		}
		if why := wellFormed(r); why != "" {
			t.Errorf("%.60q: %+v: %s", answer, r, why)
		}
		again := task.Score(e, answer, strict)
		if diff := cmp.Diff([]any{r.Score, r.Reason(), r.Bad == nil}, []any{again.Score, again.Reason(), again.Bad == nil}); diff != "" {
			t.Errorf("%.60q: not deterministic: %s", answer, diff)
		}
	}
	return r
}

// Hostile text as the answer scores less than 1; as the metadata or the stored
// answer it does no harm.
func TestHostile(t *testing.T) {
	entries := oneEntry(t)
	for _, task := range gym.Tasks() {
		t.Run(task.Name, func(t *testing.T) {
			v := entries[task.Name]
			for name, text := range rewardtest.Hostile() {
				if r := scoreTwice(t, task, &v.Entry, text); r.Score == 1 && text != deref(v.Entry.Answer) {
					t.Errorf("%s: garbage scored 1 (%s)", name, r.Reason())
				}
				bad := v.Entry
				bad.Metadata = json.RawMessage(text)
				scoreOnce(t, task, &bad, v.Answers[0].Answer)
				bad = v.Entry
				bad.Answer = &text
				scoreOnce(t, task, &bad, v.Answers[0].Answer)
			}
		})
	}
}

// An entry without one of its fields is bad or is scored without it; it never
// panics.
func TestMissingFields(t *testing.T) {
	for name, v := range oneEntry(t) {
		task := taskNamed(t, name)
		var meta map[string]json.RawMessage
		if err := json.Unmarshal(v.Entry.Metadata, &meta); err != nil {
			t.Fatal(err)
		}
		for key, value := range meta {
			for _, wrong := range []string{"", "null", "1", "-1", "[]", `"x"`, "[[]]", "[[1]]", "{}", `{"a":[]}`, `[["a"]]`, "1e99", "true"} {
				meta[key] = json.RawMessage(wrong)
				if wrong == "" {
					delete(meta, key)
				}
				bad := v.Entry
				bad.Metadata, _ = json.Marshal(meta)
				for _, a := range v.Answers {
					scoreTwice(t, task, &bad, a.Answer)
				}
			}
			meta[key] = value
		}
	}
}

func FuzzTasks(f *testing.F) {
	for i, task := range gym.Tasks() {
		v := vectors(f, task.Name)[0]
		for _, a := range v.Answers[:min(3, len(v.Answers))] {
			f.Add(i, a.Answer, deref(v.Entry.Answer), []byte(v.Entry.Metadata))
		}
	}
	f.Fuzz(func(t *testing.T, i int, answer, gold string, meta []byte) {
		if i < 0 || i >= len(gym.Tasks()) || len(answer)+len(gold)+len(meta) > 1<<16 {
			return
		}
		scoreTwice(t, gym.Tasks()[i], &gym.Entry{Answer: &gold, Metadata: meta}, answer)
	})
}
