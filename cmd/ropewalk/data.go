package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/generate"
	"github.com/ropewalk/ropewalk/data/table"
)

func newDataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Make, translate, divide, mix, clean, check and describe datasets",
		Example: "  ropewalk data generate addition -n 1000 --seed 1 -o train.jsonl\n" +
			"  ropewalk data check train.jsonl\n" +
			"  ropewalk data stats aime25.parquet",
	}
	cmd.AddCommand(newGenerateCommand(), newImportCommand(), newExportCommand(), newConvertCommand(), newSplitCommand(), newMixCommand(),
		newDedupCommand(), newDecontaminateCommand(), newCheckCommand(), newStatsCommand())
	return cmd
}

func newGenerateCommand() *cobra.Command {
	var (
		o    generate.Options
		sets []string
		out  string
	)
	cmd := &cobra.Command{
		Use:   "generate TASK",
		Short: "Make a dataset of a small task",
		Long: "generate draws distinct problems of a task. The same arguments give the same file, a larger -n only\n" +
			"adds to its end, and --split train and --split heldout never overlap, whatever their seeds.\n\n" +
			"Tasks, and what may be --set:\n" + taskList(),
		Example: "  ropewalk data generate addition -n 1000 --seed 1 --set digits=4 --split train -o train.jsonl\n" +
			"  ropewalk data generate addition -n 300 --seed 1 --set digits=4 --split heldout -o heldout.parquet\n" +
			"  ropewalk data generate multiplication -n 3 --set digits=2\n" +
			"  ropewalk data generate gym/tower_of_hanoi -n 1000 --seed 1 --set size=5 -o hanoi.jsonl",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			task, err := generate.Find(args[0])
			if err != nil {
				return fail(exitUsage, "", err)
			}
			if o.Set, err = keyValues(sets); err != nil {
				return fail(exitUsage, "", err)
			}
			problems, err := generate.Generate(task, o)
			if err != nil {
				return fail(exitUsage, "", err)
			}
			if out == "" || out == "-" {
				return failure(data.WriteJSONL(cmd.OutOrStdout(), problems))
			}
			return failure(table.SaveProblems(out, problems))
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&o.N, "number", "n", 100, "problems to make")
	flags.Int64Var(&o.Seed, "seed", 1, "which of them")
	flags.StringVar(&o.Split, "split", generate.Train, "train, heldout or all")
	flags.StringArrayVar(&sets, "set", nil, "setting of the task, as in --set digits=4 (repeatable)")
	flags.StringVarP(&out, "out", "o", "", "file to write, .jsonl or .parquet; standard output if not given")
	return cmd
}

func taskList() string {
	var list strings.Builder
	for _, task := range generate.Tasks() {
		fmt.Fprintf(&list, "  %-23s %s\n", task.Name(), task.Options())
	}
	return list.String()
}

// keyValues splits key=value arguments.
func keyValues(list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, s := range list {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--set %s: expected key=value", s)
		}
		if _, twice := m[key]; twice {
			return nil, fmt.Errorf("--set %s: %s is set twice", s, key)
		}
		m[key] = value
	}
	return m, nil
}

// failure gives an error of the work itself its exit code.
func failure(err error) error {
	var known *exitError
	if err == nil || errors.As(err, &known) {
		return err
	}
	return fail(exitFailure, "", err)
}
