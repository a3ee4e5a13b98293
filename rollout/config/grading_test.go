package config

import (
	"strings"
	"testing"
)

func TestOwnGraders(t *testing.T) {
	for set, want := range map[string]string{
		"grading.commands=[{name: a, argv: [x]}, {name: a, argv: [y]}]":     "grading.commands.1.name: expected each name once",
		"grading.commands=[{name: a}]":                                      "grading.commands.0.argv: expected a program",
		"grading.commands=[{argv: [x]}]":                                    "grading.commands.0.name",
		"grading.services=[{name: a, url: 'ftp://h/'}]":                     "grading.services.0.url: expected an address",
		"grading.services=[{name: a, url: 'http://h/', timeout: -1s}]":      "grading.services.0.timeout",
		"grading.commands=[{name: a, argv: [x], programme: b, workers: 1}]": "unknown key",
	} {
		if _, err := Load(write(t, minimal), []string{set}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; expected %q", set, err, want)
		}
	}
	c := mustResolve(t, minimal, []string{"grading.commands=[{name: A, argv: [python3, g.py], workers: 2}]"}, nil).Config.Grading.Commands
	if len(c) != 1 || c[0].Name != "A" || len(c[0].Argv) != 2 || c[0].Workers != 2 {
		t.Errorf("%+v", c)
	}
}
