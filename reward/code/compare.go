package code

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// sameOutput compares as LiveCodeBench does: both stripped, line by line, each
// line stripped; two lines are the same as text, or if all their tokens are
// decimal numbers, equal one by one.
func sameOutput(got, want string) bool {
	g := strings.Split(strings.TrimSpace(got), "\n")
	w := strings.Split(strings.TrimSpace(want), "\n")
	if len(g) != len(w) {
		return false
	}
	for i := range g {
		if !sameLine(strings.TrimSpace(g[i]), strings.TrimSpace(w[i])) {
			return false
		}
	}
	return true
}

func sameLine(got, want string) bool {
	if got == want {
		return true
	}
	g, w := strings.Fields(got), strings.Fields(want)
	if len(g) != len(w) {
		return false
	}
	for i := range g {
		a, okA := decimal(g[i])
		b, okB := decimal(w[i])
		if !okA || !okB || a.Cmp(b) != 0 {
			return false
		}
	}
	return true
}

var decimalPattern = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$`)

// maxDecimal bounds the digits of a token that is read as a number; longer ones
// are compared as text.
const maxDecimal = 4096

func decimal(token string) (*big.Rat, bool) {
	if len(token) > maxDecimal || !decimalPattern.MatchString(token) {
		return nil, false
	}
	return new(big.Rat).SetString(token)
}

// readValue reads one JSON value, its numbers as written.
func readValue(text string) (v any, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

// sameValue compares two JSON values as Python compares what they stand for.
func sameValue(got, want string) bool {
	g, err := readValue(got)
	if err != nil {
		return false
	}
	w, err := readValue(want)
	return err == nil && equal(g, w)
}

func equal(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x.Cmp(y) == 0
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !equal(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}

// number reads an integer exactly, a float as the float that it stands for, and
// a truth value as 1 or 0, as Python has it.
func number(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case bool:
		return big.NewRat(map[bool]int64{true: 1}[v], 1), true
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") {
			return new(big.Rat).SetString(string(v))
		}
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return nil, false
		}
		return new(big.Rat).SetFloat64(f), true
	}
	return nil, false
}
