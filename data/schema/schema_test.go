package schema

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
)

var defaults = data.Defaults{Dataset: "file"}

// genItem makes an item with all parts, some of them empty.
func genItem(t *rapid.T, gym bool) Item {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"1", "ü≥", "a\n\"b\"\\", "<b> & c", "0070", "null", "{}", "\x00"}))
	word := rapid.StringMatching(`[a-z][a-z0-9/_-]{0,8}`)
	it := Item{Problem: data.Problem{
		ID: data.ProblemID(word.Draw(t, "id")), Dataset: word.Draw(t, "dataset"), System: text.Draw(t, "system"),
		Question: "q" + text.Draw(t, "question"), Gold: text.Draw(t, "gold"), Grader: rapid.SampledFrom([]string{"math", "exact", "number", "f1", "code", "new", ""}).Draw(t, "grader"),
	}}
	if gym {
		it.Grader = "gym"
		it.Meta = json.RawMessage(`{"dataset_name":"maze","entry":{"a":[1,"<"]}}`)
	} else if rapid.Bool().Draw(t, "meta?") {
		raw, _ := Row{{"a", text.Draw(t, "meta")}, {"b", []int{1}}}.JSON()
		it.Meta = raw
	}
	if rapid.Bool().Draw(t, "extra?") {
		extra := data.Fields{}
		for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "prompt", "answer", "messages", "chosen", "dataset", "question", "completion", "custom_id", "solution"}), 1, 4, rapid.ID).Draw(t, "keys") {
			raw, _ := json.Marshal(map[string]any{"v": rapid.Int32().Draw(t, "value")})
			extra[key] = raw
		}
		if rapid.Bool().Draw(t, "verl's") {
			extra["extra_info"] = json.RawMessage(`{"index":3,"split":"train"}`)
			extra["reward_model"] = json.RawMessage(`{"style":"model"}`)
		}
		if err := it.setExtra(extra); err != nil {
			t.Fatal(err)
		}
	}
	answer, rejected := text.Draw(t, "answer"), text.Draw(t, "rejected")
	it.Answer, it.Rejected = &answer, &rejected
	return it
}

// without takes away the parts that a schema does not hold.
func without(it Item, lost []Part) Item {
	for _, p := range lost {
		switch p {
		case ID:
			it.ID = "file/0"
		case Dataset:
			it.Dataset = "file"
		case System:
			it.System = ""
		case History:
			it.History = nil
		case Gold:
			it.Gold = ""
		case Grader:
			it.Grader = ""
		case Meta:
			it.Meta = nil
		case Extra:
			it.Extra = nil
		case Answer:
			it.Answer = nil
		case Rejected:
			it.Rejected = nil
		}
	}
	if slices.Contains(lost, Dataset) && slices.Contains(lost, ID) {
		it.ID = "file/0"
	}
	return it
}

// What a schema holds comes back equal, and it loses precisely what it says.
func TestRoundTrips(t *testing.T) {
	for _, s := range All() {
		if s.format == nil {
			continue
		}
		for _, plain := range []bool{false, true} {
			if plain && s.Plain == nil {
				continue
			}
			t.Run(fmt.Sprintf("%s plain %t", s.Name, plain), func(t *testing.T) {
				dir := t.TempDir()
				rapid.Check(t, func(rt *rapid.T) { roundTrip(rt, s, plain, dir) })
			})
		}
	}
}

func roundTrip(t *rapid.T, s Schema, plain bool, dir string) {
	it := genItem(t, rapid.Bool().Draw(t, "gym"))
	path := filepath.Join(dir, rapid.SampledFrom([]string{"f.jsonl", "f.parquet"}).Draw(t, "file"))
	o := Options{Plain: plain, Table: strings.HasSuffix(path, ".parquet"), Model: "m"}
	if slices.Contains(s.holds(o), History) && rapid.Bool().Draw(t, "turns") {
		it.History = []Message{{"user", "a"}, {"assistant", ""}}
	}
	row, err := s.Format(&it, o)
	if err != nil {
		t.Fatal(err)
	}
	mixed, err := table.WriteRows(table.Output{Path: path}, func(put func([]byte) error) error { return put(row) })
	if err != nil || mixed != nil {
		t.Fatalf("%v %v", mixed, err)
	}
	n := 0
	for line, err := range table.Rows(path, nil) {
		if err != nil {
			t.Fatal(err)
		}
		f, err := data.ParseFields(line.Text)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Detect(f)
		if err != nil || found.Name != s.Name && !(s.Name == "trl-prompt" && found.Name == "ropewalk") {
			t.Fatalf("%s\ndetected as %q: %v", line.Text, found.Name, err)
		}
		got, err := s.Parse(f, defaults)
		if err != nil {
			t.Fatalf("%s: %v", line.Text, err)
		}
		want := without(it, s.Lost(&it, o))
		if s.Name == "openai-batch" {
			got.Extra = nil // the body's settings
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", row, diff)
		}
		n++
	}
	if n != 1 {
		t.Fatalf("%d rows", n)
	}
}

