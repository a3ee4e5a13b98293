package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestParseProblem(t *testing.T) {
	d := Defaults{Dataset: "set", Index: 7}
	full := Problem{ID: "x", Dataset: "own", System: "s", Question: "1+1=", Gold: "2", Grader: "exact", Meta: json.RawMessage(`{"a":[1,2]}`)}
	short := Problem{ID: "set/7", Dataset: "set", Question: "q", Gold: "2", Grader: "exact"}
	verl := Problem{ID: "set/7", Dataset: "set", System: "be brief", Question: "q", Gold: "70", Grader: "math"}
	cases := map[string]Problem{
		`{"id":"x","dataset":"own","system":"s","question":"1+1=","gold":"2","grader":"exact","meta":{ "a": [1, 2] }}`: full,
		`{"question":"q","gold":"2","grader":"exact","id":null,"meta":null}`:                                           short,
		`{"prompt":"q","answer":2,"grader":"exact"}`:                                                                   short,
		`{"prompt":[{"role":"user","content":"q"}],"ground_truth":["2"],"grader":"exact"}`:                             short,
		`{"data_source":"MathArena/aime_2025","prompt":[{"role":"system","content":"be brief"},{"role":"user","content":"q"}],"ability":"math","reward_model":{"ground_truth":"70","style":"rule"},"extra_info":{"index":0}}`: verl,
		`{"data_source":"reasoning_gym","prompt":"q","reward_model":{"ground_truth":"None"},"extra_info":{"dataset_name":"maze","entry":"{\"answer\": null}"}}`: {
			ID: "set/7", Dataset: "set", Question: "q", Gold: "None", Grader: "gym", Meta: json.RawMessage(`{"dataset_name":"maze","entry":{"answer":null}}`)},
		`{"data_source":"new","prompt":"q","reward_model":{"ground_truth":"3"},"extra_info":{"ropewalk":"{\"id\":\"x/7\",\"dataset\":\"x\",\"grader\":\"gym\",\"meta\":{\"a\":1}}"}}`: {
			ID: "x/7", Dataset: "x", Question: "q", Gold: "3", Grader: "gym", Meta: json.RawMessage(`{"a":1}`)},
		`{"question":"q","gold":"2","grader":"exact","meta":"{\"a\": 1}","extra":{"b":[1]}}`: {
			ID: "set/7", Dataset: "set", Question: "q", Gold: "2", Grader: "exact", Meta: json.RawMessage(`{"a":1}`), Extra: json.RawMessage(`{"b":[1]}`)},
		`{"data_source":"m-a-p/SuperGPQA","prompt":"q","reward_model":{"ground_truth":"B"}}`: {
			ID: "set/7", Dataset: "set", Question: "q", Gold: "B", Grader: "choice"},
	}
	for row, want := range cases {
		got, err := ParseProblem([]byte(row), d)
		if err != nil {
			t.Errorf("%s: %v", row, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row, diff)
		}
	}
	got, err := ParseProblem([]byte(`{"question":"q","gold":"2","grader":"exact","dataset":"own"}`), Defaults{Dataset: "file", Name: "given", Grader: "number", Index: 1})
	if err != nil || got.ID != "given/1" || got.Dataset != "given" || got.Grader != "number" {
		t.Errorf("what the user gives does not win: %+v, %v", got, err)
	}
}

