package generate

import (
	"fmt"
	"strconv"

	"github.com/ropewalk/ropewalk/data"
)

// arithmetic is a task on two numbers of n digits. The answer has a fixed width,
// most significant digit first, padded with zeros: a reader of several answers
// can compare them digit by digit.
type arithmetic struct {
	name, sign string
	apply      func(a, b uint64) uint64
	width      func(digits int) int // of the answer
}

var _ Task = arithmetic{}

// addition is "1234+5678=", answered by "06912".
var addition = arithmetic{"addition", "+", func(a, b uint64) uint64 { return a + b }, func(digits int) int { return digits + 1 }}

// multiplication is "12*34=", answered by "0408".
var multiplication = arithmetic{"multiplication", "*", func(a, b uint64) uint64 { return a * b }, func(digits int) int { return 2 * digits }}

func (t arithmetic) Name() string { return t.name }

func (t arithmetic) Options() string {
	return "digits=N of each number, 1 to 9, harder with more; default 4"
}

func (t arithmetic) Space(set map[string]string) (Space, error) {
	s := numbers{arithmetic: t, digits: 4}
	for key, value := range set {
		if key != "digits" {
			return nil, fmt.Errorf("unknown setting %q; known is digits", key)
		}
		var err error
		if s.digits, err = strconv.Atoi(value); err != nil || s.digits < 1 || s.digits > 9 {
			return nil, fmt.Errorf("digits: expected a number from 1 to 9, found %q", value)
		}
	}
	s.low, s.count = 1, 9
	for range s.digits - 1 {
		s.low, s.count = s.low*10, s.count*10
	}
	if s.digits == 1 {
		s.low, s.count = 0, 10
	}
	return s, nil
}

// numbers are all pairs of numbers of exactly so many digits.
type numbers struct {
	arithmetic
	digits     int
	low, count uint64 // the smallest number, and how many there are
}

func (s numbers) Size() uint64 { return s.count * s.count }

func (s numbers) pair(i uint64) (a, b uint64) { return s.low + i/s.count, s.low + i%s.count }

func (s numbers) Problem(i uint64) (data.Problem, error) {
	a, b := s.pair(i)
	exercise := fmt.Sprintf("%d%s%d", a, s.sign, b)
	return data.Problem{
		ID:       data.ProblemID(exercise),
		Question: exercise + "=",
		Gold:     fmt.Sprintf("%0*d", s.width(s.digits), s.apply(a, b)),
		Grader:   "exact",
	}, nil
}

// Key does not know the order: who has seen 12+34 has all but seen 34+12.
func (s numbers) Key(i uint64) (string, error) {
	a, b := s.pair(i)
	return fmt.Sprintf("%d%s%d", min(a, b), s.sign, max(a, b)), nil
}
