package gym

import (
	"errors"
	"fmt"
	"slices"
)

var rushHour = Task{"rush_hour", scoreRushHour}

// The board of Rush Hour is 6 by 6; car A leaves it on the right of row 3.
const (
	rushSide  = 6
	rushCells = rushSide * rushSide
	rushExit  = 2*rushSide + rushSide - 2
)

// car is a car with its cells position, position+stride, …
type car struct{ position, size, stride int }

// parking is the state of the board. Cars are known by letters in the order of
// their labels, so that the letters of the question count and not the labels.
type parking struct {
	taken [rushCells]bool
	cars  []car
	walls int
}

// scoreRushHour plays every "A+1" or "B-2" in the answer: 1 if car A reaches the
// exit, else 0.01. A move that is blocked goes as far as it can, one of an
// unknown car does nothing. strict has the package's slip: naming the letter just
// after the last car and wall scores 0.
func scoreRushHour(e *Entry, answer string, strict bool) Result {
	config, err := metaText(e, "board_config")
	if err != nil {
		return badEntry(err)
	}
	p, err := newParking(config)
	if err != nil {
		return badEntry(err)
	}
	if answer == "" {
		return scored(0, "the answer is empty")
	}
	moves, note := 0, ""
	for text := answer; ; {
		m, rest, ok := nextRush(text)
		if !ok {
			break
		}
		text = rest
		moves++
		if strict && m.car == len(p.cars)+p.walls {
			return scored(0, "move %d: there is no car %c", moves, 'A'+m.car)
		}
		if broken := p.drive(m); broken != "" && note == "" {
			note = fmt.Sprintf("; move %d (%c%+d): %s", moves, 'A'+m.car, m.steps, broken)
		}
	}
	if p.cars[0].position == rushExit {
		return scored(1, "car A is at the exit after %d moves", moves)
	}
	return scored(0.01, "car A is not at the exit after %d moves%s", moves, note)
}

func newParking(config string) (*parking, error) {
	if len(config) != rushCells {
		return nil, errors.New("metadata: board_config: expected 36 cells")
	}
	p := &parking{}
	cells := map[byte][]int{}
	for i := range len(config) {
		switch c := config[i]; c {
		case 'o':
			continue
		case 'x':
			p.walls++
		default:
			cells[c] = append(cells[c], i)
		}
		p.taken[i] = true
	}
	labels := make([]byte, 0, len(cells))
	for label := range cells {
		labels = append(labels, label)
	}
	slices.Sort(labels)
	for _, label := range labels {
		at := cells[label]
		if len(at) < 2 || len(at) > 3 {
			return nil, fmt.Errorf("metadata: board_config: car %c has %d cells", label, len(at))
		}
		stride := at[1] - at[0]
		if stride != 1 && stride != rushSide || len(at) == 3 && at[2]-at[1] != stride {
			return nil, fmt.Errorf("metadata: board_config: car %c is not straight", label)
		}
		p.cars = append(p.cars, car{at[0], len(at), stride})
	}
	if len(p.cars) == 0 {
		return nil, errors.New("metadata: board_config: no cars")
	}
	return p, nil
}

// rushMove is a car by its number and the steps right or down.
type rushMove struct{ car, steps int }

// nextRush finds the next letter, sign and number.
func nextRush(text string) (m rushMove, rest string, ok bool) {
	for i := 0; i+2 < len(text); i++ {
		if text[i] < 'A' || text[i] > 'Z' || text[i+1] != '+' && text[i+1] != '-' {
			continue
		}
		n, length := 0, 0
		for _, r := range text[i+2:] {
			d := digitOf(r)
			if d < 0 {
				break
			}
			n = min(n*10+d, rushSide) // more steps than the board has are as many
			length += len(string(r))
		}
		if length == 0 {
			continue
		}
		if text[i+1] == '-' {
			n = -n
		}
		return rushMove{int(text[i] - 'A'), n}, text[i+2+length:], true
	}
	return rushMove{}, "", false
}

// drive moves a car as far as it can; broken says why not all the way.
func (p *parking) drive(m rushMove) (broken string) {
	if m.car >= len(p.cars) {
		return "there is no such car"
	}
	c := &p.cars[m.car]
	sign := 1
	if m.steps < 0 {
		sign = -1
	}
	for range m.steps * sign {
		next, leaves := c.position+c.size*c.stride, c.position // forward
		if sign < 0 {
			next, leaves = c.position-c.stride, c.position+(c.size-1)*c.stride
		}
		if next < 0 || next >= rushCells || c.stride == 1 && next/rushSide != c.position/rushSide {
			return "the board ends"
		}
		if p.taken[next] {
			return "the way is blocked"
		}
		p.taken[next], p.taken[leaves] = true, false
		c.position += sign * c.stride
	}
	return ""
}
