package gym

import (
	"math"
	"strings"
)

var advancedGeometry = Task{"advanced_geometry", scoreGeometry}

// scoreGeometry compares angles to two places and orthocentres to three. An
// incircle's radius must be the stored text; one that rounds to it at two places
// scores 0.5. (The package means that too, but reads the exact radius, a formula,
// as a number, which fails: strict gives its 0.01.) Other numbers score 0.05 or
// 0.01, text that is no number 0.01.
func scoreGeometry(e *Entry, answer string, strict bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	task, err := metaText(e, "task_type")
	if err != nil {
		return badEntry(err)
	}
	switch task {
	case "angle_measure":
		return scoreAngle(*e.Answer, answer)
	case "orthocenter":
		return scoreOrthocentre(e, answer)
	case "incircle_radius":
		return scoreRadius(e, answer, strict)
	}
	return badEntryf("metadata: task_type: unknown %s", quote(task))
}

// rounded rounds to places decimals as numpy does.
func rounded(f float64, places int) float64 {
	scale := math.Pow10(places)
	return math.RoundToEven(f*scale) / scale
}

func notANumber(answer string) Result { return scored(0.01, "%s is not a number", quote(answer)) }

func scoreAngle(gold, answer string) Result {
	want, ok := pyFloat(strings.ReplaceAll(gold, "°", ""))
	if !ok {
		return badEntryf("the stored answer %s is no angle", quote(gold))
	}
	got, ok := pyFloat(strings.ReplaceAll(answer, "°", ""))
	if !ok {
		return notANumber(answer)
	}
	if rounded(got, 2) == rounded(want, 2) {
		return scored(1, "the angle is right")
	}
	return scored(0.05, "the angle is %v, not %v", want, got)
}

func scoreOrthocentre(e *Entry, answer string) Result {
	ortho, err := metaStrings(e, "ortho")
	if err != nil {
		return badEntry(err)
	}
	if len(ortho) != 2 {
		return badEntryf("metadata: ortho: expected two coordinates")
	}
	parts := strings.SplitN(answer, ",", 3)
	if len(parts) < 2 {
		return scored(0.01, "%s is no pair of coordinates", quote(answer))
	}
	for i, part := range parts[:2] {
		want, ok := fractionFloat(ortho[i])
		if !ok {
			return badEntryf("metadata: ortho: %s is no number", quote(ortho[i]))
		}
		got, ok := pyFloat(strings.ReplaceAll(part, [2]string{"(", ")"}[i], ""))
		if !ok {
			return notANumber(part)
		}
		if got != want && rounded(got, 3) != rounded(want, 3) {
			return scored(0.01, "coordinate %d is %v, not %v", i+1, rounded(want, 3), got)
		}
	}
	return scored(1, "the orthocentre is right")
}

// fractionFloat reads "3/4" or a decimal.
func fractionFloat(s string) (float64, bool) {
	above, below, isFraction := strings.Cut(s, "/")
	if !isFraction {
		return pyFloat(s)
	}
	a, ok1 := wholeNumber(above)
	b, ok2 := wholeNumber(below)
	return float64(a) / float64(b), ok1 && ok2 && b != 0
}

func scoreRadius(e *Entry, answer string, strict bool) Result {
	if answer == *e.Answer {
		return scored(1, "equal to the stored radius")
	}
	formula, err := metaText(e, "incircle_radius_exact")
	if err != nil {
		return badEntry(err)
	}
	want, plain := pyFloat(formula)
	if !plain {
		if strict {
			return scored(0.01, "not the stored text, and the package cannot read the exact radius")
		}
		if err := metaDecode(e, "incircle_radius_approx", &want); err != nil {
			return badEntry(err)
		}
	}
	got, ok := pyFloat(answer)
	switch {
	case !ok:
		return notANumber(answer)
	case rounded(got, 2) == rounded(want, 2):
		return scored(0.5, "%v is the radius to two places, not %s", got, quote(*e.Answer))
	}
	return scored(0.05, "the radius is %s, not %v", quote(*e.Answer), got)
}
