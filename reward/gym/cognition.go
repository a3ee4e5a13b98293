package gym

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var (
	colorCube      = Task{"color_cube_rotation", scoreColorCube}
	figletFont     = Task{"figlet_font", scoreFiglet}
	rectangleCount = Task{"rectangle_count", scoreRectangles}
	coinFlip       = Task{"coin_flip", scoreCoin}
)

// scoreColorCube wants the colour, case aside; anything else scores 0.01.
func scoreColorCube(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	if strings.EqualFold(pyStrip(answer), pyStrip(*e.Answer)) {
		return scored(1, "the right colour")
	}
	return scored(0.01, "%s is not the right colour", quote(answer))
}

// scoreFiglet gives 0.1 for each letter that is right at its place, 1 at most.
func scoreFiglet(e *Entry, answer string, _ bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	gold, answer := strings.ToLower(pyStrip(*e.Answer)), strings.ToLower(pyStrip(strings.ReplaceAll(answer, " ", "")))
	if gold == answer {
		return scored(1, "the right word")
	}
	want, got := []rune(gold), []rune(answer)
	right := 0
	for i := range min(len(want), len(got)) {
		if want[i] == got[i] {
			right++
		}
	}
	return scored(min(float64(right)*0.1, 1), "%d of %d letters are right, for 0.1 each", right, len(want))
}

// scoreRectangles gives part of 0.8 for a count that is less than 5 off.
func scoreRectangles(e *Entry, answer string, _ bool) Result {
	const near, most = 5, 0.8
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	want, ok := wholeNumber(strings.ReplaceAll(*e.Answer, "\n", ""))
	if !ok {
		return badEntryf("the stored answer %s is no number", quote(*e.Answer))
	}
	got, ok := wholeNumber(answer)
	if !ok {
		return scored(0, "%s is no whole number", quote(answer))
	}
	distance := math.Abs(float64(got) - float64(want))
	switch {
	case distance == 0:
		return scored(1, "the right count")
	case distance >= near:
		return scored(0, "%d rectangles; there are %d", got, want)
	}
	return scored(most*(1-distance/near), "%d rectangles; there are %d", got, want)
}

// scoreCoin compares probabilities, given as decimals or fractions, within 1e-4;
// otherwise the leading characters that agree score their share of the longer
// decimal. The package takes the share of the shorter one, so that "0" is fully
// right wherever 0.875 is; so does strict. Spaces around the bar are allowed, as
// newer Pythons do; strict refuses them.
func scoreCoin(e *Entry, answer string, strict bool) Result {
	const tolerance = 1e-4
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	g, ok := parseFraction(strings.ReplaceAll(*e.Answer, ",", ""))
	if !ok {
		return badEntryf("the stored answer %s is no number", quote(*e.Answer))
	}
	text := strings.ReplaceAll(answer, ",", "")
	if num, denom, found := strings.Cut(text, "/"); found && !strict {
		text = pyStrip(num) + "/" + pyStrip(denom)
	}
	a, ok := parseFraction(text)
	if !ok {
		return scored(0, "%s is no number", quote(answer))
	}
	got, _ := a.Float64()
	want, _ := g.Float64()
	if math.Abs(got-want) <= tolerance {
		return scored(1, "the right probability")
	}
	x, y := strconv.FormatFloat(got, 'g', 10, 64), strconv.FormatFloat(want, 'g', 10, 64)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	of := max(len(x), len(y))
	if strict {
		of = min(len(x), len(y))
	}
	return scored(float64(n)/float64(of), "%s is not %s; the first %d characters agree", x, y, n)
}

var rubiksCube = Task{"rubiks_cube", scoreRubik}

// Bounds of a cube and of the work on it.
const (
	maxCube      = 16
	maxCubeTurns = 1 << 14
)

