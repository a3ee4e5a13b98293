package gym

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

var rushHour = Task{
	Name: "rush_hour",
	Settings: []Setting{
		{"size", 8, 2, 12, "cars besides car A"},
		{"moves", 4, 1, 25, "moves of the shortest solution at least"},
	},
	Throws: 4000,
	Make:   makeRushHour,
}

// The board is 6 by 6; car A leaves it on the right of its third row.
const (
	rushSide  = 6
	rushCells = rushSide * rushSide
	maxRush   = 30_000 // positions searched before a board is given up
)

// traffic is a position: the letter of the car on each cell, o for none.
type traffic [rushCells]byte

func makeRushHour(r *rand.Rand, set map[string]int) (Entry, bool) {
	start, ok := newTraffic(r, set["size"])
	if !ok {
		return Entry{}, false
	}
	moves := start.solve()
	if len(moves) < set["moves"] {
		return Entry{}, false
	}
	var board strings.Builder
	for i, c := range start {
		if c == 'o' {
			c = '.'
		}
		board.WriteByte(c)
		if i%rushSide == rushSide-1 {
			board.WriteByte('\n')
		}
	}
	question := "Cars stand on a board of 6 by 6; each is shown by its letter, a . is free. A car moves along its own direction only and through no other car. " +
		"Bring car A to the right edge of its row.\nAnswer with moves such as 'F+1 K-2': the car, + for right or down, - for left or up, and how many cells.\n\n" + board.String()
	return Entry{question, strings.Join(moves, " "), map[string]any{"board_config": string(start[:]), "min_moves": len(moves)}}, true
}

// newTraffic places car A and others. Their letters are in order, as the
// package's scorer names cars by the order of their letters.
func newTraffic(r *rand.Rand, cars int) (*traffic, bool) {
	t := new(traffic)
	for i := range t {
		t[i] = 'o'
	}
	at := 2*rushSide + r.IntN(3)
	t[at], t[at+1] = 'A', 'A'
	for n := range cars {
		if !t.place(r, byte('B'+n)) {
			return nil, false
		}
	}
	return t, true
}

// place puts a car somewhere. No other car lies along car A's row: none could
// ever leave its way.
func (t *traffic) place(r *rand.Rand, letter byte) bool {
	for range 50 {
		size, stride := 2+r.IntN(4)/3, 1
		if r.IntN(2) == 0 {
			stride = rushSide
		}
		x, y := r.IntN(rushSide), r.IntN(rushSide)
		if stride == 1 && (x+size > rushSide || y == 2) || stride > 1 && y+size > rushSide {
			continue
		}
		free := true
		for i := range size {
			free = free && t[y*rushSide+x+i*stride] == 'o'
		}
		if !free {
			continue
		}
		for i := range size {
			t[y*rushSide+x+i*stride] = letter
		}
		return true
	}
	return false
}

// solve finds a shortest solution, a slide of any length counting as one move;
// nil if there is none within the bound.
func (t *traffic) solve() []string {
	type step struct {
		before traffic
		move   string
	}
	from := map[traffic]step{*t: {}}
	for todo := []traffic{*t}; len(todo) > 0 && len(from) < maxRush; todo = todo[1:] {
		p := todo[0]
		if p[2*rushSide+rushSide-1] == 'A' {
			var moves []string
			for p != *t {
				moves = append(moves, from[p].move)
				p = from[p].before
			}
			slices.Reverse(moves)
			return moves
		}
		p.slides(func(q traffic, move string) {
			if _, seen := from[q]; !seen {
				from[q] = step{p, move}
				todo = append(todo, q)
			}
		})
	}
	return nil
}

// slides gives every position one slide away.
func (t traffic) slides(got func(traffic, string)) {
	var done [256]bool
	for i, c := range t {
		if c == 'o' || done[c] {
			continue
		}
		done[c] = true
		stride := rushSide
		if i%rushSide < rushSide-1 && t[i+1] == c {
			stride = 1
		}
		last := i
		for last+stride < rushCells && t[last+stride] == c && (stride > 1 || last%rushSide < rushSide-1) {
			last += stride
		}
		for _, sign := range [2]int{1, -1} {
			q, front, back := t, last, i
			if sign < 0 {
				front, back = i, last
			}
			for n := 1; ; n++ {
				next := front + sign*stride
				if next < 0 || next >= rushCells || stride == 1 && next/rushSide != front/rushSide || q[next] != 'o' {
					break
				}
				q[next], q[back] = c, 'o'
				front, back = next, back+sign*stride
				got(q, fmt.Sprintf("%c%+d", c, sign*n))
			}
		}
	}
}
