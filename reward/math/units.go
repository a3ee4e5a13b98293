package math

import (
	"math/big"
	"strings"
)

// unit is a unit of measurement: its dimension, and its size in the dimension's
// base unit as an exact number.
type unit struct {
	dimension string
	size      *big.Rat
}

func rat(s string) *big.Rat {
	r, _ := new(big.Rat).SetString(s)
	return r
}

// units by their names. Sizes are exact by definition (SI, international yard
// and pound agreement of 1959).
var units = map[string]unit{
	"m": {"length", rat("1")}, "cm": {"length", rat("0.01")}, "mm": {"length", rat("0.001")}, "km": {"length", rat("1000")}, "dm": {"length", rat("0.1")}, "nm": {"length", rat("1e-9")}, "um": {"length", rat("1e-6")}, "inch": {"length", rat("0.0254")}, "ft": {"length", rat("0.3048")}, "yd": {"length", rat("0.9144")}, "mile": {"length", rat("1609.344")},
	"s": {"time", rat("1")}, "ms": {"time", rat("0.001")}, "min": {"time", rat("60")}, "h": {"time", rat("3600")}, "day": {"time", rat("86400")}, "week": {"time", rat("604800")}, "month": {"month", rat("1")}, "year": {"month", rat("12")},
	"kg": {"mass", rat("1")}, "g": {"mass", rat("0.001")}, "mg": {"mass", rat("0.000001")}, "lb": {"mass", rat("0.45359237")}, "oz": {"mass", rat("0.028349523125")}, "tonne": {"mass", rat("1000")},
	"L": {"length^3", rat("0.001")}, "mL": {"length^3", rat("0.000001")}, "gallon": {"length^3", rat("0.003785411784")},
	"N": {"force", rat("1")}, "kN": {"force", rat("1000")}, "J": {"energy", rat("1")}, "kJ": {"energy", rat("1000")}, "cal": {"energy", rat("4.184")}, "kcal": {"energy", rat("4184")}, "eV": {"energy", rat("1.602176634e-19")}, "W": {"power", rat("1")}, "kW": {"power", rat("1000")}, "Pa": {"pressure", rat("1")}, "kPa": {"pressure", rat("1000")}, "atm": {"pressure", rat("101325")}, "Hz": {"frequency", rat("1")}, "kHz": {"frequency", rat("1000")}, "V": {"voltage", rat("1")}, "A": {"current", rat("1")}, "K": {"temperature", rat("1")}, "mol": {"amount", rat("1")}, "ohm": {"resistance", rat("1")}, "C": {"charge", rat("1")}, "T": {"field", rat("1")},
	"dollar": {"dollar", rat("1")}, "cent": {"dollar", rat("0.01")}, "euro": {"euro", rat("1")}, "pound sterling": {"GBP", rat("1")}, "yen": {"JPY", rat("1")}, "radian": {"angle", rat("1")}, "degC": {"celsius", rat("1")}, "degF": {"fahrenheit", rat("1")},
}

// unitNames are other names of the units above, in the singular.
var unitNames = map[string]string{
	"meter": "m", "metre": "m", "centimeter": "cm", "centimetre": "cm", "millimeter": "mm", "millimetre": "mm", "kilometer": "km", "kilometre": "km", "in": "inch", "inches": "inch", "foot": "ft", "feet": "ft", "yard": "yd", "mi": "mile",
	"sec": "s", "second": "s", "millisecond": "ms", "minute": "min", "hr": "h", "hour": "h", "yr": "year", "wk": "week",
	"kilogram": "kg", "gram": "g", "milligram": "mg", "pound": "lb", "lbs": "lb", "ounce": "oz", "ton": "tonne",
	"l": "L", "liter": "L", "litre": "L", "ml": "mL", "milliliter": "mL", "millilitre": "mL", "gal": "gallon",
	"newton": "N", "joule": "J", "kilojoule": "kJ", "calorie": "cal", "watt": "W", "kilowatt": "kW", "pascal": "Pa", "hertz": "Hz", "volt": "V", "ampere": "A", "amp": "A", "kelvin": "K", "mole": "mol",
	"mph": "mile/h", "kph": "km/h", "kmh": "km/h", "kmph": "km/h", "buck": "dollar", "usd": "dollar", "eur": "euro", "gbp": "pound sterling", "jpy": "yen", "rad": "radian",
}

