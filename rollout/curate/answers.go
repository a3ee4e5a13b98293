package curate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
)

// AnswerFiles lists the files of answers that paths name: pools and archives by
// themselves, the archives of a run or of an rsa folder in order.
func AnswerFiles(paths []string) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if os.IsNotExist(err) {
			return nil, fmt.Errorf("%s: no such file or folder", path)
		}
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		found, err := filepath.Glob(filepath.Join(path, "rollouts", "*.parquet"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: a folder without rollouts/*.parquet: neither a run nor a finished rsa folder", path)
		}
		slices.Sort(found)
		files = append(files, found...)
	}
	return files, nil
}

// EachAnswers calls got for each problem that the files answer, with all of its
// answers, in the order in which problems come first. Where each problem's answers
// stand together, as in pools and rsa folders, one problem's are held at a time;
// otherwise, as in the archives of a training run, all are.
func EachAnswers(files []string, got func(Answers) error) error {
	together, err := together(files)
	if err != nil {
		return err
	}
	if !together {
		return gathered(files, got)
	}
	var now Answers
	flush := func() error {
		if len(now.Rows) == 0 {
			return nil
		}
		a := now
		now = Answers{}
		return got(a)
	}
	for _, path := range files {
		err := table.ReadAnswers(path, func(r table.Row) error {
			if r.ProblemID != now.Problem {
				if err := flush(); err != nil {
					return err
				}
				now.Problem = r.ProblemID
			}
			now.Rows = append(now.Rows, r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return flush()
}

// together reports whether the answers to each problem stand together.
func together(files []string) (bool, error) {
	seen := map[data.ProblemID]bool{}
	var last data.ProblemID
	yes := true
	for _, path := range files {
		err := table.ReadProblemIDs(path, func(id data.ProblemID) error {
			if id != last || len(seen) == 0 {
				yes = yes && !seen[id]
				seen[id], last = true, id
			}
			return nil
		})
		if err != nil {
			return false, err
		}
	}
	return yes, nil
}

func gathered(files []string, got func(Answers) error) error {
	at := map[data.ProblemID]int{}
	var all []Answers
	for _, path := range files {
		err := table.ReadAnswers(path, func(r table.Row) error {
			i, ok := at[r.ProblemID]
			if !ok {
				i = len(all)
				at[r.ProblemID] = i
				all = append(all, Answers{Problem: r.ProblemID})
			}
			all[i].Rows = append(all[i].Rows, r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for i := range all {
		if err := got(all[i]); err != nil {
			return err
		}
		all[i].Rows = nil
	}
	return nil
}
