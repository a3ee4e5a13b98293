package rsa

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/rollout"
)

// Side is a finished run as one side of a comparison.
type Side struct {
	Name   string
	Dir    string
	Rule   Rule // how it answers; its method's unless asked otherwise
	Report *Report
}

// OpenSide reads DIR, or DIR:RULE for a run that answers by another rule.
func OpenSide(spec string) (Side, error) {
	dir, rule := spec, Rule("")
	if at := strings.LastIndexByte(spec, ':'); at > 0 && slices.Contains(Rules(), Rule(spec[at+1:])) {
		dir, rule = spec[:at], Rule(spec[at+1:])
	}
	r, err := ReadRun(dir)
	if err != nil {
		return Side{}, err
	}
	out := Side{Name: filepath.Base(filepath.Clean(dir)), Dir: dir, Rule: r.Rule, Report: r}
	if rule != "" {
		out.Rule, out.Name = rule, out.Name+":"+string(rule)
	}
	return out, nil
}

// Comparison is several runs on the problems that all of them have.
type Comparison struct {
	Schema      int          `json:"schema"` // 1
	Simulated   bool         `json:"simulated"`
	Problems    int          `json:"problems"` // common to all runs
	Datasets    []string     `json:"datasets"`
	Runs        []Compared   `json:"runs"`
	Differences []Difference `json:"differences"` // of each further run from the first
}

// Compared is one run on the common problems.
type Compared struct {
	Name   string  `json:"name"`
	Dir    string  `json:"dir"`
	Model  string  `json:"model"`
	Method string  `json:"method"`
	Rule   Rule    `json:"answer"`
	RSA    Size    `json:"rsa"`
	Seeds  int     `json:"seeds"`
	Curve  []Spent `json:"curve"` // its last point is the whole budget
}

// Difference is a run's score less that of the first, problem by problem, when
// both have spent their whole budget.
type Difference struct {
	Name     string    `json:"name"`
	Against  string    `json:"against"`
	Problems int       `json:"problems"` // with a score in both
	Mean     Number    `json:"mean"`
	CI       [2]Number `json:"ci95"` // paired bootstrap over problems
	Better   int       `json:"better"`
	Worse    int       `json:"worse"`
	Equal    int       `json:"equal"`
}

// Compare compares runs on their common problems; at least two, and one problem.
func Compare(runs []Side) (*Comparison, error) {
	if len(runs) < 2 {
		return nil, fmt.Errorf("%d run to compare: at least 2 are needed", len(runs))
	}
	common := commonProblems(runs)
	if len(common[0]) == 0 {
		return nil, fmt.Errorf("the runs have no problem in common")
	}
	out := &Comparison{Schema: 1, Problems: len(common[0]), Differences: []Difference{}}
	names := map[string]int{}
	for _, r := range runs {
		names[r.Name]++
	}
	for i, r := range runs {
		if names[r.Name] > 1 {
			r.Name = r.Dir + strings.TrimPrefix(r.Name, filepath.Base(filepath.Clean(r.Dir)))
		}
		view := *r.Report
		view.Rule = r.Rule
		out.Runs = append(out.Runs, Compared{
			Name: r.Name, Dir: r.Dir, Model: view.Model, Method: view.Method, Rule: r.Rule, RSA: view.RSA,
			Seeds: max(1, len(view.Seeds)), Curve: view.curve(common[i]),
		})
		out.Simulated = out.Simulated || view.Simulated
		if i > 0 {
			out.Differences = append(out.Differences, difference(out.Runs[0], out.Runs[i], common[0], common[i]))
		}
	}
	for i := range common[0] {
		if !slices.Contains(out.Datasets, common[0][i].Dataset) {
			out.Datasets = append(out.Datasets, common[0][i].Dataset)
		}
	}
	return out, nil
}

// commonProblems are the results of each run, in the order of the first, of the
// problems that all have.
func commonProblems(runs []Side) [][]Result {
	byID := make([]map[data.ProblemID]Result, len(runs))
	for i, r := range runs {
		byID[i] = map[data.ProblemID]Result{}
		for _, x := range r.Report.Results {
			byID[i][x.Problem] = x
		}
	}
	common := make([][]Result, len(runs))
	for _, x := range runs[0].Report.Results {
		everywhere := true
		for i := range runs {
			_, has := byID[i][x.Problem]
			everywhere = everywhere && has
		}
		for i := range runs {
			if everywhere {
				common[i] = append(common[i], byID[i][x.Problem])
			}
		}
	}
	return common
}

func difference(first, other Compared, a, b []Result) Difference {
	out := Difference{Name: other.Name, Against: first.Name, Mean: Number(math.NaN()), CI: [2]Number{Number(math.NaN()), Number(math.NaN())}}
	var values []float64
	for i := range a {
		d := b[i].last(other.Rule) - a[i].last(first.Rule)
		switch {
		case math.IsNaN(d):
			continue
		case d > 0:
			out.Better++
		case d < 0:
			out.Worse++
		default:
			out.Equal++
		}
		values = append(values, d)
	}
	if out.Problems = len(values); out.Problems > 0 {
		out.Mean = Number(stat.Mean(values, nil))
		out.CI = numbers(bootstrap(values, rollout.Rand(1, "rsa bootstrap of differences")))
	}
	return out
}

// Write prints the comparison as tables.
func (c *Comparison) Write(w io.Writer) error {
	var b strings.Builder
	if c.Simulated {
		b.WriteString(simulatedLine)
	}
	fmt.Fprintf(&b, "%s: %d problems in common\n", strings.Join(c.Datasets, ", "), c.Problems)
	t := rightTable(&b)
	fmt.Fprintln(t, "run\tmethod\tanswer by\tN\tK\tT\tseeds\tcompletion tokens\tprompt tokens\tscore\t95 % interval\t")
	for _, r := range c.Runs {
		end := r.Curve[len(r.Curve)-1]
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%.0f\t%.0f\t%s\t%s – %s\t\n", r.Name, r.Method, r.Rule, r.RSA.N, r.RSA.K, r.RSA.T, r.Seeds,
			float64(end.Tokens), float64(end.PromptTokens), share(end.Mean), share(end.CI[0]), share(end.CI[1]))
	}
	_ = t.Flush() // a strings.Builder does not fail
	fmt.Fprintf(&b, "\ndifference from %s, problem by problem\n", c.Runs[0].Name)
	t = rightTable(&b)
	fmt.Fprintln(t, "run\tdifference\t95 % interval\tbetter\tequal\tworse\t")
	for _, d := range c.Differences {
		fmt.Fprintf(t, "%s\t%s\t%s – %s\t%d\t%d\t%d\t\n", d.Name, signed(d.Mean), signed(d.CI[0]), signed(d.CI[1]), d.Better, d.Equal, d.Worse)
	}
	_ = t.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}

// signed prints a difference of shares.
func signed(x Number) string {
	if math.IsNaN(float64(x)) {
		return "-"
	}
	return fmt.Sprintf("%+.3f", float64(x))
}
