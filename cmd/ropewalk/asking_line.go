package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// askingLine is the progress of `rsa` and `sample`: one line, drawn again and
// again, on a terminal only.
type askingLine struct {
	w         io.Writer
	live      bool
	simulated bool
	start     time.Time
	drawn     time.Time
	base      int64 // tokens found in the journal: not made now
	last      rsa.Progress
}

// redraw is the shortest time between two drawings.
const redraw = 200 * time.Millisecond

func newAskingLine(w io.Writer, simulated bool) *askingLine {
	return &askingLine{w: w, live: isTerminal(w), simulated: simulated, start: time.Now()}
}

func (l *askingLine) show(p rsa.Progress) {
	if !l.live {
		return
	}
	if p.Asked == 0 {
		l.start, l.base = time.Now(), p.Tokens // reading the journal is no work
	}
	l.last = p
	if now := time.Now(); now.Sub(l.drawn) >= redraw {
		l.drawn = now
		l.draw()
	}
}

func (l *askingLine) draw() { fmt.Fprintf(l.w, "\r\x1b[2K%s", l.text(time.Since(l.start))) }

// text words the progress after a time.
func (l *askingLine) text(after time.Duration) string {
	p := l.last
	var b strings.Builder
	if l.simulated {
		b.WriteString("SIMULATED ")
	}
	done := p.Stored + p.Asked
	fmt.Fprintf(&b, "%d/%d rollouts (%d%%)", done, p.Total, 100*done/max(p.Total, 1))
	if p.Failed > 0 {
		fmt.Fprintf(&b, ", %d failed", p.Failed)
	}
	for t := len(p.Rounds) - 1; t >= 0; t-- {
		if p.Scored[t] > 0 {
			fmt.Fprintf(&b, ", round %d: %.3f", t, p.Score[t]/float64(p.Scored[t]))
			break
		}
	}
	if p.Cost > 0 {
		fmt.Fprintf(&b, ", cost %.4g", p.Cost)
	}
	if seconds := after.Seconds(); p.Asked > 0 && seconds > 0 {
		left := time.Duration(seconds / float64(p.Asked) * float64(p.Total-done) * float64(time.Second))
		fmt.Fprintf(&b, ", %.0f tokens/s, %s left", float64(p.Tokens-l.base)/seconds, left.Round(time.Second))
	}
	return b.String()
}

// end leaves the last state on the screen.
func (l *askingLine) end() {
	if l.live && l.last.Total > 0 {
		l.draw()
		fmt.Fprintln(l.w)
	}
}