// scoreRubik turns the scrambled cube. Solved scores 1, otherwise the share of
// stickers that have the colour of their face's centre, at least 0.05; a move
// that does not exist scores 0.01. (The package means that share too, but fails
// at it with the cube library that it installs: strict gives its 0.01.)
func scoreRubik(e *Entry, answer string, strict bool) Result {
	size, err := metaInt(e, "cube_size")
	if err != nil {
		return badEntry(err)
	}
	scramble, err := metaText(e, "scramble_moves")
	if err != nil {
		return badEntry(err)
	}
	if size < 2 || size > maxCube {
		return badEntryf("metadata: cube_size is %d; expected 2 to %d", size, maxCube)
	}
	c := newCube(size)
	for _, text := range strings.Fields(scramble) {
		m, err := parseTurn(text, size)
		if err != nil {
			return badEntryf("metadata: scramble_moves: %w", err)
		}
		c.turn(m)
	}
	for i, word := range pyFields(answer) {
		base, times, ok := repeated(word)
		if !ok || times == 0 {
			continue // the package passes over it too
		}
		m, err := parseTurn(base, size)
		if err != nil {
			return scored(0.01, "move %d: %v", i+1, err)
		}
		if i >= maxCubeTurns {
			return scored(0.01, "more than %d moves", maxCubeTurns)
		}
		m.count = times % 4
		c.turn(m)
	}
	return c.judge(answer, strict)
}

func (c *cube) judge(answer string, strict bool) Result {
	right, uniform := c.match()
	total := 6 * c.n * c.n
	switch {
	case uniform:
		return scored(1, "solved")
	case strict:
		return scored(0.01, "not solved")
	}
	least := 0.05
	if pyStrip(answer) == "" {
		least = 0.01
	}
	return scored(max(least, float64(right)/float64(total)), "not solved: %d of %d stickers have the colour of their face's centre", right, total)
}

// repeated splits a move from the digits after it: R2 is R, twice. A move with
// digits elsewhere is none.
func repeated(word string) (base string, times int, ok bool) {
	base = strings.TrimRightFunc(word, func(r rune) bool { return digitOf(r) >= 0 })
	if strings.ContainsFunc(base, func(r rune) bool { return digitOf(r) >= 0 }) {
		return "", 0, false
	}
	if base == word {
		return base, 1, true
	}
	digits := asciiDigits(word[len(base):])
	if base == "" || strings.Trim(digits, "0") == "" {
		return base, 0, true
	}
	last, _ := strconv.Atoi(digits[max(0, len(digits)-2):]) // enough to know it modulo 4
	return base, last%4 + 4, true
}

// cube holds, at each place and for each axis, the colour that shows; inner
// places and directions hold 0.
type cube struct {
	n       int
	pieces  [][3]byte // by x·n² + y·n + z
	scratch [][3]byte
}

func newCube(n int) *cube {
	c := &cube{n: n, pieces: make([][3]byte, n*n*n), scratch: make([][3]byte, n*n)}
	for x := range n {
		for y := range n {
			for z := range n {
				p := &c.pieces[(x*n+y)*n+z]
				for axis, at := range [3]int{x, y, z} {
					switch at {
					case 0:
						p[axis] = byte(1 + 2*axis)
					case n - 1:
						p[axis] = byte(2 + 2*axis)
					}
				}
			}
		}
	}
	return c
}

// turn is a quarter turn of some layers about an axis, repeated.
type turn struct {
	axis, from, to int // layers from … to-1
	forward        bool
	count          int
}

// faces gives each move its axis and whether it turns forward; the layers of
// some are counted from the far end.
var faces = map[byte]struct {
	axis    int
	forward bool
	far     bool
}{
	'L': {0, true, false}, 'R': {0, false, true}, 'D': {1, false, false}, 'U': {1, true, true}, 'B': {2, true, false}, 'F': {2, false, true},
	'X': {0, false, false}, 'Y': {1, true, false}, 'Z': {2, false, false}, 'M': {0, true, false}, 'E': {1, false, false}, 'S': {2, false, false},
}

