package gym

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

var countdown = Task{
	Name: "countdown",
	Settings: []Setting{
		{"size", 4, 2, 10, "numbers"},
		{"largest", 100, 5, 1000, "largest number"},
		{"least", 10, 1, 1000, "smallest target"},
		{"most", 999, 1, 100000, "largest target"},
	},
	Make: makeCountdown,
}

var puzzle24 = Task{
	Name:     "puzzle24",
	Settings: []Setting{{"size", 10, 4, 10, "largest number"}},
	Make:     makePuzzle24,
}

var basicArithmetic = Task{
	Name:     "basic_arithmetic",
	Settings: []Setting{{"size", 4, 2, 20, "terms"}, {"digits", 2, 1, 6, "digits of a term"}},
	Make:     makeArithmetic,
}

var numberSequence = Task{
	Name:     "number_sequence",
	Settings: []Setting{{"size", 6, 4, 20, "terms shown"}, {"complexity", 2, 1, 4, "how involved the rule is at most"}},
	Make:     makeSequence,
}

// operand is a number with the expression that makes it.
type operand struct {
	value int
	text  string
	sum   bool // its last operation is + or -
	atom  bool // a number as given
}

func atoms(numbers []int) []operand {
	list := make([]operand, len(numbers))
	for i, n := range numbers {
		list[i] = operand{value: n, text: strconv.Itoa(n), atom: true}
	}
	return list
}

// combine joins two operands by a random operation whose result is a whole
// number from 1 to a million.
func combine(r *rand.Rand, a, b operand) (operand, bool) {
	op := pick(r, []byte("+-*/"))
	value := 0
	switch op {
	case '+':
		value = a.value + b.value
	case '-':
		value = a.value - b.value
	case '*':
		value = a.value * b.value
	case '/':
		if b.value == 0 || a.value%b.value != 0 {
			return operand{}, false
		}
		value = a.value / b.value
	}
	if value < 1 || value > 1_000_000 {
		return operand{}, false
	}
	left, right := a.text, b.text
	product := op == '*' || op == '/'
	if product && a.sum {
		left = "(" + left + ")"
	}
	if !b.atom && (op != '+') && (b.sum || op == '/' || op == '*') {
		right = "(" + right + ")"
	}
	return operand{value, fmt.Sprintf("%s %c %s", left, op, right), !product, false}, true
}

// tree combines all operands into one.
func tree(r *rand.Rand, list []operand) (operand, bool) {
	list = shuffled(r, list)
	for len(list) > 1 {
		i := r.IntN(len(list) - 1)
		x, ok := combine(r, list[i], list[i+1])
		if !ok {
			return operand{}, false
		}
		list = slices.Replace(list, i, i+2, x)
	}
	return list[0], true
}

const arithmeticAnswer = "Answer with the expression alone, made of the numbers, + - * / and parentheses, without an equals sign."

func makeCountdown(r *rand.Rand, set map[string]int) (Entry, bool) {
	numbers := make([]int, set["size"])
	for i := range numbers {
		numbers[i] = between(r, 1, set["largest"])
	}
	x, ok := tree(r, atoms(numbers))
	if !ok || x.value < set["least"] || x.value > set["most"] {
		return Entry{}, false
	}
	return Entry{
		fmt.Sprintf("Make %d from the numbers %s, using each of them exactly once.\n%s", x.value, join(numbers, ", "), arithmeticAnswer),
		x.text, map[string]any{"numbers": numbers, "target": x.value, "expression": x.text},
	}, true
}

func makePuzzle24(r *rand.Rand, set map[string]int) (Entry, bool) {
	numbers := make([]int, 4)
	for i := range numbers {
		numbers[i] = between(r, 1, set["size"])
	}
	x, ok := tree(r, atoms(numbers))
	if !ok || x.value != 24 {
		return Entry{}, false
	}
	return Entry{
		fmt.Sprintf("Make 24 from the numbers %s, using each of them exactly once.\n%s", join(numbers, ", "), arithmeticAnswer),
		x.text, map[string]any{"numbers": numbers},
	}, true
}

