package rewardtest

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/data"
)

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"no cases":     {"cases.txt", "{}", "no cases in"},
		"not JSON":     {"a.jsonl", "{}\n{", "a.jsonl:2: "},
		"unknown key":  {"a.jsonl", `{"resposne":"1"}`, `unknown field "resposne"`},
		"empty folder": {"a.jsonl", "", "no cases in"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestInvalid(t *testing.T) {
	for want, v := range map[string]data.Verdict{
		"":                 {Status: data.Scored, Score: 1, Reason: "equal"},
		"unknown status":   {Status: "fine", Reason: "x"},
		"there was none":   {Status: data.Timeout, Reason: "slow"},
		"score outside":    {Status: data.Scored, Score: math.NaN(), Reason: "x"},
		"without the":      {Status: data.NoAnswer, Score: 0.5, Reason: "x"},
		"no reason":        {Status: data.Scored},
		"not one short":    {Status: data.Scored, Reason: "a\nb"},
		"outside 0 to 1":   {Status: data.Scored, Score: 2, Reason: "x"},
		"is not one short": {Status: data.Scored, Reason: strings.Repeat("x", 5000)},
	} {
		if got := invalid(v); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%+v: got %q, want %q", v, got, want)
		}
	}
}
