package rsa

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// ReadRun reads the report of a finished run with its results.
func ReadRun(dir string) (*Report, error) {
	raw, err := os.ReadFile(filepath.Join(dir, reportFile))
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, reportFile), err)
	}
	if r.Results, err = readResults(filepath.Join(dir, resultsFile)); err != nil {
		return nil, err
	}
	if !r.fits(r.Results) {
		return nil, fmt.Errorf("%s is not of the run that %s reports", filepath.Join(dir, resultsFile), reportFile)
	}
	return &r, nil
}

// fits reports whether results, alike among themselves, are of the report's size.
func (r *Report) fits(results []Result) bool {
	s := r.RSA
	if len(results) == 0 || len(results) != r.Problems || s.N < 1 || s.N > 1<<30 || s.K < 0 || s.K > s.N || len(r.Curve) == 0 {
		return false
	}
	first := results[0]
	given := 0
	for _, y := range first.Rounds {
		given = max(given, len(y.Given))
	}
	return len(first.Rounds) == s.T && len(first.Rounds[0].PassAt) == len(passKs(s.N)) && given == s.K+1
}

// WriteRun writes what [ReadRun] reads, the report last.
func WriteRun(dir string, r *Report) error {
	if err := writeResults(filepath.Join(dir, resultsFile), r.Results); err != nil {
		return err
	}
	return WriteJSON(filepath.Join(dir, reportFile), r)
}

// MergeSeeds makes one report of those of several seeds: each problem's values are
// the means over them, and intervals are over problems, as of one seed.
func MergeSeeds(reports []*Report) (*Report, error) {
	out := *reports[0]
	if out.Agreeing != nil {
		out.Agreeing = new(int)
	}
	for _, r := range reports {
		if len(r.Results) != len(out.Results) || r.RSA != out.RSA {
			return nil, fmt.Errorf("seed %d is of another run than seed %d", r.Seed, out.Seed)
		}
		out.Seeds = append(out.Seeds, Seeded{r.Seed, r.Curve[len(r.Curve)-1].Mean})
	}
	merged := make([]Result, len(out.Results))
	for i := range merged {
		same := make([]Result, len(reports))
		for s, r := range reports {
			same[s] = r.Results[i]
			if same[s].Problem != same[0].Problem {
				return nil, fmt.Errorf("seed %d has problem %s where seed %d has %s", r.Seed, same[s].Problem, out.Seed, same[0].Problem)
			}
		}
		merged[i] = mergeResults(same)
	}
	out.summarise(merged)
	return &out, nil
}
