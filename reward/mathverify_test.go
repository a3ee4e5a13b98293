package reward_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/reward"
)

// judged is a pair with Math-Verify's verdict, as scripts/compare-mathverify
// writes it.
type judged struct {
	Gold, Response, Place string
	Equal, Peer           bool
	Seconds               float64
	ours                  bool
	reason                string
	time                  float64
}

// TestAgainstMathVerify prints how the two graders compare. It fails if ours
// takes a wrong answer for right.
func TestAgainstMathVerify(t *testing.T) {
	file := os.Getenv("ROPEWALK_MATH_CASES")
	if file == "" {
		t.Skip("run by scripts/compare-mathverify")
	}
	pairs := readJudged(t, file)
	grade(t, pairs)
	var ours, peer tally
	for _, p := range pairs {
		ours.add(p.ours, p.Equal, p.time)
		peer.add(p.Peer, p.Equal, p.Seconds)
		if p.ours != p.Peer || p.ours != p.Equal {
			t.Logf("%s: gold %.200q, response %.200q: equal %v, ours %v (%s), Math-Verify %v", p.Place, p.Gold, p.Response, p.Equal, p.ours, p.reason, p.Peer)
		}
	}
	t.Logf("ours:        %s", ours.String())
	t.Logf("Math-Verify: %s", peer.String())
	t.Logf("ratio of answers per second on one core: %.0f", peer.seconds/ours.seconds)
	if ours.falsePositives > 0 {
		t.Errorf("%d false positives", ours.falsePositives)
	}
}

func readJudged(t *testing.T, file string) (pairs []judged) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var p judged
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, p)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return pairs
}

// grade grades all pairs with ours.
func grade(t *testing.T, pairs []judged) {
	t.Helper()
	g, err := reward.Default().Get("math")
	if err != nil {
		t.Fatal(err)
	}
	for i := range pairs {
		p := &pairs[i]
		problem := &data.Problem{Gold: p.Gold, Grader: "math"}
		start := time.Now()
		v := g.Grade(t.Context(), problem, p.Response)
		p.time = time.Since(start).Seconds()
		p.ours, p.reason = v.Score == 1, string(v.Status)+": "+v.Reason
	}
}

// tally counts one grader's verdicts.
type tally struct {
	right, all, falsePositives, falseNegatives int
	seconds                                    float64
	times                                      []float64
}

func (c *tally) add(got, want bool, seconds float64) {
	c.all++
	switch {
	case got == want:
		c.right++
	case got:
		c.falsePositives++
	default:
		c.falseNegatives++
	}
	c.seconds += seconds
	c.times = append(c.times, seconds)
}

func (c *tally) String() string {
	slices.Sort(c.times)
	at := func(q float64) float64 { return 1e3 * c.times[int(q*float64(len(c.times)-1))] }
	return fmt.Sprintf("%d of %d right (%.2f %%), %d false positives, %d false negatives; %.0f answers/s, median %.3f ms, p99 %.3f ms, longest %.1f ms",
		c.right, c.all, 100*float64(c.right)/float64(c.all), c.falsePositives, c.falseNegatives, float64(c.all)/c.seconds, at(0.5), at(0.99), at(1))
}
