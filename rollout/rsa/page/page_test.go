package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

var nan = rsa.Number(math.NaN())

const hostile = `<script>alert("x")</script> & 'co'`

// someReport has a round as it should be and one without any value.
func someReport() *rsa.Report {
	ci := [2]rsa.Number{0.2, 0.6}
	full := rsa.Round{Mean: 0.4, CI95: ci, Majority: 0.5, MajorityCI: ci, PassN: 0.9, PassNCI: ci, Distinct: 3, DistinctCI: [2]rsa.Number{2, 4},
		Entropy: 1.5, EntropyCI: [2]rsa.Number{1, 2}, PassAt: []rsa.PassAt{{K: 1, P: 0.4, CI: ci}, {K: 2, P: 0.7, CI: ci}},
		Best: []rsa.Best{{Rule: rsa.ByLogprob, Mean: 0.4, CI: ci}}, Rollouts: 4, Counted: 4, Truncated: 0.25, TruncatedCI: ci, SpentTokens: 1500}
	none := [2]rsa.Number{nan, nan}
	empty := rsa.Round{Round: 1, Mean: nan, CI95: none, Majority: nan, MajorityCI: none, PassN: nan, PassNCI: none, Distinct: nan, DistinctCI: none,
		Entropy: nan, EntropyCI: none, PassAt: []rsa.PassAt{{K: 1, P: nan, CI: none}, {K: 2, P: nan, CI: none}}, Best: []rsa.Best{}, Truncated: nan, TruncatedCI: none}
	return &rsa.Report{
		Model: hostile, Method: "rsa", Rule: rsa.ByMean, Datasets: []string{hostile}, Problems: 2, RSA: rsa.Size{N: 2, K: 1, T: 2},
		Rounds: []rsa.Round{full, empty}, Curve: []rsa.Spent{{Tokens: 100, Mean: 0.4, CI: ci}, {Tokens: 200, Mean: nan, CI: none}},
		Given: []rsa.Given{{Of: 1, Prompts: 3, P: 0.3, CI: ci, Mean: 0.3}, {Correct: 1, Of: 1, P: nan, CI: none, Mean: nan}},
	}
}

// checkPage makes sure that a page is whole, harmless and needs nothing else.
func checkPage(t *testing.T, page string) {
	t.Helper()
	for _, bad := range []string{"<script", "http:", "https:", "src=", "@import", "url(", "NaN", "Inf", `"-`, ">-0<"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the names of the data are not on the page")
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("a drawing is not well formed: %v\n%s", err, svg)
			}
		}
	}
}

func TestReportPage(t *testing.T) {
	var b bytes.Buffer
	if err := Report(&b, someReport()); err != nil {
		t.Fatal(err)
	}
	checkPage(t, b.String())
	if n := strings.Count(b.String(), "<svg"); n != 7 {
		t.Errorf("%d drawings, want 7", n)
	}
	if strings.Contains(b.String(), "Simulated.") {
		t.Error("a real run is called simulated")
	}
}

func TestComparisonPage(t *testing.T) {
	r := someReport()
	c := &rsa.Comparison{Simulated: true, Problems: 2, Datasets: r.Datasets,
		Runs:        []rsa.Compared{{Name: hostile, Curve: r.Curve}, {Name: "b", Curve: r.Curve}},
		Differences: []rsa.Difference{{Name: hostile, Mean: -0.2, CI: [2]rsa.Number{-0.3, 0.1}}, {Name: "b", Mean: nan, CI: [2]rsa.Number{nan, nan}}}}
	var b bytes.Buffer
	if err := Comparison(&b, c); err != nil {
		t.Fatal(err)
	}
	checkPage(t, b.String())
	if !strings.Contains(b.String(), "Simulated.") || strings.Count(b.String(), "<svg") != 3 {
		t.Error("the warning or a drawing is missing")
	}
}

// TestConstants: values that are all the same have an axis that people can read.
func TestConstants(t *testing.T) {
	c := chart{x: "round", y: "answers", series: []series{{name: "a", points: []point{bare(0, 0), bare(1, 0)}}}}
	if svg := string(c.svg()); strings.Contains(svg, "e-") || !strings.Contains(svg, ">0.2<") {
		t.Errorf("the axis of a constant: %s", svg)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		s     scale
		whole bool
		want  []float64
	}{
		{scale{from: 0, to: 1}, false, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{scale{from: 0, to: 3}, true, []float64{0, 1, 2, 3}},
		{scale{from: 90, to: 1100, log: true}, false, []float64{100, 200, 500, 1000}},
	} {
		got := c.s.ticks(c.whole)
		if len(got) != len(c.want) {
			t.Errorf("%+v: %v, want %v", c.s, got, c.want)
			continue
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-9 {
				t.Errorf("%+v: %v, want %v", c.s, got, c.want)
			}
		}
	}
	for v, want := range map[float64]string{0: "0", -0.2: "-0.2", 1500: "1.5k", 2e6: "2M", 0.30000000000000004: "0.3"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) = %s, want %s", v, got, want)
		}
	}
}