func TestParseProblemRefuses(t *testing.T) {
	cases := map[string]string{
		`{"qestion":"q","gold":"2","grader":"exact"}`:                                                        `unknown key "qestion"`,
		`{"gold":"2","grader":"exact"}`:                                                                      "no question",
		`{"question":" ","gold":"2","grader":"exact"}`:                                                       "question is empty",
		`{"question":"q","grader":"exact"}`:                                                                  "no gold answer",
		`{"question":"q","gold":"2"}`:                                                                        "no grader",
		`{"question":3,"gold":"2","grader":"exact"}`:                                                         "question: expected a string, found a number",
		`{"question":"q","prompt":"q","gold":"2","grader":"exact"}`:                                          "both question and prompt",
		`{"question":"q","gold":"2","answer":"3","grader":"exact"}`:                                          "both gold and answer",
		`{"question":"q","gold":["2","3"],"grader":"exact"}`:                                                 "gold: expected one value, found a list of 2",
		`{"question":"q","gold":true,"grader":"exact"}`:                                                      "gold: expected a string or a number, found a boolean",
		`{"question":"q","gold":[null],"grader":"exact"}`:                                                    "found null",
		`{"question":"q","gold":"2","grader":"exact","meta":"{"}`:                                            "meta: expected a JSON object, found a string that is none",
		`{"question":"q","gold":"2","grader":"exact","extra":[1]}`:                                           "extra: expected an object, found a list",
		`{"data_source":"x","prompt":"q","reward_model":{"ground_truth":"1"},"extra_info":{"ropewalk":"3"}}`: "extra_info: ropewalk: expected an object, found a number",
		`{"prompt":[],"gold":"2","grader":"exact"}`:                                                          "found roles []",
		`{"prompt":{"a":1},"gold":"2","grader":"exact"}`:                                                     "expected a string or a list of messages, found an object",
		`{"prompt":[{"role":"user","content":["x"]}],"gold":"2"}`:                                            "message 1: content: expected a string, found a list",
		`{"prompt":[{"role":"user"},{"role":"assistant"}],"gold":"2"}`:                                       "found roles [user assistant]",
		`[1]`:  "expected an object, found a list",
		`null`: "expected an object, found null",
		`{"a"`: "not JSON",
		"{\"question\":\"\xff\",\"gold\":\"2\",\"grader\":\"exact\"}":                                                                "not UTF-8",
		`{"data_source":"new/set","prompt":"q","reward_model":{"ground_truth":"B"}}`:                                                 "no grader",
		`{"data_source":"aime","prompt":"q","reward_model":"B"}`:                                                                     "reward_model: expected an object, found a string",
		`{"data_source":"aime","reward_model":{}}`:                                                                                   "no prompt",
		`{"data_source":"reasoning_gym","prompt":"q","reward_model":{"ground_truth":"1"},"extra_info":{"dataset_name":"maze"}}`:      "entry: expected a JSON object, found nothing",
		`{"data_source":"reasoning_gym","prompt":"q","reward_model":{"ground_truth":"1"},"extra_info":{"entry":"{}"}}`:               "dataset_name is missing",
		`{"data_source":"reasoning_gym","prompt":"q","reward_model":{"ground_truth":"1"}}`:                                           "extra_info: expected an object, found nothing",
		`{"data_source":"reasoning_gym","prompt":"q","reward_model":{},"extra_info":{"dataset_name":"maze","entry":"{\"a\": NaN}"}}`: "expected a JSON object",
	}
	for row, want := range cases {
		if p, err := ParseProblem([]byte(row), Defaults{Dataset: "d"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v; want %q", row, p, err, want)
		}
	}
}

type located struct {
	id  ProblemID
	row int
	err string
}

func collect(r io.Reader) (list []located) {
	for p, err := range ReadJSONL(r, "f.jsonl", Defaults{Dataset: "d", Grader: "exact"}) {
		l := located{p.ID, p.Row, ""}
		if err != nil {
			l.err = err.Error()
		}
		list = append(list, l)
	}
	return list
}

func TestReadJSONL(t *testing.T) {
	text := "\xef\xbb\xbf{\"question\":\"a\",\"gold\":\"1\"}\r\n\n" + `{"question":7}` + "\n" + `{"id":"x","question":"b","gold":"1"}`
	want := []located{
		{"d/0", 1, ""},
		{"", 3, "f.jsonl:3: question: expected a string, found a number"},
		{"x", 4, ""},
	}
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)), "ended by a newline": strings.NewReader(text + "\n")} {
		if diff := cmp.Diff(want, collect(r), cmp.AllowUnexported(located{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := collect(strings.NewReader("")); got != nil {
		t.Errorf("an empty file: %v", got)
	}
	broken := io.MultiReader(strings.NewReader(`{"question":"a","gold":"1"}`+"\n"), iotest.ErrReader(errors.New("disk gone")))
	if got := collect(broken); len(got) != 2 || got[1].err != "f.jsonl: disk gone" {
		t.Errorf("a broken disk: %v", got)
	}
	for p, err := range ReadJSONL(strings.NewReader(text), "f", Defaults{Dataset: "d", Grader: "exact"}) {
		if p.Row != 1 || err != nil {
			t.Errorf("%v %v", p, err)
		}
		break // must not panic by being asked on
	}
}

// A line above the bound is one bad row: what follows is read, and the line is
// not held in memory.
func TestLongLine(t *testing.T) {
	long := io.MultiReader(
		strings.NewReader(`{"question":"`), io.LimitReader(letters{}, 8*MaxLine), strings.NewReader("\"}\n"),
		strings.NewReader(`{"question":"b","gold":"1"}`))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := collect(long)
	runtime.ReadMemStats(&after)
	// A growing slice is allocated about five times over.
	if used := after.TotalAlloc - before.TotalAlloc; used > 8*MaxLine {
		t.Errorf("%d MiB allocated for a line of %d MiB", used>>20, 8*MaxLine>>20)
	}
	want := []located{{"", 1, "f.jsonl:1: line longer than 64 MiB"}, {"d/1", 2, ""}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(located{})); diff != "" {
		t.Error(diff)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestDatasetName(t *testing.T) {
	for path, want := range map[string]string{
		"aime25_test.parquet": "aime25", "data/aime25/test.parquet": "aime25", "gsm8k-train.jsonl": "gsm8k",
		"train.jsonl": "train", "x/supergpqa_test_1.parquet": "supergpqa_test_1", "/test.jsonl": "test", "a.b.jsonl": "a.b", "_test.jsonl": "_test",
	} {
		if got := DatasetName(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// FuzzParseProblem: any bytes give a problem or an error; a problem survives
// being written and read again.
func FuzzParseProblem(f *testing.F) {
	f.Add([]byte(`{"id":"x","question":"1+1=","gold":2,"grader":"exact","meta":{"a":[1,2]}}`))
	f.Add([]byte(`{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"q"}],"answer":["2"],"grader":"g"}`))
	f.Add([]byte(`{"data_source":"reasoning_gym","prompt":"q","reward_model":{"ground_truth":"1"},"extra_info":{"dataset_name":"m","entry":"{}"}}`))
	f.Add([]byte(`{"reward_model":null}`))
	f.Add([]byte("\"\xff"))
	f.Fuzz(func(t *testing.T, row []byte) {
		p, err := ParseProblem(row, Defaults{Dataset: "d"})
		if err != nil {
			return
		}
		var line bytes.Buffer
		if err := WriteJSONL(&line, []Problem{p}); err != nil {
			t.Fatalf("%+v: %v", p, err)
		}
		again, err := ParseProblem(line.Bytes(), Defaults{Dataset: "other"})
		if err != nil {
			t.Fatalf("%s: %v", line.Bytes(), err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Errorf("%s (-first +again):\n%s", row, diff)
		}
	})
}
