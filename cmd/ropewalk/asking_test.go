package main

import (
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/rollout/rsa"
)

func TestAskingLine(t *testing.T) {
	l := &askingLine{simulated: true, base: 500, last: rsa.Progress{
		Total: 1000, Stored: 100, Asked: 150, Failed: 3, Tokens: 3500,
		Rounds: []int{200, 50, 0}, Scored: []int{198, 49, 0}, Score: []float64{99, 24.5, 0},
	}}
	const want = "SIMULATED 250/1000 rollouts (25%), 3 failed, round 1: 0.500, 100 tokens/s, 2m30s left"
	if got := l.text(30 * time.Second); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	l = &askingLine{last: rsa.Progress{Total: 10, Stored: 10, Rounds: []int{10}, Scored: []int{0}, Score: []float64{0}}}
	if got, want := l.text(0), "10/10 rollouts (100%)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
