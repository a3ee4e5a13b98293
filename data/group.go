package data

// Member is one rollout of a group with what became of it.
type Member struct {
	Rollout
	Verdict   Verdict
	Reward    float64 // the verdict's score unless the recipe shapes it; NaN-free
	Counts    bool    // in the group's baseline: completed and graded
	Advantage float64 // 0 where Counts is false
	Weight    float64 // multiplies the member's tokens in the loss; 0 leaves it out
}

// Group is the G rollouts of one exact prompt.
type Group struct {
	Spec
	Dataset     string
	PromptIDs   []int32
	Temperature float64
	// Cut records what the token budget did to the candidates, "" if nothing.
	Cut     string
	Members []Member // by slot, all G of them
	// Dropped says why the group does not train ("zero_variance", "too_small",
	// "stale"), "" if it does. A dropped group is archived all the same.
	Dropped string
}

// ParentIDs are the rollout ids of the candidates, in prompt order.
func (s *Spec) ParentIDs() []RolloutID {
	ids := make([]RolloutID, len(s.Candidates))
	for i, c := range s.Candidates {
		ids[i] = c.Rollout
	}
	return ids
}
