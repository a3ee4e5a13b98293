package math

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// pair is a line of the table: a gold, an answer, and whether they are the same
// by mathematics, with a reason where that is not plain.
type pair struct {
	Gold    string `json:"gold"`
	Answer  string `json:"answer"`
	Equal   bool   `json:"equal"`
	Why     string `json:"why,omitempty"`
	Degrees bool   `json:"degrees,omitempty"`
	place   string
}

// loadPairs reads the table: one file a family.
func loadPairs(t testing.TB) (pairs []pair) {
	t.Helper()
	files, err := filepath.Glob("testdata/pairs/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		for n := 1; lines.Scan(); n++ {
			p := pair{place: filepath.Base(file) + ":" + strconv.Itoa(n)}
			d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
			d.DisallowUnknownFields()
			if err := d.Decode(&p); err != nil {
				t.Fatalf("%s: %v", p.place, err)
			}
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// TestTable holds every pair of the table.
func TestTable(t *testing.T) {
	pairs := loadPairs(t)
	for _, p := range pairs {
		r := Compare(p.Gold, p.Answer, Options{Degrees: p.Degrees})
		if (r.Outcome == Equal) != p.Equal || r.Outcome == BadGold {
			t.Errorf("%s: gold %s, answer %s: want equal %v (%s)\n\t%s\n\tread as %s and %s", p.place, p.Gold, p.Answer, p.Equal, p.Why, r.reason(), r.Gold, r.Answer)
		}
	}
	t.Logf("%d pairs", len(pairs))
}
