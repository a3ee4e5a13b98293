package curate

// Contamination finds texts that hold an evaluation's questions.
//
// The rule: a text is contaminated by a question if at least Overlap of the
// question's runs of Words words occur in the text. Of a question with fewer words
// the whole must occur, as words, one after another.
type Contamination struct {
	words   int
	overlap float64
	runs    map[uint64][]int32 // questions by a run of theirs
	sizes   []int              // runs of each question
	short   map[int][]int32    // questions of fewer words, by their number
}

// NewContamination makes one that knows no question.
func NewContamination(words int, overlap float64) *Contamination {
	return &Contamination{words: words, overlap: overlap, runs: map[uint64][]int32{}, short: map[int][]int32{}}
}

// Add keeps a question to look for; they are numbered from 0.
func (c *Contamination) Add(question string) {
	number := int32(len(c.sizes))
	n := min(len(words(question)), c.words)
	if n < c.words {
		c.short[n] = append(c.short[n], number)
	}
	runs := shingles(question, n)
	for _, run := range runs {
		c.runs[run] = append(c.runs[run], number)
	}
	c.sizes = append(c.sizes, len(runs))
}

// Find gives the question that a text holds most of, and how much; ok is false if
// it holds too little of any.
func (c *Contamination) Find(text string) (question int, overlap float64, ok bool) {
	hits := map[int32]int{}
	count := func(n int) {
		if n > len(words(text)) {
			return // its only run would be the text itself, and no run of n
		}
		for _, run := range shingles(text, n) {
			for _, q := range c.runs[run] {
				hits[q]++
			}
		}
	}
	count(c.words)
	for n := range c.short {
		count(n)
	}
	for q, n := range hits {
		share := float64(n) / float64(c.sizes[q])
		if share > overlap || share == overlap && int(q) < question {
			question, overlap = int(q), share
		}
	}
	return question, overlap, len(hits) > 0 && overlap >= c.overlap
}
