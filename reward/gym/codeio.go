package gym

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

var codeio = Task{"codeio", scoreCodeIO}

// scoreCodeIO wants the stored text, or a JSON object equal to the stored one:
// text around the object costs, an object that differs scores by the edit
// distance of the two trees, at least 0.01.
func scoreCodeIO(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold, answer := pyStrip(*e.Answer), pyStrip(answer)
	if answer == gold && answer != "" {
		return scored(1, "equal to the stored answer")
	}
	open, end := strings.IndexByte(answer, '{'), strings.LastIndexByte(answer, '}')
	if open < 0 || end < 0 {
		return scored(0, "%s holds no JSON object", quote(answer))
	}
	goldLen := float64(runeLen(gold))
	got, err := parseJSON(answer[min(open, end+1) : end+1])
	want, errGold := parseJSON(gold)
	if open > end || err != nil || errGold != nil {
		if gold != "" && strings.Contains(answer, gold) {
			return scored(goldLen/float64(runeLen(answer)), "contains the stored answer among other text")
		}
		return scored(0, "no JSON object: %v", err)
	}
	extra := float64(runeLen(answer[:open]) + runeLen(answer[end+1:]))
	most := max(goldLen/(goldLen+0.5*extra), 0.2)
	if got.equal(&want) {
		return scored(most, "the right object, with %v characters around it", extra)
	}
	similarity, ok := similar(&got, &want)
	if !ok {
		return scored(0.01, "a JSON object too large to compare with the stored one")
	}
	return scored(max(similarity*most, 0.01), "a JSON object like the stored one by %.3g", similarity)
}

// maxEdits bounds the work of comparing two trees and their labels.
const maxEdits = 1 << 24

// similar is 1 less the edit distance over a fifth of the longer JSON text; ok is
// false if that is too much work.
func similar(a, b *value) (similarity float64, ok bool) {
	x, y := flatten(a), flatten(b)
	budget := maxEdits
	distance, ok := editDistance(x, y, &budget)
	if !ok {
		return 0, false
	}
	longest := float64(max(len(a.json()), len(b.json())))
	return max(0, 1-distance/(0.2*longest)), true
}

// tree is an ordered tree in post-order: labels, and for each node the first
// leaf below it.
type tree struct {
	labels []label
	first  []int
}

// label is the text of a node; a leaf's holds its value after the first colon.
type label struct {
	text       []rune
	colon      int // place of the first colon, -1 if there is none
	key, value string
}

func flatten(v *value) *tree {
	t := &tree{}
	t.add(v, "root")
	return t
}

func (t *tree) add(v *value, name string) {
	first := len(t.labels)
	text := name
	switch v.kind {
	case kDict:
		order := make([]int, len(v.keys()))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(i, j int) int { return strings.Compare(v.list[i].s, v.list[j].s) })
		for _, i := range order {
			t.add(&v.values()[i], v.list[i].s)
		}
	case kList:
		for i := range v.list {
			t.add(&v.list[i], "item_"+itoa(i))
		}
	default:
		text = name + ":" + v.str()
	}
	t.labels = append(t.labels, newLabel(text))
	t.first = append(t.first, first)
}

func newLabel(text string) label {
	l := label{text: []rune(text), colon: strings.IndexByte(text, ':')}
	if l.colon >= 0 {
		l.key, l.value = text[:l.colon], text[l.colon+1:]
	}
	return l
}

// keyRoots are the nodes that no other shares its first leaf with further up.
func (t *tree) keyRoots() []int {
	last := map[int]int{}
	for i, f := range t.first {
		last[f] = i
	}
	roots := make([]int, 0, len(last))
	for _, i := range last {
		roots = append(roots, i)
	}
	slices.Sort(roots)
	return roots
}

