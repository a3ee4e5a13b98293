package gym

import (
	"math/big"
	"strings"
	"testing"
)

func TestParseJSON(t *testing.T) {
	for text, want := range map[string]string{
		`[1, 2.50, "a\u00e9\n", null, true]`: `[1, 2.5, "a\u00e9\n", null, true]`,
		`{"a": 1, "b": [], "a": 2}`:          `{"a": 2, "b": []}`,
		`[NaN, -Infinity, 1e400]`:            `[NaN, -Infinity, Infinity]`,
		`123456789012345678901234567890`:     `123456789012345678901234567890`,
		`"\ud83d\ude00"`:                     `"\ud83d\ude00"`,
		` 1e5 `:                              `100000.0`,
		`1e22`:                               `1e+22`,
	} {
		v, err := parseJSON(text)
		if got := v.json(); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "[1,]", "{'a': 1}", "[1 2]", "01", "1.", ".5", "+1", "True", `"` + "\n" + `"`, `"\x41"`, `{"a"}`, "[1] 2", "(1)", `{"a":1,}`, strings.Repeat("[", 5000), strings.Repeat("9", 5000)} {
		if v, err := parseJSON(text); err == nil {
			t.Errorf("%.40q: read as %s", text, v.json())
		}
	}
}

func TestParsePython(t *testing.T) {
	for text, want := range map[string]string{
		`[[0, 1], [1, 0]]`:                  `[[0, 1], [1, 0]]`,
		`(1,)`:                              `(1,)`,
		`(1)`:                               `1`,
		`1, 2`:                              `(1, 2)`,
		`{'a': (1, None),}`:                 `{'a': (1, None)}`,
		`{1, 2}`:                            `{1, 2}`,
		`'it\'s' "!"`:                       `"it's!"`,
		`[-1, +.5, 0x1F, 1_000, --2, True]`: `[-1, 0.5, 31, 1000, 2, True]`,
	} {
		v, err := parsePython(text)
		if got := v.repr(); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "__import__('os')", "[x for x in y]", "1 + 1", "012", "[1", "'a", "lambda: 1", "f'{1}'", "[1]*9"} {
		if v, err := parsePython(text); err == nil {
			t.Errorf("%q: read as %s", text, v.repr())
		}
	}
}

func TestExpr(t *testing.T) {
	for text, want := range map[string]string{
		"2 + 3*4": "14", "-2**2": "-4", "2**-1": "1/2", "2**3**2": "512", "(1+2)/(3-5)": "-3/2", "1.5*2": "3", "7 - - 7": "14", "1e3": "1000", "0**5": "0",
	} {
		e, err := parseExpr(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := e.rational(); err != nil || got.RatString() != want {
			t.Errorf("%s: got %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1/0", "9**9**9", "(9**999)**999", "2x", "1 +", "(1", "1)", "x", "f(1)", "1//2", "2^3", "[1]", "1e99999", "0**-1", "2**(1/2)", strings.Repeat("(", 999) + "1", strings.Repeat("-", 999) + "1", strings.Repeat("1+", 9000) + "1"} {
		e, err := parseExpr(text)
		if err != nil {
			continue
		}
		if got, err := e.rational(); err == nil {
			t.Errorf("%.40q: computed as %s", text, got.RatString())
		}
	}
	e, err := parseExpr("~5 & 0xFF | (1 << 10) ^ 3 >> 1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.integer(); err != nil || got.Cmp(big.NewInt(1275)) != 0 {
		t.Errorf("got %v, %v; want 1275", got, err)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{"1.50", "1.5", true}, {"15e-1", "1.5", true}, {"+01,", "1", false}, {"-0", "0", true}, {"1e400000", "1e400000", true}, {"1e400000", "1e400001", false}, {"1_0", "10", true},
		{"١٢", "12", true}, {"nan", "nan", false}, {"inf", "Infinity", true}, {"1", "-1", false}, {"100", "1e2", true}, {".", "0", false}, {"0x1", "1", false},
	} {
		a, ok1 := parseDecimal(c.a)
		b, ok2 := parseDecimal(c.b)
		if got := ok1 && ok2 && a.equal(b); got != c.equal {
			t.Errorf("%q = %q: %v", c.a, c.b, got)
		}
	}
	for text, want := range map[string]string{"3/4": "3/4", " 6/8 ": "3/4", "-0.75": "-3/4", "1e-2": "1/100", "1_0/4": "5/2"} {
		if got, ok := parseFraction(text); !ok || got.RatString() != want {
			t.Errorf("%q: got %v, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "1/0", "1/-2", "1 / 2", "nan", "1e999999999", "1/2/3", "½"} {
		if got, ok := parseFraction(text); ok {
			t.Errorf("%q: read as %v", text, got)
		}
	}
	for text, want := range map[string]int64{"0x1f": 31, "0b11": 3, "0o17": 15, " -5 ": -5, "0": 0, "00": 0, "1_0": 10} {
		if got, ok := pyIntAnyBase(text); !ok || got.Int64() != want {
			t.Errorf("%q: got %v, want %d", text, got, want)
		}
	}
	for _, text := range []string{"", "012", "1.0", "x1", "--1", "1__0", "_1", "1_"} {
		if got, ok := pyIntAnyBase(text); ok {
			t.Errorf("%q: read as %v", text, got)
		}
	}
}

// FuzzParsers holds the parsers to being total, and what they write to being
// what they read.
func FuzzParsers(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.5, "x\n"]}`, "[(1, 'a'), {2}]", "2*(x+1)**3/4", "-1_0.5e-3", "3/4", "0x1F", "1+2i", "5 days, 10:00:30", "R U2 F'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := parseJSON(s); err == nil {
			again, err := parseJSON(v.json())
			if err != nil || again.json() != v.json() {
				t.Errorf("JSON %q: written as %s, read as %s, %v", s, v.json(), again.json(), err)
			}
		}
		if v, err := parsePython(s); err == nil {
			_ = v.repr()
		}
		if e, err := parseExpr(s); err == nil {
			_, _ = e.rational()
			_, _ = e.integer()
			budget := 1000
			_, _ = e.expanded(new(variableNames), &budget)
			_, _ = e.dual("x", 0.5, 0)
		}
		if d, ok := parseDecimal(s); ok && !d.special && !d.equal(d) {
			t.Errorf("%q does not equal itself", s)
		}
		_, _ = parseFraction(s)
		_, _ = pyIntAnyBase(s)
		_, _ = parseComplex(s)
		_, _, _ = readFraction(s)
		_, _ = firstNumber(s, false)
	})
}
