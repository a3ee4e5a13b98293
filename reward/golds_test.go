package reward_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward"
)

// evaluationGolds gives the golds of the RSA paper's mathematical evaluations, from
// ROPEWALK_RSA_DATA or beside the checkout; without them, golds of their kinds.
func evaluationGolds(t *testing.T) []string {
	t.Helper()
	golds := []string{"70", "-984", `\frac{1}{576}`, `\frac{9 \sqrt{23}}{23}`, `1-\frac{2}{\pi}`, `\frac{-1+\sqrt{17}}{2}, \frac{-1-\sqrt{17}}{2}`, `2^{25} \cdot 26!`, `\sqrt{\frac{95}{24}}`, "A", "E", "I", "J"}
	for _, dir := range []string{os.Getenv("ROPEWALK_RSA_DATA"), filepath.Join("..", "..", "shared", "rsa"), filepath.Join("..", "..", "..", "shared", "rsa")} {
		for _, name := range [...]string{"aime25", "hmmt25", "supergpqa"} {
			files, _ := filepath.Glob(filepath.Join(dir, name+"_*.parquet"))
			if dir == "" || len(files) == 0 {
				continue
			}
			problems, _, err := table.Load([]table.Source{{Path: files[0]}}, false)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				golds = append(golds, p.Gold)
			}
		}
	}
	t.Logf("%d golds", len(golds))
	return golds
}

// Every gold is itself and each of its rewrites, and none of its neighbours.
func TestEvaluationGolds(t *testing.T) {
	set := reward.Default()
	score := func(gold, answer string) float64 {
		v := set.Grade(t.Context(), &data.Problem{Gold: gold, Grader: "math"}, `So it is \boxed{`+answer+`}.`, time.Minute)
		if v.Status != data.Scored {
			t.Errorf("gold %s, answer %s: %s (%s)", gold, answer, v.Status, v.Reason)
		}
		return v.Score
	}
	for _, gold := range evaluationGolds(t) {
		rewrites := []string{gold, "$" + gold + "$", " " + gold + " .", `\displaystyle ` + gold, strings.ReplaceAll(gold, `\frac`, `\dfrac`), strings.ReplaceAll(gold, "{", "{ ")}
		neighbours := []string{gold + ", 7", `\text{not }` + gold, "x"}
		if strings.Trim(gold, "-0123456789ABCDEFGHIJ") == "" {
			neighbours = append(neighbours, gold+"1")
		}
		if len(gold) == 1 && gold[0] >= 'A' { // a choice
			rewrites = append(rewrites, "("+gold+")", `\text{`+gold+`}`, gold+". some text", "Option "+gold, strings.ToLower(gold))
			neighbours = append(neighbours, string(rune('A'+(gold[0]-'A'+1)%10)), "A, B, C, D", gold+" or Z", "(A) (B) (C)")
		} else if !strings.Contains(gold, ",") {
			rewrites = append(rewrites, "x="+gold, "("+gold+")", "1+"+gold+"-1", `\frac{2(`+gold+`)}{2}`, gold+`\text{ units}`)
			neighbours = append(neighbours, gold+"+1", gold+"+10^{-12}", "-("+gold+")", "2("+gold+")", `\pm(`+gold+`)`, "("+gold+", 1)", `\ne `+gold)
		}
		for _, answer := range rewrites {
			if score(gold, answer) != 1 {
				t.Errorf("gold %s: %s is not taken for it", gold, answer)
			}
		}
		for _, answer := range neighbours {
			if score(gold, answer) != 0 {
				t.Errorf("gold %s: %s is taken for it", gold, answer)
			}
		}
	}
}
