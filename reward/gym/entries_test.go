package gym_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/generate"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward"
)

// grade asks the gym grader for its verdict on an answer within its tags.
func grade(t *testing.T, p *data.Problem, answer string) data.Verdict {
	t.Helper()
	v := reward.Default().Grade(t.Context(), p, "I think so. <answer>"+answer+"</answer>", time.Minute)
	if v.Status != data.Scored && v.Status != data.NoAnswer {
		t.Errorf("%s: %s: %s", p.ID, v.Status, v.Reason)
	}
	return v
}

// wrongAnswers are right nowhere but where they are the stored answer.
var wrongAnswers = []string{"no such answer", "0", "[[7]]", "-77"}

// evaluationFiles gives the Reasoning Gym files of the RSA repository, from
// ROPEWALK_RSA_DATA or beside the checkout. Without them the vectors of all tasks
// have to do; see TestAgreement.
func evaluationFiles(t *testing.T) []string {
	t.Helper()
	for _, dir := range []string{os.Getenv("ROPEWALK_RSA_DATA"), filepath.Join("..", "..", "..", "shared", "rsa")} {
		if files, _ := filepath.Glob(filepath.Join(dir, "rg_*.parquet")); dir != "" && len(files) > 0 {
			return files
		}
	}
	t.Skip("the files of the RSA repository are not here: ROPEWALK_RSA_DATA names their folder")
	return nil
}

// Every entry that the RSA paper evaluates with scores 1 on its own answer, if
// it has one, and less on a wrong one.
func TestEvaluationEntries(t *testing.T) {
	const rows = 200
	graded, withGold := 0, 0
	for _, file := range evaluationFiles(t) {
		problems, _, err := table.Load([]table.Source{{Path: file}}, false)
		if err != nil {
			t.Fatal(err)
		}
		for i := range problems {
			p := &problems[i]
			var meta struct {
				Name  string `json:"dataset_name"`
				Entry struct {
					Answer *string `json:"answer"`
				} `json:"entry"`
			}
			if err := json.Unmarshal(p.Meta, &meta); err != nil {
				t.Fatalf("%s: %v", p.ID, err)
			}
			graded++
			if meta.Entry.Answer != nil {
				withGold++
				if v := grade(t, p, *meta.Entry.Answer); v.Score != 1 {
					t.Errorf("%s (%s): the stored answer %q scores %v: %s", p.ID, meta.Name, *meta.Entry.Answer, v.Score, v.Reason)
				}
			}
			for _, wrong := range wrongAnswers {
				if wrong == deref(meta.Entry.Answer) {
					continue
				}
				if v := grade(t, p, wrong); v.Score >= 1 {
					t.Errorf("%s (%s): the wrong answer %q scores %v: %s", p.ID, meta.Name, wrong, v.Score, v.Reason)
				}
			}
		}
	}
	if graded != rows || withGold < graded*3/4 {
		t.Errorf("graded %d entries, %d with a stored answer; expected %d", graded, withGold, rows)
	}
}

// Every generated problem scores 1 on its own answer and less on a wrong one.
func TestGeneratedEntries(t *testing.T) {
	tasks := 0
	for _, task := range generate.Tasks() {
		if !strings.HasPrefix(task.Name(), "gym/") {
			continue
		}
		tasks++
		n := 40
		if task.Name() == "gym/rush_hour" {
			n = 8
		}
		for _, set := range []map[string]string{nil, {"size": "5"}, {"size": "9"}} {
			problems, err := generate.Generate(task, generate.Options{N: n, Seed: 5, Split: generate.All, Set: set})
			if err != nil {
				t.Errorf("%s %v: %v", task.Name(), set, err)
				continue
			}
			for i := range problems {
				p := &problems[i]
				if v := grade(t, p, p.Gold); v.Score != 1 {
					t.Errorf("%s %v: %q scores %v: %s\n%s", p.ID, set, p.Gold, v.Score, v.Reason, p.Question)
				}
				if v := grade(t, p, wrongAnswers[0]); v.Score >= 1 {
					t.Errorf("%s: a wrong answer scores %v", p.ID, v.Score)
				}
			}
		}
	}
	if tasks < 16 {
		t.Errorf("%d tasks are generated, expected 16", tasks)
	}
}