// Rows as others write them.
func TestForeignRows(t *testing.T) {
	text := func(s string) *string { return &s }
	cases := []struct {
		row, schema string
		want        Item
	}{
		{`{"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}]}`, "trl-sft",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", Question: "q"}, Answer: text("a")}},
		{`{"prompt":"q","completion":"a","difficulty":3}`, "trl-sft",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", Question: "q", Extra: json.RawMessage(`{"difficulty":3}`)}, Answer: text("a")}},
		{`{"chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}],"score":null}`, "trl-preference",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", Question: "q"}, Answer: text("a"), Rejected: text("b")}},
		{`{"prompt":[{"role":"user","content":"q"}],"solution":"7"}`, "trl-prompt",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", Question: "q", Gold: "7"}}},
		{`{"messages":[{"role":"user","content":"q"}],"ground_truth":["7"],"dataset":["gsm8k"]}`, "open-instruct",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", Question: "q", Gold: "7", Grader: "number"}}},
		{`{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"ground_truth":"7","dataset":"strict_math","passrate":0.5}`, "open-instruct",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", Question: "q", Gold: "7", Grader: "math", Extra: json.RawMessage(`{"passrate":0.5,"verifier":"strict_math"}`)}, Answer: text("a")}},
		{`{"question":"q","answer":"7","info":{"a":1},"task":"t","example_id":4}`, "verifiers",
			Item{Problem: data.Problem{ID: "4", Dataset: "file", Question: "q", Gold: "7", Extra: json.RawMessage(`{"info":{"a":1},"task":"t"}`)}}},
		{`{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"q"}],"answer":"7","info":"{\"a\": 1}"}`, "verifiers",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", System: "s", Question: "q", Gold: "7", Extra: json.RawMessage(`{"info":{"a":1}}`)}}},
		{`{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":[{"type":"text","text":"q"}]},{"role":"assistant","content":"c"}]}`, "openai-chat",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", System: "s", Question: "q"}, History: []Message{{"user", "a"}, {"assistant", "b"}}, Answer: text("c")}},
		{`{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[{"role":"user","content":"q"}]}}`, "openai-batch",
			Item{Problem: data.Problem{ID: "x", Dataset: "file", Question: "q", Extra: json.RawMessage(`{"body":{"model":"m"}}`)}}},
		{`{"data_source":"reasoning_gym","prompt":[{"role":"user","content":"q"}],"ability":"games","reward_model":{"style":"rule","ground_truth":"8"},"extra_info":{"dataset_name":"maze","entry":"{\"a\": 1}","ground_truth":"8"},"subject":"x"}`, "verl",
			Item{Problem: data.Problem{ID: "file/0", Dataset: "file", Question: "q", Gold: "8", Grader: "gym", Meta: json.RawMessage(`{"dataset_name":"maze","entry":{"a":1}}`),
				Extra: json.RawMessage(`{"ability":"games","data_source":"reasoning_gym","extra_info":{"ground_truth":"8"},"subject":"x"}`)}}},
	}
	for _, c := range cases {
		f, err := data.ParseFields([]byte(c.row))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Detect(f)
		if err != nil || s.Name != c.schema {
			t.Errorf("%s: detected as %q, %v", c.row, s.Name, err)
			continue
		}
		got, err := s.Parse(f, defaults)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.row, err, diff)
		}
	}
}

func TestRefusedRows(t *testing.T) {
	for row, want := range map[string]string{
		`{"prompt":"q","completion":3}`:                               "completion: expected a list of messages, found a number",
		`{"prompt":[],"completion":"a"}`:                              "prompt: the conversation does not end with a question",
		`{"prompt":[{"role":"tool","content":"x"}],"completion":"a"}`: `role "tool": expected user or assistant`,
		`{"prompt":" ","completion":"a"}`:                             "question is empty",
		`{"chosen":"a","rejected":"b"}`:                               "prompt: there is none",
		`{"prompt":"q","chosen":[],"rejected":"b"}`:                   "chosen: expected it to end with a message of the assistant's",
		`{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","tool_calls":[1]}]}`: "message 2: has tool_calls",
		`{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`:                                  `a part of type "image_url"`,
		`{"messages":"x"}`: "messages: expected a list of messages, found a string",
		`{"messages":[{"role":"user","content":"q"}],"ground_truth":["a","b"],"dataset":"math"}`: "ground_truth: expected one value, found a list of 2",
		`{"question":"q","answer":"1","info":3}`:                                                 "info: info: expected an object, found a number",
		`{"custom_id":"x","body":{"messages":3}}`:                                                "body: messages: expected a list",
		`{"custom_id":"x","response":{}}`:                                                        "candidates, not problems",
		`{"data_source":"aime","prompt":"q","reward_model":{"ground_truth":"1"},"extra_info":3}`: "extra_info: expected an object, found a number",
		`{"a":1,"b":2}`: "no known schema has a row of a, b",
	} {
		f, err := data.ParseFields([]byte(row))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Detect(f)
		if err == nil {
			_, err = s.Parse(f, defaults)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", row, err, want)
		}
	}
	answer := "a"
	for _, c := range []struct {
		schema string
		it     Item
		want   string
	}{
		{"trl-preference", Item{Problem: data.Problem{Question: "q"}, Answer: &answer}, "no rejected, which a row of trl-preference needs"},
		{"openai-chat", Item{Problem: data.Problem{Question: "q"}}, "no answer, which"},
		{"verl", Item{Problem: data.Problem{Question: "q"}, History: []Message{{"user", "x"}}}, "several turns, for which verl has no place"},
		{"ropewalk", Item{Problem: data.Problem{Question: "q", Extra: json.RawMessage("{")}}, "unexpected end of JSON input"},
	} {
		s, err := Find(c.schema, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Format(&c.it, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.schema, err, c.want)
		}
	}
}

func TestResults(t *testing.T) {
	for row, want := range map[string]string{
		`{"custom_id":"p/1","response":{"status_code":200,"body":{"model":"m","choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}],"usage":{"completion_tokens":9}}},"error":null}`: "{p/1 m [a b] 9} <nil>",
		`{"custom_id":"p/1","response":null,"error":{"message":"overloaded"}}`:               `request "p/1" failed: {"message":"overloaded"}`,
		`{"custom_id":"p/1","response":{"status_code":429,"body":{}}}`:                       "status 429",
		`{"custom_id":"p/1","response":{"body":{"choices":[]}}}`:                             "no choices",
		`{"custom_id":"p/1","response":{"body":{"choices":[{"message":{"content":null}}]}}}`: "choice 1 has no content",
		`{"custom_id":"p/1","response":[]}`:                                                  "response: json",
	} {
		f, err := data.ParseFields([]byte(row))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := Detect(f); err != nil || !s.IsResults() {
			t.Errorf("%s: detected as %s, %v", row, s.Name, err)
		}
		r, err := ParseResult(f)
		if got := fmt.Sprint(r, err); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", row, got, want)
		}
	}
}

// FuzzParse: any row gives an item or an error, and an item that a schema writes
// it also reads.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"prompt":[{"role":"user","content":"q"}],"completion":"a","extra":"{\"a\":1}"}`))
	f.Add([]byte(`{"data_source":"aime","prompt":"q","reward_model":{"ground_truth":"1","style":"x"},"extra_info":{"index":1}}`))
	f.Add([]byte(`{"question":"q","answer":"7","info":"{\"a\": 1}","task":"t"}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":"q"}],"ground_truth":"7","dataset":"math"}`))
	f.Add([]byte(`{"custom_id":"x","response":{"body":{"choices":[]}}}`))
	f.Fuzz(func(t *testing.T, row []byte) {
		fields, err := data.ParseFields(row)
		if err != nil {
			return
		}
		_, _ = ParseResult(fields)
		from, err := Detect(fields)
		if err != nil {
			return
		}
		it, err := from.Parse(fields, defaults)
		if err != nil {
			return
		}
		for _, s := range All() {
			if s.format == nil {
				continue
			}
			out, err := s.Format(&it, Options{})
			if err != nil {
				continue
			}
			again, err := data.ParseFields(out)
			if err != nil {
				t.Fatalf("%s: %s: %v", s.Name, out, err)
			}
			if _, err := s.Parse(again, defaults); err != nil {
				t.Fatalf("%s as %s: %s: %v", row, s.Name, out, err)
			}
		}
	})
}