func makeArithmetic(r *rand.Rand, set map[string]int) (Entry, bool) {
	low, high := 0, 9
	for range set["digits"] - 1 {
		low, high = max(1, low)*10, high*10+9
	}
	list := make([]operand, set["size"])
	for i := range list {
		n := between(r, low, high)
		list[i] = operand{value: n, text: strconv.Itoa(n), atom: true}
	}
	for len(list) > 1 { // sums of any sign, products now and then
		i := r.IntN(len(list) - 1)
		a, b := list[i], list[i+1]
		x := operand{sum: true}
		right := b.text
		switch k := r.IntN(5); {
		case k < 2:
			x.value, x.text = a.value+b.value, a.text+" + "+right
		case k < 4:
			if b.sum {
				right = "(" + right + ")"
			}
			x.value, x.text = a.value-b.value, a.text+" - "+right
		default:
			left := a.text
			if a.sum {
				left = "(" + left + ")"
			}
			if b.sum {
				right = "(" + right + ")"
			}
			x = operand{value: a.value * b.value, text: left + " * " + right}
		}
		if x.value > 1_000_000_000_000 || x.value < -1_000_000_000_000 {
			return Entry{}, false
		}
		list = slices.Replace(list, i, i+2, x)
	}
	x := list[0]
	return Entry{"Calculate " + x.text + ". Answer with the number alone.", strconv.Itoa(x.value),
		map[string]any{"expression": x.text, "num_terms": set["size"], "num_digits": set["digits"]}}, true
}

// sequence is a rule for the next number after the last two, at place i.
type sequence struct {
	name string
	next func(before, last, i int) int
}

func sequenceRule(r *rand.Rand, complexity int) sequence {
	a, b := between(r, 2, 9), between(r, -9, 9)
	m := between(r, 2, 3)
	switch complexity {
	case 1:
		return sequence{fmt.Sprintf("add %d", a*sign(b)), func(_, last, _ int) int { return last + a*sign(b) }}
	case 2:
		if r.IntN(2) == 0 {
			return sequence{fmt.Sprintf("multiply by %d, add %d", m, b), func(_, last, _ int) int { return m*last + b }}
		}
		return sequence{fmt.Sprintf("add %d times the place", a), func(_, last, i int) int { return last + a*i }}
	case 3:
		if r.IntN(2) == 0 {
			return sequence{fmt.Sprintf("add the last two and %d", b), func(before, last, _ int) int { return before + last + b }}
		}
		return sequence{fmt.Sprintf("add %d and multiply by %d in turn", a, -m), func(_, last, i int) int {
			if i%2 == 1 {
				return last + a
			}
			return last * -m
		}}
	}
	return sequence{fmt.Sprintf("%d times the last minus the one before, and %d times the place", m, b), func(before, last, i int) int { return m*last - before + b*i }}
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

func makeSequence(r *rand.Rand, set map[string]int) (Entry, bool) {
	complexity := between(r, 1, set["complexity"])
	rule := sequenceRule(r, complexity)
	terms := []int{between(r, -10, 10), 0}
	terms[1] = rule.next(0, terms[0], 1)
	for i := 2; i <= set["size"]; i++ {
		next := rule.next(terms[i-2], terms[i-1], i)
		if next > 1_000_000_000 || next < -1_000_000_000 {
			return Entry{}, false
		}
		terms = append(terms, next)
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(terms))); len(distinct) < 3 {
		return Entry{}, false
	}
	shown := terms[:set["size"]]
	return Entry{"Which number comes next? " + join(shown, ", ") + ", ?\nAnswer with the number alone.", strconv.Itoa(terms[set["size"]]),
		map[string]any{"rule": rule.name, "complexity": complexity, "sequence": terms}}, true
}
