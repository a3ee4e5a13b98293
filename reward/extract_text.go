package reward

import "strings"

func lastTag(s string) (string, bool)  { return taggedAnswer(s, true) }
func firstTag(s string) (string, bool) { return taggedAnswer(s, false) }

// taggedAnswer reads <answer></answer>. Of several opening tags before a
// closing one the last counts.
func taggedAnswer(s string, last bool) (answer string, found bool) {
	const open, end = "<answer>", "</answer>"
	for {
		i := strings.Index(s, end)
		if i < 0 {
			return answer, found
		}
		if o := strings.LastIndex(s[:i], open); o >= 0 {
			answer, found = s[o+len(open):i], true
			if !last {
				return answer, true
			}
		}
		s = s[i+len(end):]
	}
}

// lastBlock reads the last complete block between lines that begin with three
// backquotes; the first line's language is not part of it.
func lastBlock(s string) (answer string, found bool) {
	const fence = "```"
	from := -1 // of the open block
	for at := 0; at < len(s); {
		line, _, _ := strings.Cut(s[at:], "\n")
		next := min(at+len(line)+1, len(s))
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), fence) {
			if from < 0 {
				from = next
			} else {
				answer, found, from = s[from:max(from, at)], true, -1
			}
		}
		at = next
	}
	return answer, found
}

// lastLine is the last line with text.
func lastLine(s string) (string, bool) {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:], s != ""
}

// finalAnswer reads what follows the last marker: a formula or bold text if it
// begins with one, else the rest of the sentence, without the full stop at its
// end; the next line with text if nothing follows on the marker's own.
func finalAnswer(s string) (string, bool) {
	rest, found := afterMarker(s)
	if !found {
		return "", false
	}
	rest = strings.TrimLeft(rest, " \t\r\n")
	answer, found := quoted(rest)
	if !found {
		line, _, _ := strings.Cut(strings.TrimLeft(rest, "*_#"), "\n")
		answer = strings.TrimRight(sentence(line), "*_ \t\r")
	}
	if box, found := lastBox(answer); found {
		answer = box
	}
	return answer, true
}

// quoted is the formula or bold text that begins s, if the sentence ends with
// it: "$1$ or $2$" is not 1.
func quoted(s string) (string, bool) {
	for _, q := range quotes {
		inside, ok := strings.CutPrefix(s, q.open)
		if !ok {
			continue
		}
		i := strings.Index(inside, q.end)
		if i <= 0 || q.oneLine && strings.Contains(inside[:i], "\n") {
			continue
		}
		after := strings.TrimLeft(inside[i+len(q.end):], "*_ \t\r")
		if after == "" || after[0] == '\n' || after[0] == '.' && (len(after) == 1 || strings.IndexByte(" \n\r*", after[1]) >= 0) {
			return inside[:i], true
		}
	}
	return "", false
}

// quotes are what an answer may stand in: formulas, bold text.
var quotes = []struct {
	open, end string
	oneLine   bool
}{
	{"$$", "$$", false}, {`\[`, `\]`, false}, {"$", "$", true}, {`\(`, `\)`, true}, {"**", "**", true},
}

// afterMarker is what follows the last marker of an answer.
func afterMarker(s string) (rest string, found bool) {
	hashes := strings.LastIndex(s, "####")
	for end := len(s); ; {
		at := lastFold(s[:end], "answer")
		if at < hashes {
			return strings.TrimLeft(s[hashes+len("####"):], "#"), true
		}
		if at < 0 {
			return "", false
		}
		if rest, ok := marks(s, at); ok {
			return rest, true
		}
		end = at
	}
}

// marks reports whether the word "answer" at s[at] marks one: "is", ":" or "="
// follows it, or "final" stands before it.
func marks(s string, at int) (rest string, ok bool) {
	rest = strings.TrimLeft(s[at+len("answer"):], "*_ \t")
	if len(rest) > 2 && strings.EqualFold(rest[:2], "is") && strings.IndexByte(" \t:\n", rest[2]) >= 0 {
		rest, ok = rest[2:], true
	}
	rest = strings.TrimLeft(rest, " \t")
	if rest != "" && strings.IndexByte(":=", rest[0]) >= 0 {
		rest, ok = rest[1:], true
		if after, bold := strings.CutPrefix(rest, "**"); bold { // **Answer:** 5
			rest = after
		}
	}
	before := strings.TrimRight(s[max(0, at-len("final")-4):at], " ")
	return rest, ok || len(before) >= len("final") && strings.EqualFold(before[len(before)-len("final"):], "final")
}

// sentence is a line up to a full stop that ends a sentence: one with a space and
// a capital letter after it, but for those of initials and abbreviations such
// as Dr.
func sentence(line string) string {
	for i := 0; i+2 < len(line); i++ {
		if line[i] == '.' && line[i+1] == ' ' && 'A' <= line[i+2] && line[i+2] <= 'Z' {
			word := line[strings.LastIndexAny(line[:i], " .")+1 : i]
			if len(word) > 2 || word == "" || !('A' <= word[0] && word[0] <= 'Z') {
				return line[:i]
			}
		}
	}
	return strings.TrimSuffix(strings.TrimSpace(line), ".")
}

// lastFold is the place of the last occurrence of an ASCII word in any case.
func lastFold(s, word string) int {
	for i := len(s) - len(word); i >= 0; i-- {
		if s[i]|0x20 == word[0] && strings.EqualFold(s[i:i+len(word)], word) {
			return i
		}
	}
	return -1
}
