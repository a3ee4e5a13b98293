package gym

import (
	"math/rand/v2"
	"slices"
	"strings"
)

var sokoban = Task{
	Name: "sokoban",
	Settings: []Setting{
		{"size", 7, 5, 14, "width and height, walls included"},
		{"boxes", 2, 1, 8, "boxes"},
		{"moves", 8, 1, 200, "moves of the answer at least"},
		{"steps", 150, 10, 2000, "steps of the walk backwards from the solved board"},
	},
	Make: makeSokoban,
}

// room is a Sokoban board with walls around it.
type room struct {
	side              int
	wall, goal, boxes []bool
	at                int
}

// makeSokoban walks backwards from a solved board, pulling boxes; the way back,
// without its loops, is the answer.
func makeSokoban(r *rand.Rand, set map[string]int) (Entry, bool) {
	m, ok := newRoom(r, set["size"], set["boxes"])
	if !ok {
		return Entry{}, false
	}
	path := m.walkBack(r, set["steps"])
	off := 0
	for i, b := range m.boxes {
		if b && !m.goal[i] {
			off++
		}
	}
	if off*2 < set["boxes"] || len(path) < set["moves"] { // half of the boxes at least must be moved
		return Entry{}, false
	}
	slices.Reverse(path)
	text := m.String()
	question := "Solve this Sokoban board. The player pushes boxes, one at a time, never pulls, until each box stands on a goal.\n" +
		"* player, % player on a goal, @ box, $ box on a goal, X goal, + wall, - floor\n" +
		"Answer with the moves as one string of the letters L, R, U and D, such as LDURRUDL.\n\n" + text
	return Entry{question, string(path), map[string]any{"gamestr": text, "width": m.side, "height": m.side}}, true
}

func newRoom(r *rand.Rand, side, boxes int) (*room, bool) {
	n := side * side
	m := &room{side: side, wall: make([]bool, n), goal: make([]bool, n), boxes: make([]bool, n)}
	var floor []int
	for i := range n {
		x, y := i%side, i/side
		m.wall[i] = x == 0 || y == 0 || x == side-1 || y == side-1 || r.IntN(6) == 0
		if !m.wall[i] {
			floor = append(floor, i)
		}
	}
	if len(floor) < 2*boxes+3 {
		return nil, false
	}
	floor = shuffled(r, floor)
	for _, i := range floor[:boxes] {
		m.goal[i], m.boxes[i] = true, true
	}
	m.at = floor[boxes]
	return m, true
}

// steps in the order of their letters.
const stepLetters = "LRUD"

func (m *room) offsets() [4]int { return [4]int{-1, 1, -m.side, m.side} }

// walkBack undoes random moves and returns them, the last undone last.
func (m *room) walkBack(r *rand.Rand, steps int) []byte {
	var path []byte
	seen := map[string]int{m.state(): 0}
	for range steps {
		d := r.IntN(4)
		step := m.offsets()[d]
		behind, ahead := m.at-step, m.at+step
		if m.wall[behind] || m.boxes[behind] {
			continue
		}
		if m.boxes[ahead] && r.IntN(4) > 0 { // the undone move pushed this box
			m.boxes[ahead], m.boxes[m.at] = false, true
		}
		m.at = behind
		path = append(path, stepLetters[d])
		state := m.state()
		if before, loop := seen[state]; loop {
			path = path[:before]
			for s, n := range seen {
				if n > before {
					delete(seen, s)
				}
			}
		}
		seen[state] = len(path)
	}
	return path
}

func (m *room) state() string {
	b := make([]byte, 0, 16)
	b = append(b, byte(m.at))
	for i, box := range m.boxes {
		if box {
			b = append(b, byte(i))
		}
	}
	return string(b)
}

func (m *room) String() string {
	var b strings.Builder
	for i := range m.wall {
		cell := "-"
		switch {
		case m.wall[i]:
			cell = "+"
		case m.boxes[i] && m.goal[i]:
			cell = "$"
		case m.boxes[i]:
			cell = "@"
		case m.at == i && m.goal[i]:
			cell = "%"
		case m.at == i:
			cell = "*"
		case m.goal[i]:
			cell = "X"
		}
		b.WriteString(cell)
		if (i+1)%m.side == 0 {
			b.WriteString("\n")
		} else {
			b.WriteString(" ")
		}
	}
	return b.String()
}
