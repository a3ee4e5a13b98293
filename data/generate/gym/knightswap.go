package gym

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

var knightSwap = Task{
	Name: "knight_swap",
	Settings: []Setting{
		{"size", 8, 5, 12, "squares of the board"},
		{"pieces", 2, 1, 3, "knights of each colour"},
		{"steps", 4, 1, 30, "moves of the shortest solution at least"},
		{"impossible", 20, 0, 100, "percent of puzzles without a solution"},
	},
	Throws: 2000,
	Make:   makeKnightSwap,
}

// knights is a board of numbered squares.
type knights struct {
	names []string
	next  [][]int // squares a knight's move away
}

// position is who stands where, as bits by square, and whose turn it is.
type position struct {
	white, black uint16
	blackTurn    bool
}

func makeKnightSwap(r *rand.Rand, set map[string]int) (Entry, bool) {
	if 2*set["pieces"] > set["size"] {
		return Entry{}, false
	}
	k := newKnights(r, set["size"])
	if !k.connected() {
		return Entry{}, false
	}
	order := r.Perm(len(k.names))
	var start position
	for i, square := range order[:2*set["pieces"]] {
		if i%2 == 0 {
			start.white |= 1 << square
		} else {
			start.black |= 1 << square
		}
	}
	start.blackTurn = r.IntN(2) == 1
	impossible := r.IntN(100) < set["impossible"]
	path := k.solve(start)
	if impossible != (path == nil) || !impossible && len(path) < set["steps"] {
		return Entry{}, false
	}
	return k.entry(start, path), true
}

func newKnights(r *rand.Rand, n int) *knights {
	k := &knights{next: make([][]int, n)}
	for _, i := range r.Perm(12)[:n] {
		k.names = append(k.names, string(rune('A'+i/3))+string(rune('1'+i%3)))
	}
	slices.Sort(k.names)
	for i, a := range k.names {
		for j, b := range k.names {
			dx, dy := int(a[0])-int(b[0]), int(a[1])-int(b[1])
			if dx*dx+dy*dy == 5 {
				k.next[i] = append(k.next[i], j)
			}
		}
	}
	return k
}

func (k *knights) connected() bool {
	seen := uint16(1)
	for todo := []int{0}; len(todo) > 0; todo = todo[1:] {
		for _, j := range k.next[todo[0]] {
			if seen>>j&1 == 0 {
				seen |= 1 << j
				todo = append(todo, j)
			}
		}
	}
	return seen == 1<<len(k.names)-1
}

// solve finds a shortest solution, nil if there is none. Each move is a pair of
// squares.
func (k *knights) solve(start position) [][2]int {
	type step struct {
		before position
		move   [2]int
	}
	from := map[position]step{start: {}}
	for todo := []position{start}; len(todo) > 0; todo = todo[1:] {
		p := todo[0]
		if p.white == start.black && p.black == start.white {
			var path [][2]int
			for p != start {
				path = append(path, from[p].move)
				p = from[p].before
			}
			slices.Reverse(path)
			return path
		}
		for i := range k.names {
			own := p.white
			if p.blackTurn {
				own = p.black
			}
			if own>>i&1 == 0 {
				continue
			}
			for _, j := range k.next[i] {
				if (p.white|p.black)>>j&1 == 1 {
					continue
				}
				q := position{p.white, p.black, !p.blackTurn}
				if p.blackTurn {
					q.black ^= 1<<i | 1<<j
				} else {
					q.white ^= 1<<i | 1<<j
				}
				if _, seen := from[q]; !seen {
					from[q] = step{p, [2]int{i, j}}
					todo = append(todo, q)
				}
			}
		}
	}
	return nil
}

func (k *knights) entry(start position, path [][2]int) Entry {
	board := map[string][]string{}
	pieces := map[string]any{}
	for i, name := range k.names {
		board[name] = []string{}
		for _, j := range k.next[i] {
			board[name] = append(board[name], k.names[j])
		}
		switch {
		case start.white>>i&1 == 1:
			pieces[name] = "w"
		case start.black>>i&1 == 1:
			pieces[name] = "B"
		default:
			pieces[name] = nil
		}
	}
	colours := [2]string{"w", "B"}
	turn := 0
	if start.blackTurn {
		turn = 1
	}
	answer := "No"
	var solution [][]string
	var moves []string
	for n, m := range path {
		move := []string{colours[(turn+n)%2], k.names[m[0]], k.names[m[1]]}
		solution = append(solution, move)
		moves = append(moves, strings.Join(move, ","))
	}
	if path != nil {
		text, _ := json.Marshal(moves) // strings always marshal
		answer = string(text)
	}
	question := fmt.Sprintf("Knights stand on a board of %d squares:\n\n%s\nThe white knights (w) shall stand where the black ones (B) stand now, and the other way round. "+
		"Knights move as in chess, onto empty squares of the board only (a . is an empty square, a blank is no square). The colours take turns; %s begins.\n"+
		"Answer with a JSON list of moves \"colour,from,to\", such as [\"w,A1,B3\", \"B,C2,A1\"], as short as you can, or with No if it cannot be done.",
		len(k.names), k.draw(pieces), colours[turn])
	return Entry{question, answer, map[string]any{
		"board": board, "pieces": pieces, "start_turn": colours[turn], "solution": solution, "is_possible": path != nil, "num_steps": len(path),
		"board_states": boardStates(pieces, solution),
	}}
}

// boardStates gives the pieces before and after each move, nil without moves.
func boardStates(pieces map[string]any, solution [][]string) []map[string]any {
	if solution == nil {
		return nil
	}
	states := []map[string]any{pieces}
	for _, move := range solution {
		next := maps.Clone(states[len(states)-1])
		next[move[2]], next[move[1]] = next[move[1]], nil
		states = append(states, next)
	}
	return states
}

func (k *knights) draw(pieces map[string]any) string {
	var b strings.Builder
	for row := '3'; row >= '1'; row-- {
		fmt.Fprintf(&b, "%c ", row)
		for column := 'A'; column <= 'D'; column++ {
			piece, ok := pieces[string(column)+string(row)]
			switch {
			case !ok:
				b.WriteString("  ")
			case piece == nil:
				b.WriteString(". ")
			default:
				fmt.Fprintf(&b, "%s ", piece)
			}
		}
		b.WriteString("\n")
	}
	return b.String() + "  A B C D\n"
}
