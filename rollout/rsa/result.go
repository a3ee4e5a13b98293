package rsa

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/atomicfile"
)

// Result is one problem of a run in numbers: a line of problems.jsonl. A [Report]
// is made from them alone.
type Result struct {
	Problem data.ProblemID `json:"problem"`
	Dataset string         `json:"dataset"`
	Asked   int            `json:"asked"` // rounds; fewer than T where a population agreed
	Rounds  []Population   `json:"rounds"`
	Curve   []Point        `json:"curve"`
}

// resultsFile of a folder holds its results.
const resultsFile = "problems.jsonl"

// writeResults makes problems.jsonl, atomically.
func writeResults(path string, results []Result) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<16)
		lines := json.NewEncoder(out)
		for i := range results {
			if err := lines.Encode(&results[i]); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

// readResults reads what writeResults wrote; every line has as many rounds and
// points as the first.
func readResults(path string) ([]Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var results []Result
	in := bufio.NewReaderSize(f, 1<<16)
	for number := 1; ; number++ {
		line, err := readLine(in)
		if len(line) == 0 && err == io.EOF {
			return results, nil
		}
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		var r Result
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
		results = append(results, r)
		if len(r.Rounds) == 0 || len(r.Curve) == 0 || !r.alike(&results[0]) {
			return nil, fmt.Errorf("%s:%d: its rounds are not those of the first line", path, number)
		}
	}
}

// alike reports whether two results have the same shape.
func (r *Result) alike(o *Result) bool {
	if len(r.Rounds) != len(o.Rounds) || len(r.Curve) != len(o.Curve) {
		return false
	}
	for t := range r.Rounds {
		if len(r.Rounds[t].PassAt) != len(o.Rounds[0].PassAt) {
			return false
		}
	}
	return true
}

// last is the score of the answer by a rule when the whole budget is spent.
func (r *Result) last(rule Rule) float64 {
	return float64(r.Curve[len(r.Curve)-1].By(rule))
}

// mergeResults joins the same problem's results of several seeds: counts and
// tokens are added up, all else is the mean. One point costs what a run costs.
func mergeResults(seeds []Result) Result {
	out := seeds[0]
	out.Rounds = make([]Population, len(seeds[0].Rounds))
	for t := range out.Rounds {
		all := make([]*Population, len(seeds))
		for s := range seeds {
			all[s] = &seeds[s].Rounds[t]
		}
		out.Rounds[t] = mergePopulations(all)
	}
	out.Curve = make([]Point, len(seeds[0].Curve))
	for i := range out.Curve {
		all := make([]*Point, len(seeds))
		for s := range seeds {
			all[s] = &seeds[s].Curve[i]
		}
		out.Curve[i] = Point{
			Answers:      mergeAnswers(all, func(p *Point) *Answers { return &p.Answers }),
			Rollouts:     float64(average(all, func(p *Point) Number { return Number(p.Rollouts) })),
			Tokens:       float64(average(all, func(p *Point) Number { return Number(p.Tokens) })),
			PromptTokens: float64(average(all, func(p *Point) Number { return Number(p.PromptTokens) })),
		}
	}
	return out
}

func mergePopulations(all []*Population) Population {
	out := Population{
		Answers:  mergeAnswers(all, func(y *Population) *Answers { return &y.Answers }),
		Pass:     average(all, func(y *Population) Number { return y.Pass }),
		Distinct: average(all, func(y *Population) Number { return y.Distinct }),
		Entropy:  average(all, func(y *Population) Number { return y.Entropy }),
		Agreed:   average(all, func(y *Population) Number { return y.Agreed }),
	}
	for k := range all[0].PassAt {
		out.PassAt = append(out.PassAt, average(all, func(y *Population) Number { return y.PassAt[k] }))
	}
	for _, y := range all {
		out.addCounts(y)
	}
	return out
}

func mergeAnswers[T any](all []*T, of func(*T) *Answers) (out Answers) {
	for _, rule := range Rules() {
		*out.at(rule) = average(all, func(x *T) Number { return of(x).By(rule) })
	}
	return out
}

// average leaves out what has no value.
func average[T any](all []*T, value func(*T) Number) Number {
	sum, n := 0.0, 0.0
	for _, x := range all {
		if v := float64(value(x)); !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return ratio(sum, n)
}

// addCounts adds the counts and tokens of another population.
func (y *Population) addCounts(o *Population) {
	y.Unchanged += o.Unchanged
	y.Rollouts += o.Rollouts
	y.Completed += o.Completed
	y.Failed += o.Failed
	y.Counted += o.Counted
	y.Right += o.Right
	y.NoAnswer += o.NoAnswer
	y.Ungraded += o.Ungraded
	y.Truncated += o.Truncated
	y.Cut += o.Cut
	y.Tokens += o.Tokens
	y.PromptTokens += o.PromptTokens
	y.Judged.merge(o.Judged)
	for c, cell := range o.Given {
		if c == len(y.Given) {
			y.Given = append(y.Given, Cell{})
		}
		y.Given[c].merge(cell)
	}
}

func (j *Judged) merge(o Judged) {
	j.Right += o.Right
	j.Wrong += o.Wrong
	j.AcceptedRight += o.AcceptedRight
	j.AcceptedWrong += o.AcceptedWrong
	j.Silent += o.Silent
	j.Tokens += o.Tokens
	j.PromptTokens += o.PromptTokens
}
