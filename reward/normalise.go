package reward

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

type normalisation struct {
	name  string
	apply func(string) string
}

// normalisations are what meta.normalise may name, in the order in which they
// are applied.
var normalisations = []normalisation{
	{"nfc", norm.NFC.String},
	{"nfkc", norm.NFKC.String},
	{"case", func(s string) string { return cases.Fold().String(s) }},
	{"spaces", func(s string) string { return strings.Join(strings.Fields(s), " ") }},
}

// normaliser makes the rewriting that a list of names asks for.
func normaliser(names []string) (func(string) string, error) {
	for _, name := range names {
		if !slices.ContainsFunc(normalisations, func(n normalisation) bool { return n.name == name }) {
			return nil, fmt.Errorf("meta.normalise names %s; expected nfc, nfkc, case or spaces", show(name))
		}
	}
	return func(s string) string {
		for _, n := range normalisations {
			if slices.Contains(names, n.name) {
				s = n.apply(s)
			}
		}
		return s
	}, nil
}
