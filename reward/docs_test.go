package reward_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
)

// TestDocs grades the examples of docs/graders.md: a line of JSON and its score.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/graders.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`(?m)^(\{"grader".*\}) +([01])$`).FindAllSubmatch(text, -1)
	if len(examples) < 10 {
		t.Fatalf("only %d examples found", len(examples))
	}
	for _, e := range examples {
		var line struct {
			Grader, Gold, Response string
			Meta                   json.RawMessage
		}
		if err := json.Unmarshal(e[1], &line); err != nil {
			t.Fatalf("%s: %v", e[1], err)
		}
		p := &data.Problem{Grader: line.Grader, Gold: line.Gold, Meta: line.Meta}
		v := reward.Default().Grade(t.Context(), p, line.Response, time.Minute)
		if want := float64(e[2][0] - '0'); v.Status != data.Scored || v.Score != want {
			t.Errorf("%s: got %s %v (%s), want %v", e[1], v.Status, v.Score, v.Reason, want)
		}
	}
}
