package reward

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ropewalk/ropewalk/data"
)

// options are what exact, number and math read in a problem's meta. Other keys
// belong to others and are passed over.
type options struct {
	// Extract is the extraction rule; "" for the grader's own.
	Extract Rule `json:"extract"`
	// Tolerance and RelTolerance are number's: decimal numbers, 0 if absent.
	Tolerance    json.Number `json:"tolerance"`
	RelTolerance json.Number `json:"rel_tolerance"`
	// SignificantDigits is number's too: 0 if absent.
	SignificantDigits int `json:"significant_digits"`
	// Normalise is exact's: names of normalisations.
	Normalise []string `json:"normalise"`
}

// readOptions reads a problem's meta. An error means that the problem is bad.
func readOptions(p *data.Problem) (options, error) {
	var o options
	if err := readMeta(p, &o); err != nil {
		return o, err
	}
	if o.Extract != "" {
		return o, checkRule(o.Extract)
	}
	return o, nil
}

// readMeta decodes the keys of a problem's meta that one grader knows; a problem
// without a meta has none of them.
func readMeta(p *data.Problem, into any) error {
	meta := bytes.TrimSpace(p.Meta)
	if len(meta) == 0 || string(meta) == "null" {
		return nil
	}
	if err := json.Unmarshal(meta, into); err != nil {
		return fmt.Errorf("meta: %s", clip(err.Error()))
	}
	return nil
}

// tolerance reads one of the tolerances as an exact number; nil if absent.
func tolerance(key string, n json.Number) (*big.Rat, error) {
	if n == "" {
		return nil, nil
	}
	v, err := parseDecimal(string(n))
	if err != nil {
		return nil, fmt.Errorf("meta.%s: %w", key, err)
	}
	if v.Sign() < 0 {
		return nil, fmt.Errorf("meta.%s is %s; expected 0 or more", key, show(string(n)))
	}
	return v, nil
}
