package reward

// maxSuggest is the longest name, in bytes, for which a suggestion is sought:
// names come from untrusted files.
const maxSuggest = 64

// nearest is the known name with the fewest edits from name, "" if none is near
// enough to be a slip of the pen.
func nearest(name string, known []string) string {
	if len(name) > maxSuggest {
		return ""
	}
	best, at := "", len(name)/2+1
	for _, k := range known {
		if d := edits(name, k); d < at {
			best, at = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
