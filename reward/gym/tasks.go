package gym

import (
	"fmt"
	"slices"
)

// Tasks lists every task. Adding one is a file and a line in one of its slices.
func Tasks() []Task {
	tasks := slices.Concat(textTasks, puzzleTasks)
	return append(tasks, composite(tasks))
}

// composite grades an entry by the task that metadata.source_dataset names.
func composite(tasks []Task) Task {
	byName := index(tasks)
	return Task{Name: "composite", Score: func(e *Entry, answer string, strict bool) Result {
		name, err := metaText(e, "source_dataset")
		if err != nil {
			return badEntry(err)
		}
		task, ok := byName[name]
		if !ok {
			return badEntryf("metadata: source_dataset: unknown task %s", quote(name))
		}
		return task.Score(e, answer, strict)
	}}
}

// index arranges tasks by name. Two of one name are a mistake in the lists above.
func index(tasks []Task) map[string]Task {
	byName := make(map[string]Task, len(tasks))
	for _, t := range tasks {
		if _, dup := byName[t.Name]; dup {
			panic(fmt.Sprintf("two Reasoning Gym tasks are named %q", t.Name))
		}
		byName[t.Name] = t
	}
	return byName
}
