package gym

import (
	"maps"
	"strings"
)

var knightSwap = Task{"knight_swap", scoreKnightSwap}

// swap is the state of a board of knights.
type swap struct {
	board  map[string][]string // the squares a knight's move away
	pieces map[string]string   // w, B or "" by square
	turn   string
}

// scoreKnightSwap plays a JSON list of "colour,start,end": swapped in at most as
// many moves as the stored solution 1, in more the share; all legal but not
// swapped 0.05; else 0. To an impossible puzzle the answer is "No".
func scoreKnightSwap(e *Entry, answer string, _ bool) Result {
	flag := string(metaRaw(e, "is_possible"))
	if flag != "true" && flag != "false" {
		return badEntryf("metadata: is_possible: expected true or false")
	}
	possible := flag == "true"
	answer = pyStrip(answer)
	no := strings.ToLower(answer) == "no"
	switch {
	case !possible && no:
		return scored(1, "the puzzle is impossible")
	case !possible:
		return scored(0, "the puzzle is impossible, and the answer is not No")
	case no:
		return scored(0, "the puzzle is possible")
	}
	moves, ok := textList(answer)
	if !ok {
		return scored(0, "not a JSON list of moves: %s", quote(answer))
	}
	for i, move := range moves {
		if colour, _, _ := strings.Cut(move, ","); strings.Count(move, ",") != 2 || colour != "w" && colour != "B" {
			return scored(0, "move %d: %s is not of the form colour,start,end", i+1, quote(move))
		}
	}
	s, initial, optimal, err := newSwap(e)
	if err != nil {
		return badEntry(err)
	}
	for i, move := range moves {
		if broken := s.move(move); broken != "" {
			return scored(0, "move %d (%s): %s", i+1, quote(move), broken)
		}
	}
	for square, piece := range initial {
		if s.pieces[square] != otherColour(piece) {
			return scored(0.05, "all %d moves are legal, but the knights are not swapped", len(moves))
		}
	}
	if len(moves) > optimal {
		return scored(float64(optimal)/float64(len(moves)), "swapped in %d moves where %d suffice", len(moves), optimal)
	}
	return scored(1, "swapped in %d moves", len(moves))
}

// otherColour is the piece that shall stand where one stands, "" for none.
func otherColour(piece string) string {
	switch piece {
	case "w":
		return "B"
	case "B":
		return "w"
	}
	return ""
}

func newSwap(e *Entry) (s *swap, initial map[string]string, optimal int, err error) {
	s = &swap{board: map[string][]string{}, pieces: map[string]string{}}
	if s.turn, err = metaText(e, "start_turn"); err != nil {
		return nil, nil, 0, err
	}
	if optimal, err = metaCount(e, "solution"); err != nil {
		return nil, nil, 0, err
	}
	if err := metaObject(e, "board", func(scan *scanner, square string) (ok bool) {
		s.board[square], ok = scan.strings()
		return ok
	}); err != nil {
		return nil, nil, 0, err
	}
	err = metaObject(e, "pieces", func(scan *scanner, square string) bool {
		raw, ok := scan.value()
		switch piece := string(raw); piece {
		case "null":
			s.pieces[square] = ""
		case `"w"`, `"B"`:
			s.pieces[square] = piece[1:2]
		default:
			return false
		}
		return ok
	})
	return s, maps.Clone(s.pieces), optimal, err
}

// textList reads a JSON list of texts.
func textList(text string) (list []string, ok bool) {
	v, err := parseJSON(text)
	if err != nil || v.kind != kList {
		return nil, false
	}
	list = make([]string, len(v.list))
	for i := range v.list {
		if v.list[i].kind != kStr {
			return nil, false
		}
		list[i] = v.list[i].s
	}
	return list, true
}

// move plays "colour,start,end"; broken names the rule in its way.
func (s *swap) move(move string) (broken string) {
	parts := strings.Split(move, ",")
	colour, start, end := parts[0], parts[1], parts[2]
	if colour != s.turn {
		return "it is the turn of " + s.turn
	}
	if s.pieces[start] != colour {
		return "no knight of that colour stands on " + quote(start).String()
	}
	reachable := false
	for _, square := range s.board[start] {
		reachable = reachable || square == end
	}
	if !reachable {
		return quote(end).String() + " is not a knight's move away"
	}
	if s.pieces[end] != "" {
		return quote(end).String() + " is taken"
	}
	s.pieces[end], s.pieces[start] = colour, ""
	s.turn = map[string]string{"w": "B", "B": "w"}[colour]
	return ""
}
