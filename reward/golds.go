package reward

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ropewalk/ropewalk/data"
)

// maxGolds bounds the golds of one problem.
const maxGolds = 100

// readGolds reads the golds of a grader that takes several: meta.golds, a list of
// strings; or the gold, if it is the JSON of such a list; or the gold alone.
func readGolds(p *data.Problem) ([]string, error) {
	var meta struct {
		Golds []string `json:"golds"`
	}
	if err := readMeta(p, &meta); err != nil {
		return nil, err
	}
	golds := meta.Golds
	if golds == nil && strings.HasPrefix(strings.TrimSpace(p.Gold), "[") && json.Unmarshal([]byte(p.Gold), &golds) != nil {
		golds = nil // text in brackets is one gold
	}
	if golds == nil {
		golds = []string{p.Gold}
	}
	if len(golds) == 0 {
		return nil, errors.New("the list of golds is empty")
	}
	if len(golds) > maxGolds {
		return nil, fmt.Errorf("%d golds; the limit is %d", len(golds), maxGolds)
	}
	return golds, nil
}

// firstGold is an answer that a grader of several golds must accept.
func firstGold(p *data.Problem) (string, bool) {
	golds, err := readGolds(p)
	if err != nil {
		return p.Gold, true
	}
	return golds[0], true
}
