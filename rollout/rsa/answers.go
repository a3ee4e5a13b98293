package rsa

import (
	"math"

	"github.com/ropewalk/ropewalk/data"
)

// Rule says how a population answers.
type Rule string

// The rules. Rollouts without a score, for want of a completion or of a usable
// gold, take no part in any.
const (
	ByMean     Rule = "mean"         // a rollout drawn at random
	ByMajority Rule = "majority"     // the answer that most give
	ByLength   Rule = "best_length"  // the fewest tokens among completions with an answer that were not cut off
	ByLogprob  Rule = "best_logprob" // the highest mean log-probability a token
	ByAccepted Rule = "accepted"     // drawn at random from those the model accepts; from all if it accepts none
	ByRating   Rule = "best_rated"   // the highest rating by another grader
)

// Answers are the scores that a population's answer has by each rule, in
// expectation where it is drawn at random. Null is a rule with nothing to go by.
type Answers struct {
	Mean     Number `json:"mean"`
	Majority Number `json:"majority"`
	Length   Number `json:"best_length"`
	Logprob  Number `json:"best_logprob"`
	Accepted Number `json:"accepted"`
	Rating   Number `json:"best_rated"`
}

// By gives the score by a rule; null if there is no such rule.
func (a *Answers) By(r Rule) Number {
	if x := a.at(r); x != nil {
		return *x
	}
	return Number(math.NaN())
}

func (a *Answers) at(r Rule) *Number {
	switch r {
	case ByMean:
		return &a.Mean
	case ByMajority:
		return &a.Majority
	case ByLength:
		return &a.Length
	case ByLogprob:
		return &a.Logprob
	case ByAccepted:
		return &a.Accepted
	case ByRating:
		return &a.Rating
	}
	return nil
}

// Rules lists all rules.
func Rules() []Rule {
	return []Rule{ByMean, ByMajority, ByLength, ByLogprob, ByAccepted, ByRating}
}

// sampled is a rollout with what was said of it.
type sampled struct {
	*Record
	verdict *Record // its verification, nil if there is none
}

// pair joins rollouts with their verifications. judged may be nil.
func pair(population, judged []*Record) []sampled {
	out := make([]sampled, len(population))
	for i, r := range population {
		out[i].Record = r
		if judged != nil {
			out[i].verdict = judged[i]
		}
	}
	return out
}

// answers applies all rules.
func answers(population []sampled, same func(a, b string) bool) Answers {
	camps := gather(population, same)
	nan := Number(math.NaN())
	out := Answers{meanScore(population, func(sampled) bool { return true }), nan, nan, nan, nan, nan}
	if math.IsNaN(float64(out.Mean)) {
		return out // nothing has a score
	}
	out.Majority = Number(majority(camps))
	out.Length = best(population, func(m sampled) (float64, bool) {
		return -float64(m.tokens()), m.Finish != data.FinishLength && m.Verdict.Answer != ""
	})
	out.Logprob = best(population, func(m sampled) (float64, bool) { return m.sureness(), len(m.Logprobs) > 0 })
	out.Rating = best(population, func(m sampled) (float64, bool) {
		if m.Rating == nil {
			return 0, false
		}
		return *m.Rating, true
	})
	out.Accepted = acceptedScore(population, out.Mean)
	return out
}

// acceptedScore is the mean score of what the model accepts; that of all if it
// accepts nothing, and null if it was not asked.
func acceptedScore(population []sampled, all Number) Number {
	asked := false
	for _, m := range population {
		asked = asked || m.verdict != nil
	}
	score := meanScore(population, func(m sampled) bool { return m.verdict != nil && accepts(m.verdict) })
	switch {
	case !asked:
		return Number(math.NaN())
	case math.IsNaN(float64(score)):
		return all
	}
	return score
}

// meanScore is over the members that have a score and are wanted.
func meanScore(population []sampled, wanted func(sampled) bool) Number {
	sum, n := 0.0, 0.0
	for _, m := range population {
		if m.counts() && wanted(m) {
			sum += m.Verdict.Score
			n++
		}
	}
	return ratio(sum, n)
}

// best is the score of the member with the highest value, the first of equals;
// null if none has a value.
func best(population []sampled, value func(sampled) (float64, bool)) Number {
	top, score := math.Inf(-1), math.NaN()
	for _, m := range population {
		if !m.counts() {
			continue
		}
		if v, ok := value(m); ok && v > top {
			top, score = v, m.Verdict.Score
		}
	}
	return Number(score)
}

// sureness is the mean log-probability of a token.
func (r *Record) sureness() float64 {
	sum := 0.0
	for _, lp := range r.Logprobs.unpack() {
		sum += float64(lp)
	}
	return sum / float64(max(1, r.tokens()))
}

// camp is the rollouts that give one answer.
type camp struct {
	first *Record
	votes int
}

// gather groups rollouts by their answers, each with the first of its kind, in
// order of the firsts. Rollouts without an answer belong nowhere.
func gather(population []sampled, same func(a, b string) bool) []camp {
	var camps []camp
	for _, m := range population {
		if !m.counts() || m.Verdict.Answer == "" {
			continue
		}
		at := -1
		for i, c := range camps {
			if c.first.Verdict.Answer == m.Verdict.Answer || same(c.first.Verdict.Answer, m.Verdict.Answer) {
				at = i
				break
			}
		}
		if at < 0 {
			at = len(camps)
			camps = append(camps, camp{first: m.Record})
		}
		camps[at].votes++
	}
	return camps
}

// majority is the score of the largest camp, the first of equals; nobody voting
// scores 0.
func majority(camps []camp) (score float64) {
	most := 0
	for _, c := range camps {
		if c.votes > most {
			most, score = c.votes, c.first.Verdict.Score
		}
	}
	return score
}

// entropy of the answers in bits: 0 when all agree, log2 n when no two do.
func entropy(camps []camp) float64 {
	total := 0.0
	for _, c := range camps {
		total += float64(c.votes)
	}
	bits := 0.0
	for _, c := range camps {
		p := float64(c.votes) / total
		bits -= p * math.Log2(p)
	}
	return bits
}
