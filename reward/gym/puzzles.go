package gym

import (
	"errors"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

var (
	cryptarithm = Task{"cryptarithm", scoreCryptarithm}
	graphColor  = Task{"graph_color", scoreColoring}
	jugs        = Task{"jugs", scoreJugs}
)

func itoa(n int) string { return strconv.Itoa(n) }

// scoreCryptarithm takes any assignment "A=1,B=2" that solves the sum; one that
// does not scores 0.01, text of another form 0.
func scoreCryptarithm(e *Entry, answer string, _ bool) Result {
	words, err := metaStrings(e, "words_letters")
	if err != nil {
		return badEntry(err)
	}
	result, err := metaText(e, "result_letters")
	if err != nil {
		return badEntry(err)
	}
	leadingZero := string(metaRaw(e, "allow_leading_zero")) == "true"
	digits := map[string]int{}
	for pair := range strings.SplitSeq(answer, ",") {
		letter, number, ok := strings.Cut(pyStrip(pair), "=")
		n, isInt := wholeNumber(number)
		if !ok || !isInt {
			return scored(0, "%s is not of the form A=1", quote(pair))
		}
		digits[pyStrip(letter)] = n
	}
	if why := brokenSum(digits, words, result, leadingZero); why != "" {
		return scored(0.01, "%s", why)
	}
	return scored(1, "the sum holds")
}

// brokenSum says what is wrong with an assignment, "" if nothing is.
func brokenSum(digits map[string]int, words []string, result string, leadingZero bool) string {
	all := append(append([]string(nil), words...), result)
	letters := map[string]bool{}
	for _, w := range all {
		for _, r := range w {
			letters[string(r)] = true
		}
	}
	used := map[int]bool{}
	for _, letter := range slices.Sorted(maps.Keys(digits)) {
		d := digits[letter]
		if !letters[letter] {
			return "the letter " + quote(letter).String() + " is not in the puzzle"
		}
		if d < 0 || d > 9 {
			return "the letter " + letter + " stands for " + itoa(d) + ", which is no digit"
		}
		if used[d] {
			return "the letter " + letter + " has the same digit " + itoa(d) + " as another"
		}
		used[d] = true
	}
	for _, letter := range slices.Sorted(maps.Keys(letters)) {
		if _, ok := digits[letter]; !ok {
			return "the letter " + letter + " has no digit"
		}
	}
	sum := new(big.Int)
	for i, w := range all {
		var b strings.Builder
		for _, r := range w {
			b.WriteByte('0' + byte(digits[string(r)]))
		}
		text := b.String()
		if !leadingZero && text != "" && text[0] == '0' {
			return "the word " + quote(w).String() + " begins with a zero"
		}
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return "an empty word has no value"
		}
		if i < len(words) {
			sum.Add(sum, n)
		} else if sum.Cmp(n) != 0 {
			return "the sum does not hold: it is " + sum.String() + ", not " + text
		}
	}
	return ""
}

// scoreColoring takes any proper colouring of the graph as a JSON object; other
// JSON scores 0.01.
func scoreColoring(e *Entry, answer string, _ bool) Result {
	puzzle, err := readGraph(e)
	if err != nil {
		return badEntry(err)
	}
	v, err := parseJSON(answer)
	if err != nil {
		return scored(0, "not JSON: %v", err)
	}
	if v.kind != kDict {
		return colorList(&v, puzzle.vertices)
	}
	colors := make(map[int]int64, len(puzzle.vertices))
	for _, vertex := range puzzle.vertices {
		if _, ok := v.get(itoa(vertex)); !ok {
			return scored(0.01, "vertex %d has no colour", vertex)
		}
	}
	for _, vertex := range puzzle.vertices {
		c, _ := v.get(itoa(vertex))
		if c.kind == kList || c.kind == kDict {
			return scored(0, "the colour of vertex %d is no number", vertex)
		}
		n := int64(c.float())
		if !c.isNumber() || float64(n) != c.float() || !slices.Contains(puzzle.colors, int(n)) {
			return scored(0.01, "vertex %d has the colour %s, which is not allowed", vertex, quote(c.str()))
		}
		colors[vertex] = n
	}
	for _, edge := range puzzle.edges {
		if colors[edge[0]] == colors[edge[1]] {
			return scored(0.01, "the neighbours %d and %d have the same colour %d", edge[0], edge[1], colors[edge[0]])
		}
	}
	return scored(1, "a proper colouring")
}