// unitName finds the unit that a word names. Case matters only for symbols of
// one or two letters.
func unitName(word string) (string, bool) {
	word = strings.TrimSuffix(strings.TrimSpace(word), ".")
	for _, w := range [...]string{word, strings.ToLower(word), strings.TrimSuffix(strings.ToLower(word), "s")} {
		if len(word) <= 2 && w != word {
			continue
		}
		if _, ok := units[w]; ok && (len(w) > 1 || w == word) {
			return w, true
		}
		if name, ok := unitNames[w]; ok {
			return name, true
		}
	}
	return "", false
}

// unitProduct finds the product of units that words name: km/h, m^2, square meters,
// kg m / s^2, meters per second.
func unitProduct(text string) (string, bool) {
	if name, ok := unitName(text); ok {
		return name, true
	}
	if len(text) > 60 {
		return "", false
	}
	for _, w := range [...][2]string{{" per ", "/"}, {"\\cdot", "*"}, {"·", "*"}, {"⋅", "*"}, {"/", " / "}, {"*", " "}, {"²", "^2"}, {"³", "^3"}, {"{", ""}, {"}", ""}, {"sq.", "square"}, {"sq ", "square "}, {"cu ", "cubic "}, {"squared", "^2"}, {"cubed", "^3"}} {
		text = strings.ReplaceAll(text, w[0], w[1])
	}
	text = strings.ReplaceAll(text, " ^", "^")
	out, power, over, found := "", "", false, false
	for _, word := range strings.Fields(text) {
		switch strings.ToLower(word) {
		case "square":
			power = "^2"
			continue
		case "cubic":
			power = "^3"
			continue
		case "/":
			over = true
			continue
		}
		base, raised, has := strings.Cut(word, "^")
		name, ok := unitName(base)
		if !ok {
			return "", false
		}
		if has {
			power = "^" + raised
		}
		switch {
		case over:
			out += "/"
		case out != "":
			out += "*"
		}
		out += name + power
		power, over, found = "", false, true
	}
	return out, found && power == "" && !over
}

// parseUnit reads a product of units with powers, as in kg*m/s^2: its dimension
// in base units and its size. Words that are no units are labels: each is a
// dimension of its own.
func parseUnit(text string) (dimension map[string]int, size *big.Rat) {
	dimension, size = map[string]int{}, big.NewRat(1, 1)
	sign := 1
	for _, factor := range strings.FieldsFunc(strings.ReplaceAll(text, "/", "*/"), func(r rune) bool { return r == '*' }) {
		if rest, ok := strings.CutPrefix(factor, "/"); ok {
			sign, factor = -1, rest
		}
		name, power := factor, 1
		if at := strings.IndexByte(factor, '^'); at >= 0 {
			name = factor[:at]
			power = 0
			for _, c := range strings.TrimPrefix(factor[at+1:], "-") {
				if c < '0' || c > '9' || power > 9 {
					power = 99
					break
				}
				power = power*10 + int(c-'0')
			}
			if strings.HasPrefix(factor[at+1:], "-") {
				power = -power
			}
			if power > 9 || power < -9 {
				power = 1
			}
		}
		power *= sign
		name = strings.TrimPrefix(name, "?")
		u, ok := units[name]
		if !ok {
			dimension[strings.TrimSuffix(name, "s")] += power
			continue
		}
		base, times, _ := strings.Cut(u.dimension, "^")
		n := 1
		if times == "3" {
			n = 3
		}
		dimension[base] += n * power
		for range max(power, -power) {
			if power > 0 {
				size.Mul(size, u.size)
			} else {
				size.Quo(size, u.size)
			}
		}
	}
	for name, power := range dimension {
		if power == 0 {
			delete(dimension, name)
		}
	}
	return dimension, size
}
