package gym_test

import (
	"regexp"
	"strings"

	"github.com/ropewalk/ropewalk/reward/gym"
)

// deviation says why a score may differ from the package's, "" if it may not.
// docs/graders.md lists the same.
func deviation(task string, e *gym.Entry, answer string, theirs any, ours float64, strict bool) string {
	switch theirs.(type) {
	case nil:
		if ours < 1 {
			return "the package was not done in time"
		}
		return ""
	case string:
		if ours < 1 || task == "coin_flip" && !strict || task == "word_ladder" {
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
	case task == "coin_flip" && strings.Contains(answer, " / "):
		return "spaces around the bar, which newer Pythons allow"
	case task == "gsm_symbolic" && strings.Contains(answer, "-"):
		return "the package passes over a minus sign"
	case (task == "arc_agi" || task == "rearc") && theirs == 0.05 && ours == 1:
		return "the package compares a list with a tuple"
	case task == "advanced_geometry" && strings.Contains(meta, "incircle_radius") && theirs == 0.01 && (ours == 0.5 || ours == 0.05):
		return "the package cannot read its own exact radius"
	case task == "propositional_logic" && theirs > 0 && ours == 0:
		return "the package takes any text for a further variable"
	case task == "puzzle24" && theirs == 1 && ours == 0.01:
		return "the package does not look at the given numbers"
	}
	return ""
}

// unsoundText is of answers that the package evaluates as code, both ways.
func unsoundText(task, answer string, theirs, ours float64) string {
	switch task {
	case "simple_integration", "intermediate_integration":
		switch {
		case strings.HasPrefix(answer, "'") && theirs == 1 && ours == 0:
			return "the package evaluates text within text"
		case strings.Contains(answer, "Integral(") && theirs == 1 && ours == 0:
			return "the package takes the integral itself for its solution"
		case decimal.MatchString(answer) && theirs == 0 && ours == 1:
			return "the package does not see that decimals are the fractions they stand for"
		}
	case "polynomial_multiplication":
		if strings.Contains(answer, "/") && theirs == 1 && ours == 0 {
			return "the package expands by cancelling while it reads"
		}
	case "countdown", "puzzle24":
		if name.MatchString(answer) && theirs == 0.05 && ours == 0.01 {
			return "the package takes a name for a value"
		}
	}
	return ""
}

var (
	decimal = regexp.MustCompile(`\d\.\d`)
	name    = regexp.MustCompile(`(?i)^\s*[a-z]+\s*$`)
)
