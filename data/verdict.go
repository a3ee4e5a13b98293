package data

// Status is what came of grading one rollout.
type Status string

const (
	// Scored: the response was judged. Whatever the response itself causes (too
	// expensive to evaluate, over its limits, refused by the parser) is Scored 0.
	Scored Status = "scored"
	// NoAnswer: nothing to judge was found in the response. Score 0.
	NoAnswer Status = "no_answer"
	// Ungradable: the gold is bad. The sample leaves its group's baseline.
	Ungradable Status = "ungradable"
	// Timeout: trouble outside the response, by the clock. Leaves the baseline.
	Timeout Status = "timeout"
	// Error: trouble outside the response. Leaves the baseline.
	Error Status = "error"
)

// Counts reports whether a verdict of this status has a score that may train.
func (s Status) Counts() bool { return s == Scored || s == NoAnswer }

// Verdict is what a grader says of one response.
type Verdict struct {
	Status Status  `json:"status"`
	Score  float64 `json:"score"`            // in [0,1] unless the grader says otherwise; 0 unless Status is Scored
	Answer string  `json:"answer,omitempty"` // what was extracted from the response
	Reason string  `json:"reason,omitempty"` // one line: why this score
	// Parts are the named pieces of a composed score.
	Parts map[string]float64 `json:"parts,omitempty"`
	// Steps are what --explain shows: extraction, normalisation, comparison.
	Steps []string `json:"steps,omitempty"`
}