// editDistance is the tree edit distance of Zhang and Shasha (1989), with the
// package's costs: the length of a label to insert or remove it.
func editDistance(a, b *tree, budget *int) (float64, bool) {
	n, m := len(a.labels), len(b.labels)
	if *budget -= n * m; *budget < 0 {
		return 0, false
	}
	update := make([]float64, n*m)
	for i := range a.labels {
		for j := range b.labels {
			cost, ok := labelDistance(&a.labels[i], &b.labels[j], budget)
			if !ok {
				return 0, false
			}
			update[i*m+j] = cost
		}
	}
	z := zhangShasha{a: a, b: b, update: update, dist: make([]float64, n*m), fd: make([]float64, (n+1)*(m+1))}
	for _, i := range a.keyRoots() {
		for _, j := range b.keyRoots() {
			if *budget -= (i - a.first[i] + 1) * (j - b.first[j] + 1); *budget < 0 {
				return 0, false
			}
			z.forest(i, j)
		}
	}
	return z.dist[n*m-1], true
}

type zhangShasha struct {
	a, b             *tree
	update, dist, fd []float64
}

// forest fills the distances of the subtrees of nodes i and j.
func (z *zhangShasha) forest(i, j int) {
	a, b := z.a, z.b
	fi, fj := a.first[i], b.first[j]
	m, width := len(b.labels), j-fj+2
	fd := z.fd
	fd[0] = 0
	for x := fi; x <= i; x++ {
		fd[(x-fi+1)*width] = fd[(x-fi)*width] + float64(len(a.labels[x].text))
	}
	for y := fj; y <= j; y++ {
		fd[y-fj+1] = fd[y-fj] + float64(len(b.labels[y].text))
	}
	for x := fi; x <= i; x++ {
		row := (x - fi + 1) * width
		for y := fj; y <= j; y++ {
			at := row + y - fj + 1
			best := min(fd[at-width]+float64(len(a.labels[x].text)), fd[at-1]+float64(len(b.labels[y].text)))
			if a.first[x] == fi && b.first[y] == fj {
				fd[at] = min(best, fd[at-width-1]+z.update[x*m+y])
				z.dist[x*m+y] = fd[at]
			} else {
				fd[at] = min(best, fd[(a.first[x]-fi)*width+b.first[y]-fj]+z.dist[x*m+y])
			}
		}
	}
}

// labelDistance is what it costs to turn one label into another: the edit
// distance of texts, but of two numbers their relative difference.
func labelDistance(a, b *label, budget *int) (float64, bool) {
	if a.colon < 0 || b.colon < 0 {
		d, ok := levenshtein(a.text, b.text, budget)
		return float64(d), ok
	}
	keys, values := 0, 0
	ok := true
	if a.key != b.key {
		keys, ok = levenshtein([]rune(a.key), []rune(b.key), budget)
	}
	if a.value == b.value || !ok {
		return float64(keys), ok
	}
	x, y := []rune(a.value), []rune(b.value)
	if isNumeric(strings.ReplaceAll(a.value, ".", "")) && isNumeric(strings.ReplaceAll(b.value, ".", "")) {
		f, ok1 := pyFloat(a.value)
		g, ok2 := pyFloat(b.value)
		if ok1 && ok2 {
			f, g = math.Abs(f), math.Abs(g)
			return float64(keys) + float64(max(len(x), len(y)))*math.Abs((f-g)/max(min(f, g), 10e-5)), true
		}
	}
	values, ok = levenshtein(x, y, budget)
	if (isNumeric(a.value) || isNumeric(b.value)) &&
		!(isNumeric(strings.ReplaceAll(a.value, ".", "")) && isNumeric(strings.ReplaceAll(b.value, ".", ""))) {
		values += max(len(a.text), len(b.text))
	}
	return float64(keys + values), ok
}

// isNumeric is str.isnumeric.
func isNumeric(s string) bool {
	for _, r := range s {
		if !unicode.IsNumber(r) {
			return false
		}
	}
	return s != ""
}

// levenshtein is the edit distance of two texts; ok is false if the budget is
// used up.
func levenshtein(a, b []rune, budget *int) (distance int, ok bool) {
	if *budget -= len(a) * len(b); *budget < 0 {
		return 0, false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range b {
			cost := diagonal
			if r != s {
				cost = 1 + min(row[j+1], row[j], diagonal)
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)], true
}
