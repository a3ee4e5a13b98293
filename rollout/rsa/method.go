package rsa

import (
	"fmt"
	"strings"
)

// Method is a way to spend a budget of generations on a problem and to answer it
// from what came out. One a file: method_*.go.
type Method struct {
	Name  string
	About string // one line, for help and reports
	// Plan spends the budget of RSA with populations of n, sets of k and t
	// populations: n·t generations, or fewer where it does not divide.
	Plan func(n, k, t int) Plan
	Rule Rule // how a population answers
}

// Plan is what a method asks for.
type Plan struct {
	N, K, T int
	Points  int  // of the curve over cost, where T is 1
	Verify  bool // each rollout is verified
}

// Methods lists all methods, RSA first.
func Methods() []Method {
	return []Method{recursive, direct, majorityVote, selfRefinement, singleStep, rejection, bestByLength, bestByLogprob}
}

// FindMethod gives the method of a name.
func FindMethod(name string) (Method, error) {
	var names []string
	for _, m := range Methods() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Method{}, fmt.Errorf("unknown method %q; known are %s", name, strings.Join(names, ", "))
}

// Apply puts the method's plan for a budget into o.
func (m Method) Apply(o *Options, n, k, t int) {
	p := m.Plan(n, k, t)
	o.Method, o.N, o.K, o.T, o.Points = m.Name, p.N, p.K, p.T, p.Points
	o.Verify = o.Verify || p.Verify
}

// parallel spends the whole budget on one population. Its curve over cost has a
// point for each n of the budget, so that it can be read beside RSA's rounds.
func parallel(n, _, t int) Plan { return Plan{N: n * t, K: 1, T: 1, Points: t} }
