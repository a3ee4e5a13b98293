package main

import (
	"github.com/spf13/cobra"
)

func newImportCommand() *cobra.Command {
	var c conversion
	var p poolImport
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Make a dataset of ropewalk's out of other trainers' files; a pool out of a batch's results",
		Long: "import reads files of any known schema and writes problems as ropewalk keeps them: each with a question, a\n" +
			"gold answer (or what its grader needs instead) and a grader. What else a row says goes under extra, whence\n" +
			"`ropewalk data export` gives it back.\n\n" +
			"Results of a batch become a pool of candidates, graded, as `ropewalk sample` makes them: --problems names the\n" +
			"datasets that the requests were made of.\n\n" +
			"Schemas, with their mappings in docs/formats.md:\n" + schemaList(),
		Example: "  ropewalk data import aime25_test.parquet -o aime25.jsonl\n" +
			"  ropewalk data import rlvr.jsonl --from open-instruct --skip-bad -o rlvr.parquet\n" +
			"  ropewalk data import gsm8k.jsonl --grader number --name gsm8k -o gsm8k.parquet\n" +
			"  ropewalk data import results.jsonl --problems aime25.jsonl -o pool.parquet",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.prepare(cmd, "ropewalk"); err != nil {
				return err
			}
			if len(p.problems) > 0 {
				return p.run(cmd, &c.reader, args, c.out)
			}
			c.check = true
			return c.run(cmd, args)
		},
	}
	flags := cmd.Flags()
	c.registerOutput(flags)
	flags.StringVar(&c.reader.grader, "grader", "", "grade all rows with this one, whatever they say")
	flags.StringVar(&c.reader.name, "name", "", "name of the dataset, whatever the rows say; by default the file's")
	flags.StringArrayVar(&p.problems, "problems", nil, "results of a batch: dataset that they answer (repeatable)")
	return cmd
}
