package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ropewalk/ropewalk/rollout/config"
)

func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, resolve and describe run configurations",
		Long: "A run is described by one YAML file. Every key has a default but run.dir, run.steps, data.train and\n" +
			"model.path. Environment variables override the file, --set overrides both:\n" +
			"  recipe.group_size is ROPEWALK_RECIPE_GROUP_SIZE and --set recipe.group_size=16\n" +
			"File names are relative to the working directory; nothing in them is expanded.",
		Example: "  ropewalk config check examples/*.yaml\n" +
			"  ropewalk config show examples/demo.yaml --origin\n" +
			"  ropewalk config schema > ropewalk.schema.json",
	}
	cmd.AddCommand(newConfigCheckCommand(), newConfigShowCommand(), newConfigSchemaCommand())
	return cmd
}

// setFlag adds --set, which every command that reads a configuration has.
func setFlag(cmd *cobra.Command) *[]string {
	return cmd.Flags().StringArray("set", nil, "override a key, as in --set sampling.temperature=1.2 (repeatable)")
}

func newConfigCheckCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Say what is wrong with configurations, all of it at once",
		Long:  "check reads each file as `train` would and names every key that is unknown, of the wrong type, out of\nbounds or in conflict with another. Exit code 2 if any file has errors.",
		Example: "  ropewalk config check examples/demo.yaml\n" +
			"  ropewalk config check run.yaml --set recipe.group_size=16 --json",
		Args: cobra.MinimumNArgs(1),
	}
	sets := setFlag(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a file")
	cmd.RunE = func(cmd *cobra.Command, files []string) error {
		bad := 0
		for _, file := range files {
			cfg, err := config.Load(file, *sets, os.Environ())
			if err != nil {
				bad++
			}
			if err := reportCheck(cmd, file, cfg, err, asJSON); err != nil {
				return err
			}
		}
		if bad > 0 {
			return fail(exitUsage, "`ropewalk config schema` describes every key", fmt.Errorf("%d of %d configurations have errors", bad, len(files)))
		}
		return nil
	}
	return cmd
}

// configFailure is the error of a configuration that cannot be used.
func configFailure(err error) error {
	var known *config.Error
	if !errors.As(err, &known) {
		return fail(exitUsage, "", err) // the file itself cannot be read
	}
	return fail(exitUsage, "`ropewalk config schema` describes every key", err)
}

// checkedFile is what --json says of one file.
type checkedFile struct {
	File   string        `json:"file"`
	OK     bool          `json:"ok"`
	Hash   string        `json:"hash,omitempty"` // the run's config_hash
	Errors []configError `json:"errors,omitempty"`
}

type configError struct {
	File     string `json:"file,omitempty"` // or the variable or --set that the value came from
	Line     int    `json:"line,omitempty"`
	Key      string `json:"key,omitempty"`
	Found    string `json:"found,omitempty"`
	Expected string `json:"expected,omitempty"`
	Nearest  string `json:"nearest,omitempty"`
	Message  string `json:"message"`
}

func reportCheck(cmd *cobra.Command, file string, cfg *config.Config, err error, asJSON bool) error {
	if asJSON {
		checked := checkedFile{File: file, OK: err == nil, Errors: splitErrors(err)}
		if cfg != nil {
			checked.Hash = cfg.Hash()
		}
		return json.NewEncoder(cmd.OutOrStdout()).Encode(checked)
	}
	if err != nil {
		_, err = fmt.Fprintln(cmd.ErrOrStderr(), err)
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", file)
	return err
}

// splitErrors takes joined errors apart.
func splitErrors(err error) (out []configError) {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, one := range all {
		var e *config.Error
		switch {
		case one == nil:
		case errors.As(one, &e):
			out = append(out, configError{e.File, e.Line, e.Key, e.Found, e.Expected, e.Nearest, e.Error()})
		default:
			out = append(out, configError{Message: one.Error()})
		}
	}
	return out
}

func newConfigShowCommand() *cobra.Command {
	var origin, hash bool
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Print a configuration in full, defaults included",
		Long: "show prints the resolved configuration as YAML: what a run keeps as config.yaml, and what can be read\n" +
			"again with the same meaning.",
		Example: "  ropewalk config show examples/demo.yaml\n" +
			"  ropewalk config show examples/demo.yaml --set trainer.lr=1e-4 --origin\n" +
			"  ropewalk config show examples/demo.yaml --hash",
		Args: cobra.ExactArgs(1),
	}
	sets := setFlag(cmd)
	cmd.Flags().BoolVar(&origin, "origin", false, "say beside each key which file, variable or --set it comes from")
	cmd.Flags().BoolVar(&hash, "hash", false, "print only the hash of what a resumed run must not change")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		resolved, err := config.Resolve(args[0], *sets, os.Environ())
		if err != nil {
			return configFailure(err)
		}
		if hash {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), resolved.Config.Hash())
			return err
		}
		write := resolved.Config.YAML
		if origin {
			write = resolved.YAMLWithOrigins
		}
		text, err := write()
		if err != nil {
			return err
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return cmd
}

func newConfigSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of configurations: every key with its meaning, bounds and default",
		Long: "schema prints a JSON Schema (draft 2020-12). Editors complete and check keys with it, for instance by a\n" +
			"first line `# yaml-language-server: $schema=ropewalk.schema.json`. Rules between keys are not in it:\n" +
			"`ropewalk config check` knows them.",
		Example: "  ropewalk config schema > ropewalk.schema.json\n" +
			"  ropewalk config schema | jq .properties.recipe.properties.max_staleness.description",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.Schema())
			return err
		},
	}
}
