// Package generate makes datasets of small tasks, seeded, for demonstrations and
// tests. A [Task] is a value in [Tasks]; adding one touches one file and one line.
package generate

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// Task is a family of problems.
type Task interface {
	Name() string
	// Options describes what may be set, for the help text.
	Options() string
	// Space gives the problems of one setting; nil leaves all at their defaults.
	Space(set map[string]string) (Space, error)
}

// Space is a finite, numbered set of problems.
type Space interface {
	Size() uint64 // how many; at most 2^62
	// Problem is number i, without a dataset; its ID is unique within the task. An
	// error says that the settings hold no such problem.
	Problem(i uint64) (data.Problem, error)
	// Key is what must not be both trained on and tested with: problems with equal
	// keys fall into the same split.
	Key(i uint64) (string, error)
}

// Tasks lists the tasks there are.
func Tasks() []Task {
	return append([]Task{addition, multiplication}, gymTasks()...)
}

// Find looks a task up by name.
func Find(name string) (Task, error) {
	var known []string
	for _, t := range Tasks() {
		if t.Name() == name {
			return t, nil
		}
		known = append(known, t.Name())
	}
	return nil, fmt.Errorf("unknown task %q; known are %s", name, strings.Join(known, ", "))
}

// Splits a dataset may be made of.
const (
	Train   = "train"
	HeldOut = "heldout"
	All     = "all"
)

// heldOutOf is the share of held-out problems, one in so many.
const heldOutOf = 8

// Options say which problems of a task to make.
type Options struct {
	N     int
	Seed  int64
	Split string            // train, heldout or all
	Set   map[string]string // of the task
}

// Generate draws N distinct problems of a task at random: a pure function of its
// arguments, of which a larger N only adds to the end. Which split a problem falls
// into depends on the problem alone, so that train and heldout never overlap,
// whatever their seeds. Asking for more problems than there are is an error. A
// task that numbers throws of dice (gym/…) may give a problem under several
// numbers; the ids differ.
func Generate(t Task, o Options) ([]data.Problem, error) {
	if o.N < 1 {
		return nil, fmt.Errorf("%d problems asked for, expected at least 1", o.N)
	}
	if o.Split != Train && o.Split != HeldOut && o.Split != All {
		return nil, fmt.Errorf("unknown split %q; known are %s, %s, %s", o.Split, Train, HeldOut, All)
	}
	space, err := t.Space(o.Set)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name(), err)
	}
	numbers, err := draw(space, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name(), err)
	}
	problems := make([]data.Problem, len(numbers))
	for i, number := range numbers {
		if problems[i], err = space.Problem(number); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name(), err)
		}
		problems[i].Dataset = t.Name()
		problems[i].ID = data.ProblemID(t.Name()) + "/" + problems[i].ID
	}
	return problems, nil
}

// enumerable is the largest space that is listed in full; in a larger one, random
// draws until enough are distinct are quick.
const enumerable = 1 << 20

func draw(s Space, o Options) ([]uint64, error) {
	r := rand.New(rand.NewPCG(uint64(o.Seed), 0x726f7065))
	if s.Size() > enumerable {
		return drawSparse(s, o, r)
	}
	var all []uint64
	for i := range s.Size() {
		in, err := inSplit(s, i, o.Split)
		if err != nil {
			return nil, err
		}
		if in {
			all = append(all, i)
		}
	}
	if o.N > len(all) {
		return nil, fmt.Errorf("%d problems asked for, but the split %s has %d with these settings", o.N, o.Split, len(all))
	}
	for i := range o.N {
		j := i + r.IntN(len(all)-i)
		all[i], all[j] = all[j], all[i]
	}
	return all[:o.N], nil
}

// drawSparse draws without replacement from a space far larger than N.
func drawSparse(s Space, o Options, r *rand.Rand) ([]uint64, error) {
	// A quarter of the smaller split: few draws are in vain.
	if most := s.Size() / heldOutOf / 4; uint64(o.N) > most {
		return nil, fmt.Errorf("%d problems asked for, expected at most %d with these settings", o.N, most)
	}
	seen := make(map[uint64]bool, o.N)
	numbers := make([]uint64, 0, o.N)
	for vain := 0; len(numbers) < o.N; {
		// One draw in eight is held out; one in a few hundred, and the settings hold
		// too few problems to fill both splits.
		if vain > 500*(len(numbers)+10) {
			return nil, fmt.Errorf("the split %s has hardly any problems with these settings", o.Split)
		}
		i := r.Uint64N(s.Size())
		in, err := inSplit(s, i, o.Split)
		if err != nil {
			return nil, err
		}
		if seen[i] || !in {
			vain++
			continue
		}
		seen[i] = true
		numbers = append(numbers, i)
	}
	return numbers, nil
}

// inSplit reports whether problem i is in a split.
func inSplit(s Space, i uint64, split string) (bool, error) {
	if split == All {
		return true, nil
	}
	key, err := s.Key(i)
	return splitOf(key) == split, err
}

// splitOf decides by a hash, so that no list of held-out problems has to be kept.
func splitOf(key string) string {
	h := fnv.New64a()
	h.Write([]byte(key))
	z := h.Sum64()
	// FNV's low bits follow the last characters closely; mix as SplitMix64 does.
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	if (z^z>>31)%heldOutOf == 0 {
		return HeldOut
	}
	return Train
}
