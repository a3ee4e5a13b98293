package gym_test

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/ropewalk/ropewalk/reward/gym"
)

// deviation says why a score may differ from the package's, "" if it may not.
// docs/graders.md lists the same.
func deviation(task string, e *gym.Entry, answer string, theirs any, ours float64, strict bool) string {
	if task == "composite" {
		var meta struct {
			Source string `json:"source_dataset"`
		}
		if json.Unmarshal(e.Metadata, &meta) != nil {
			return ""
		}
		task = meta.Source
	}
	switch theirs.(type) {
	case nil:
		if ours < 1 {
			return "the package was not done in time"
		}
		return ""
	case string:
		switch {
		case task == "word_ladder" && strict:
			return "the package knows no words of a length that its configuration does not use"
		case ours < 1 || task == "coin_flip" && !strict:
			return "the package raises"
		}
		return ""
	}
	if !strict {
		if why := defaultDeviation(task, e, answer, theirs.(float64), ours); why != "" {
			return why
		}
	}
	return unsoundText(task, answer, theirs.(float64), ours)
}

// defaultDeviation is of what compat: strict brings back.
func defaultDeviation(task string, e *gym.Entry, answer string, theirs, ours float64) string {
	meta := string(e.Metadata)
	nan := strings.Contains(strings.ToLower(answer), "nan")
	switch {
	case task == "game_of_life_halting" && theirs == 1 && ours == 0:
		return "any text that is not empty is right to the package"
	case task == "rubiks_cube" && theirs == 0.01 && ours > 0.01:
		return "the package fails at its own partial credit"
	case task == "number_sorting" && nan && ours == 0:
		return "NaN is any number to the package"
	case task == "complex_arithmetic" && nan && ours == 0:
		return "NaN is right to the package"
	case task == "gsm_symbolic" && strings.Contains(answer, "-"):
		return "the package passes over a minus sign"
	case (task == "arc_agi" || task == "rearc") && theirs == 0.05 && ours == 1:
		return "the package compares a list with a tuple"
	case task == "advanced_geometry" && strings.Contains(meta, "incircle_radius") && theirs == 0.01 && (ours == 0.5 || ours == 0.05):
		return "the package cannot read its own exact radius"
	case task == "propositional_logic" && theirs > 0 && ours == 0:
		return "the package takes any text for a further variable"
	case task == "coin_flip" && theirs > 0 && ours < theirs:
		return "a short decimal with the same beginning is fully right to the package"
	case task == "coin_flip" && strings.Contains(answer, " ") && strings.Contains(answer, "/"):
		return "spaces around the bar, which newer Pythons allow"
	case task == "puzzle24" && theirs == 1 && ours == 0.01:
		return "the package does not look at the given numbers"
	}
	return ""
}

// unsoundText is of answers that the package evaluates as code, and of what comes
// of that.
func unsoundText(task, answer string, theirs, ours float64) string {
	trimmed := strings.TrimSpace(answer)
	lost, won := theirs == 1 && ours == 0, theirs == 0 && ours == 1
	switch task {
	case "simple_integration", "intermediate_integration":
		switch {
		case lost && inQuotes(trimmed):
			return "the package evaluates text within text"
		case lost && strings.Contains(answer, "Integral("):
			return "the package takes the integral left standing for its own solution"
		case won && decimalPoint.MatchString(answer):
			return "the package does not see that decimals are the fractions they stand for"
		}
	case "polynomial_multiplication":
		if lost && (inQuotes(trimmed) || strings.Contains(answer, "/")) {
			return "the package evaluates text within text, and sympy cancels while it reads"
		}
	case "countdown", "puzzle24":
		if bareName.MatchString(trimmed) && theirs == 0.05 && ours == 0.01 {
			return "the package takes a name for a value"
		}
	}
	return ""
}

func inQuotes(s string) bool { return strings.HasPrefix(s, "'") || strings.HasPrefix(s, `"`) }

var (
	decimalPoint = regexp.MustCompile(`\d\.\d`)
	bareName     = regexp.MustCompile(`(?i)^[a-z]+$`)
)