// graph is a colouring puzzle.
type graph struct {
	vertices, colors []int
	edges            [][2]int
}

func readGraph(e *Entry) (g graph, err error) {
	puzzle := &Entry{Metadata: metaRaw(e, "puzzle")}
	if g.vertices, err = metaInts(puzzle, "vertices"); err != nil {
		return g, err
	}
	if g.colors, err = metaInts(puzzle, "color_options"); err != nil {
		return g, err
	}
	s := scanner{text: metaRaw(puzzle, "edges")}
	for more := s.eat('[') && !s.eat(']'); more; more = s.eat(',') {
		edge, ok := s.ints()
		if !ok || len(edge) != 2 {
			return g, errors.New("metadata: puzzle: expected edges of two vertices each")
		}
		g.edges = append(g.edges, [2]int{edge[0], edge[1]})
	}
	return g, nil
}

// colorList judges JSON that is no object: a list that names no vertex still is
// JSON, worth 0.01; what cannot be searched for a vertex is worth nothing.
func colorList(v *value, vertices []int) Result {
	if v.kind != kList || len(vertices) == 0 {
		return scored(0, "not an object with a colour for each vertex")
	}
	vertex := vertices[0] // the package looks no further
	for i := range v.list {
		n, ok := v.list[i].whole()
		if ok && int(n) == vertex && vertex >= len(v.list) || v.list[i].kind == kStr && v.list[i].s == itoa(vertex) {
			return scored(0, "a list, not an object with a colour for each vertex")
		}
	}
	return scored(0.01, "a list, not an object with a colour for each vertex")
}

// scoreJugs plays the moves; the target must stand in some jug at the end. A
// game that ends elsewhere scores 0.01, an impossible move 0.
func scoreJugs(e *Entry, answer string, _ bool) Result {
	puzzle := &Entry{Metadata: metaRaw(e, "puzzle")}
	capacities, err := metaInts(puzzle, "jug_capacities")
	if err != nil {
		return badEntry(err)
	}
	target, err := metaInt(puzzle, "target")
	if err != nil {
		return badEntry(err)
	}
	v, err := parseJSON(answer)
	if err != nil {
		return scored(0, "not JSON: %v", err)
	}
	moves, err := v.items()
	if err != nil {
		return scored(0, "no list of moves")
	}
	state := make([]int, len(capacities))
	for i := range moves {
		if moves[i].kind != kStr || !playJugs(state, capacities, moves[i].s) {
			return scored(0, "move %d, %s, is not possible", i+1, quote(moves[i].str()))
		}
	}
	for i, w := range state {
		if w == target {
			return scored(1, "jug %c holds %d after %d moves", 'A'+rune(i), w, len(moves))
		}
	}
	return scored(0.01, "no jug holds %d after %d moves", target, len(moves))
}

// playJugs makes one move; false if there is no such move.
func playJugs(state, capacities []int, move string) bool {
	words := pyFields(move)
	if len(words) < 2 {
		return false
	}
	jug := func(name string) (int, bool) {
		r := []rune(name)
		if len(r) != 1 || r[0] < 'A' || int(r[0]-'A') >= len(state) {
			return 0, false
		}
		return int(r[0] - 'A'), true
	}
	if words[0] == "pour" {
		from, to, ok := strings.Cut(words[1], "->")
		i, ok1 := jug(from)
		j, ok2 := jug(to)
		if !ok || !ok1 || !ok2 {
			return false
		}
		amount := min(state[i], capacities[j]-state[j])
		state[i] -= amount
		state[j] += amount
		return true
	}
	i, ok := jug(words[1])
	switch {
	case ok && words[0] == "fill":
		state[i] = capacities[i]
	case ok && words[0] == "empty":
		state[i] = 0
	default:
		return false
	}
	return true
}
