// Package advantage turns the rewards of a batch into advantages, by named
// estimators whose constants travel with the batch.
//
// An estimator sees the rewards of the samples that count, group by group:
// ungradable ones and failed ones have been left out. Rewards are finite, of a
// magnitude below 1e100. Throughout, n is the size of a group, r_i one of its
// rewards and mean their mean.
package advantage

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Estimator computes advantages.
type Estimator interface {
	// Name is the estimator's name in the configuration and in batches.
	Name() string
	// Constants are the numbers beside the rewards that the result depends on.
	Constants() map[string]float64
	// Estimate gives the advantages of a batch in the shape of its rewards:
	// groups, then samples. It changes nothing that it is given. Equal rewards of
	// a group get equal advantages, and groups of any size are allowed, 0 too.
	Estimate(groups [][]float64) [][]float64
}

// Defaults of the configuration.
const (
	DefaultEpsilon = 1e-6
	DefaultK       = 4
)

// Options are the constants that a configuration may set. They are taken as
// they are: a zero is a zero, not a default.
type Options struct {
	Epsilon float64 // grpo: added to the standard deviation; 0 or more
	K       int     // pass_at_k: samples of one try; at least 1
}

// names lists the estimators that New knows.
var names = []string{"rloo", "grpo", "dr_grpo", "reinforce", "maxrl", "pass_at_k"}

// Names lists the estimators that [New] knows.
func Names() []string { return slices.Clone(names) }

// New makes an estimator. An unknown name or an option out of range is an error.
func New(name string, o Options) (Estimator, error) {
	switch name {
	case "rloo":
		return RLOO{}, nil
	case "grpo":
		if !(o.Epsilon >= 0) || math.IsInf(o.Epsilon, 0) {
			return nil, fmt.Errorf("estimator grpo: epsilon is %v; expected 0 or more, such as %v", o.Epsilon, DefaultEpsilon)
		}
		return GRPO{Epsilon: o.Epsilon}, nil
	case "dr_grpo":
		return DrGRPO{}, nil
	case "reinforce":
		return Reinforce{}, nil
	case "maxrl":
		return MaxRL{}, nil
	case "pass_at_k":
		if o.K < 1 {
			return nil, fmt.Errorf("estimator pass_at_k: k is %d; expected 1 or more, such as %d", o.K, DefaultK)
		}
		return PassAtK{K: o.K}, nil
	}
	return nil, fmt.Errorf("unknown advantage estimator %.40q; expected %s", name, strings.Join(names, ", "))
}

// ZeroVariance reports whether all rewards of a group are equal, the largest
// to the smallest, so that no comparison within it can teach anything. It is
// true of groups of one and of none.
func ZeroVariance(rewards []float64) bool {
	return len(rewards) == 0 || slices.Max(rewards) == slices.Min(rewards)
}

// byGroup applies an estimator of one group to each. Groups of zero variance
// have advantages of exactly 0, whatever rounding would make of them.
func byGroup(groups [][]float64, estimate func(rewards, advantages []float64)) [][]float64 {
	out := make([][]float64, len(groups))
	for g, rewards := range groups {
		out[g] = make([]float64, len(rewards))
		if !ZeroVariance(rewards) {
			estimate(rewards, out[g])
		}
	}
	return out
}
