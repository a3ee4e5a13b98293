package reward

import "github.com/ropewalk/ropewalk/reward/gym"

var (
	_ Grader   = (*gym.Grader)(nil)
	_ Comparer = (*gym.Grader)(nil)
)

// newGym makes the grader of Reasoning Gym entries, with this package's
// extraction rules.
func newGym() *gym.Grader {
	return gym.New(gym.Tasks(), func(rule, response string) (answer string, found bool, err error) {
		if err := checkRule(Rule(rule)); err != nil {
			return "", false, err
		}
		answer, found = Extract(Rule(rule), response)
		return answer, found, nil
	})
}