// parseTurn reads a move such as F, B', 2R or 3Rw'2.
func parseTurn(text string, n int) (turn, error) {
	fail := fmt.Errorf("%s is no move", quote(text))
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	rest := text[digits:]
	if rest == "" {
		return turn{}, fail
	}
	face, ok := faces[rest[0]]
	if !ok {
		return turn{}, fail
	}
	middle := strings.IndexByte("MES", rest[0]) >= 0
	whole := strings.IndexByte("XYZ", rest[0]) >= 0
	rest, wide := strings.CutPrefix(rest[1:], "w")
	rest, reversed := strings.CutPrefix(rest, "'")
	t := turn{axis: face.axis, forward: face.forward != reversed, count: 1}
	if len(rest) == 1 && '0' <= rest[0] && rest[0] <= '9' {
		t.count = int(rest[0]-'0') % 4
	} else if rest != "" {
		return turn{}, fail
	}
	layer := 1
	if wide {
		layer = 2
	}
	if digits > 0 {
		layer, ok = wholeNumber(text[:digits])
	}
	switch {
	case !ok || wide && (middle || whole) || middle && n%2 == 0:
		return turn{}, fail
	case middle:
		t.from, t.to = n/2, n/2+1
		return t, nil
	case whole:
		t.from, t.to = 0, n
		return t, nil
	case layer < 1 || layer > n:
		return turn{}, fmt.Errorf("%s: there is no layer %d", quote(text), layer)
	}
	t.from, t.to = layer-1, layer
	if wide {
		t.from = 0
	}
	if face.far {
		t.from, t.to = n-t.to, n-t.from
	}
	return t, nil
}

func (c *cube) turn(t turn) {
	for range t.count {
		for layer := t.from; layer < t.to; layer++ {
			c.quarter(t.axis, layer, t.forward)
		}
	}
}

// quarter turns one layer. Its places are counted along the two other axes, in
// order; the stickers on those change axes too.
func (c *cube) quarter(axis, layer int, forward bool) {
	n := c.n
	stride := [3]int{n * n, n, 1}
	p, q := (axis+1)%3, (axis+2)%3
	if p > q {
		p, q = q, p
	}
	base := layer * stride[axis]
	for i := range n {
		for j := range n {
			from := base + j*stride[p] + (n-1-i)*stride[q]
			if !forward {
				from = base + (n-1-j)*stride[p] + i*stride[q]
			}
			piece := c.pieces[from]
			piece[p], piece[q] = piece[q], piece[p]
			c.scratch[i*n+j] = piece
		}
	}
	for i := range n {
		for j := range n {
			c.pieces[base+i*stride[p]+j*stride[q]] = c.scratch[i*n+j]
		}
	}
}

// match counts the stickers with the colour of their face's centre and says
// whether each face has one colour.
func (c *cube) match() (right int, uniform bool) {
	n := c.n
	stride := [3]int{n * n, n, 1}
	for axis := range 3 {
		p, q := (axis+1)%3, (axis+2)%3
		for _, end := range [2]int{0, n - 1} {
			base := end * stride[axis]
			centre := c.pieces[c.centre(axis, end)][axis]
			for i := range n {
				for j := range n {
					if c.pieces[base+i*stride[p]+j*stride[q]][axis] == centre {
						right++
					}
				}
			}
		}
	}
	return right, right == 6*n*n
}

// centre is the place in the middle of a face: row n/2 from the top and column
// n/2 from the left, as the package looks at it.
func (c *cube) centre(axis, end int) int {
	n, m := c.n, c.n/2
	back := n - 1 - m
	var x, y, z int
	switch {
	case axis == 0 && end == 0:
		x, y, z = end, back, m
	case axis == 0:
		x, y, z = end, back, back
	case axis == 1 && end == 0:
		x, y, z = m, end, back
	case axis == 1:
		x, y, z = m, end, m
	case end == 0:
		x, y, z = back, back, end
	default:
		x, y, z = m, back, end
	}
	return (x*n+y)*n + z
}
