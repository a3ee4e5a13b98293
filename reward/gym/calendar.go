package gym

import (
	"math"
	"math/big"
	"strings"
	"unicode"
)

var (
	calendarArithmetic = Task{"calendar_arithmetic", scoreCalendar}
	timeIntervals      = Task{"time_intervals", scoreTime}
	fractions          = Task{"fraction_simplification", scoreFraction}
)

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// pyTitle is str.title: a capital after everything that is no letter.
func pyTitle(s string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		defer func() { inside = unicode.IsLetter(r) }()
		if inside {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

var weekdays = map[string]bool{"Monday": true, "Tuesday": true, "Wednesday": true, "Thursday": true, "Friday": true, "Saturday": true, "Sunday": true}

// scoreCalendar judges by the entry's task: weekdays by name (0.1 for another
// day, 0.05 for one in another case), counts by their relative error, leap years
// by Yes or No.
func scoreCalendar(e *Entry, answer string, strict bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	task, err := metaText(e, "task")
	if err != nil {
		return badEntry(err)
	}
	switch task {
	case "weekday_offset", "weekday_of_date_from_first_date", "weekday_of_date":
		return scoreWeekday(*e.Answer, pyStrip(answer))
	case "count_business_days", "count_days", "recurring_event_day":
		return scoreCount(*e.Answer, answer, strict)
	case "is_leap_year":
		if strings.EqualFold(pyStrip(answer), *e.Answer) {
			return scored(1, "right")
		}
		return scored(0, "%s is not the stored answer", quote(answer))
	}
	return scored(0, "the package scores no task named %s", quote(task))
}

func scoreWeekday(gold, answer string) Result {
	switch {
	case answer == gold:
		return scored(1, "the right day")
	case weekdays[answer]:
		return scored(0.1, "another day than %s", gold)
	case weekdays[pyTitle(answer)]:
		return scored(0.05, "a day, but not written as %s", quote(pyTitle(answer)))
	}
	return scored(0, "%s is no day of the week", quote(answer))
}

// scoreCount gives exp(-5·relative error). For a stored count below zero (an
// event that never comes, -1) the package divides by the negative number, so that
// every answer scores 1 or more; here the error is relative to its size.
func scoreCount(gold, answer string, strict bool) Result {
	want, ok := pyInt(gold)
	if !ok {
		return badEntryf("the stored answer %s is no number", quote(gold))
	}
	got, ok := pyInt(answer)
	if !ok {
		return scored(0, "%s is no whole number", quote(answer))
	}
	if got.Cmp(want) == 0 {
		return scored(1, "the right count")
	}
	if want.Sign() == 0 {
		return scored(0, "the count is 0")
	}
	if want.Sign() < 0 && strict {
		return scored(1, "the package takes any number for right where the stored one is negative")
	}
	difference, _ := new(big.Float).SetInt(new(big.Int).Sub(got, want)).Float64()
	size, _ := new(big.Float).SetInt(want).Float64()
	return scored(math.Exp(-5*math.Abs(difference/size)), "%s off from %s", quote(answer), gold)
}

// The package's default bounds, by which errors are measured.
const (
	secondsPerDay   = 86400
	maxTimeDiff     = secondsPerDay
	maxDateDiffDays = 100
)

// scoreTime gives 1 less the error over the largest interval of the entry's
// difficulty (of the package's default, if strict or not stated).
func scoreTime(e *Entry, answer string, strict bool) Result {
	if e.Answer == nil {
		return badEntry(errNoStored)
	}
	task, err := metaText(e, "task_type")
	if err != nil {
		return badEntry(err)
	}
	mostSeconds, mostDays := float64(maxTimeDiff), float64(maxDateDiffDays)
	if !strict {
		difficulty := &Entry{Metadata: metaRaw(e, "difficulty")}
		if mostSeconds, err = optionalFloat(difficulty, "max_time_difference_seconds", mostSeconds); err != nil {
			return badEntry(err)
		}
		if mostDays, err = optionalFloat(difficulty, "max_date_difference_days", mostDays); err != nil {
			return badEntry(err)
		}
	}
	read, most := parseMoment, mostDays*secondsPerDay
	switch {
	case task == "date":
		read, most = parseDays, mostDays
	case strings.HasPrefix(task, "time"):
		read, most = parseClock, mostSeconds
	}
	want, ok := read(*e.Answer)
	if !ok || !(most > 0) {
		return badEntryf("the stored answer %s is no interval of the kind %s", quote(*e.Answer), quote(task))
	}
	got, ok := read(answer)
	switch {
	case !ok:
		return scored(0, "%s is no interval of the form %s", quote(answer), quote(*e.Answer))
	case got == want:
		return scored(1, "the right interval")
	}
	return scored(max(0, 1-math.Abs(got-want)/most), "%v off from %s", math.Abs(got-want), *e.Answer)
}

// optionalFloat reads a number that may be absent.
func optionalFloat(e *Entry, key string, absent float64) (float64, error) {
	if metaRaw(e, key) == nil {
		return absent, nil
	}
	return metaFloat(e, key)
}

// parseDays reads "X days".
func parseDays(s string) (float64, bool) {
	words := pyFields(s)
	if len(words) == 0 {
		return 0, false
	}
	return wholeFloat(words[0])
}

func wholeFloat(s string) (float64, bool) {
	n, ok := wholeNumber(s)
	return float64(n), ok
}

// parseClock reads "HH:MM", "HH:MM:SS" or "HH:MM:SS.mmm" as seconds.
func parseClock(s string) (float64, bool) {
	parts := strings.Split(pyStrip(s), ":")
	seconds, ok := hoursMinutes(parts)
	if !ok || len(parts) < 3 {
		return seconds, ok
	}
	last, part, found := strings.Cut(parts[2], ".")
	whole, ok := wholeFloat(last)
	if found {
		ms, ok2 := wholeFloat(part)
		return seconds + (whole + ms/1000), ok && ok2
	}
	return seconds + whole, ok
}

func hoursMinutes(parts []string) (float64, bool) {
	if len(parts) < 2 {
		return 0, false
	}
	h, ok1 := wholeFloat(parts[0])
	m, ok2 := wholeFloat(parts[1])
	return h*3600 + m*60, ok1 && ok2
}

// parseMoment reads "X days, HH:MM" or "X days, HH:MM:SS" as seconds.
func parseMoment(s string) (float64, bool) {
	before, _, _ := strings.Cut(s, " days,")
	days, ok := wholeFloat(before)
	pieces := strings.Split(s, ",")
	if !ok || len(pieces) < 2 {
		return 0, false
	}
	parts := strings.Split(pyStrip(pieces[1]), ":")
	seconds, ok := hoursMinutes(parts)
	if ok && len(parts) > 2 {
		var last float64
		last, ok = wholeFloat(parts[2])
		seconds += last
	}
	return days*secondsPerDay + seconds, ok
}

// scoreFraction wants the fraction in lowest terms, as a/b or \frac{a}{b}: 0.1
// if a part of the given one stands there unchanged, 0.05 for other fractions,
// 0.01 for the rest.
func scoreFraction(e *Entry, answer string, _ bool) Result {
	var given [4]*big.Int
	for i, key := range [...]string{"simplified_numerator", "simplified_denominator", "numerator", "denominator"} {
		n, ok := pyInt(string(metaRaw(e, key)))
		if !ok {
			return badEntryf("metadata: %q: expected a whole number", key)
		}
		given[i] = n
	}
	num, denom, ok := readFraction(answer)
	switch {
	case !ok:
		return scored(0.01, "%s is no fraction", quote(answer))
	case num.Cmp(given[0]) == 0 && denom.Cmp(given[1]) == 0:
		return scored(1, "in lowest terms")
	case num.Cmp(given[2]) == 0 || denom.Cmp(given[3]) == 0:
		return scored(0.1, "a part of the given fraction is unchanged")
	}
	return scored(0.05, "another fraction than %s/%s", given[0], given[1])
}

func readFraction(answer string) (num, denom *big.Int, ok bool) {
	s := pyStrip(strings.Trim(pyStrip(answer), "$"))
	if a, b, ok := latexFraction(s); ok {
		n, ok1 := pyInt(a)
		d, ok2 := pyInt(b)
		return n, d, ok1 && ok2
	}
	a, b, found := strings.Cut(s, "/")
	if !found {
		return nil, nil, false
	}
	n, ok1 := pyInt(a)
	d, ok2 := pyInt(b)
	return n, d, ok1 && ok2
}

// latexFraction reads \frac{a}{b} or \dfrac{a}{b} of digits at the beginning.
func latexFraction(s string) (a, b string, ok bool) {
	low := strings.ToLower(s[:min(len(s), 6)])
	switch {
	case strings.HasPrefix(low, `\frac`):
		s = s[5:]
	case strings.HasPrefix(low, `\dfrac`):
		s = s[6:]
	default:
		return "", "", false
	}
	part := func() (string, bool) {
		s = strings.TrimLeftFunc(s, isPySpace)
		inside, rest, found := strings.Cut(s, "}")
		if !found || !strings.HasPrefix(inside, "{") {
			return "", false
		}
		s = rest
		digits := pyStrip(inside[1:])
		return digits, digits != "" && strings.Trim(asciiDigits(digits), "0123456789") == ""
	}
	a, ok1 := part()
	b, ok2 := part()
	return a, b, ok1 && ok2
}
