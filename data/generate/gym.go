package generate

import (
	"encoding/json"
	"fmt"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/generate/gym"
)

// gymTask is a Reasoning Gym task, gym/NAME: its problems are graded by the gym
// grader.
type gymTask struct{ gym.Task }

var _ Task = gymTask{}

// gymTasks lists them.
func gymTasks() []Task {
	var tasks []Task
	for _, t := range gym.Tasks() {
		tasks = append(tasks, gymTask{t})
	}
	return tasks
}

func (t gymTask) Name() string { return "gym/" + t.Task.Name }

func (t gymTask) Space(given map[string]string) (Space, error) {
	set, err := t.Read(given)
	if err != nil {
		return nil, err
	}
	s := &gymSpace{task: t.Task, set: set}
	_, err = s.entry(0) // settings under which nothing is found are told at once
	return s, err
}

// gymSpace numbers the throws of the dice. Tasks with few problems give some of
// them under several numbers.
type gymSpace struct {
	task gym.Task
	set  map[string]int
	// last is the entry made last: Key and Problem are asked one after the other.
	last   gym.Entry
	number uint64
	made   bool
}

var _ Space = (*gymSpace)(nil)

func (s *gymSpace) Size() uint64 { return 1 << 62 }

func (s *gymSpace) entry(i uint64) (gym.Entry, error) {
	if s.made && s.number == i {
		return s.last, nil
	}
	e, err := s.task.Number(i, s.set)
	s.last, s.number, s.made = e, i, err == nil
	return e, err
}

// gymSystem tells where the gym grader looks for the answer.
const gymSystem = "Think first. Then give your final answer, and nothing else, between <answer> and </answer>."

func (s *gymSpace) Problem(i uint64) (data.Problem, error) {
	e, err := s.entry(i)
	if err != nil {
		return data.Problem{}, err
	}
	meta, err := json.Marshal(struct {
		Name  string    `json:"dataset_name"`
		Entry gym.Entry `json:"entry"`
	}{s.task.Name, e})
	if err != nil {
		return data.Problem{}, fmt.Errorf("entry %d: %w", i, err)
	}
	return data.Problem{ID: data.ProblemID(fmt.Sprint(i)), System: gymSystem, Question: e.Question, Gold: e.Answer, Grader: "gym", Meta: meta}, nil
}

// Key is the question: equal questions fall into one split.
func (s *gymSpace) Key(i uint64) (string, error) {
	e, err := s.entry(i)
	return e.Question, err
}
