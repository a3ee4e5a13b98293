package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/rsa"
)

// Keys of evaluation files that are no flags.
const datasetsKey, nameKey = "datasets", "name"

// given is what an evaluation file sets, by key.
type given []config.Setting

// flagTypes are the types of flags, as pflag names them.
var flagTypes = map[string]reflect.Type{
	"string": reflect.TypeFor[string](), "bool": reflect.TypeFor[bool](), "int": reflect.TypeFor[int](), "int64": reflect.TypeFor[int64](),
	"float64": reflect.TypeFor[float64](), "duration": reflect.TypeFor[time.Duration](), "stringSlice": reflect.TypeFor[[]string](), "stringArray": reflect.TypeFor[[]string](),
	"int64Slice": reflect.TypeFor[[]int64](), "float64Slice": reflect.TypeFor[[]float64](),
}

// evaluationShape is the struct of which an evaluation file has the keys: every
// flag of a run, in snake case, and extra ones.
func evaluationShape(extra ...reflect.StructField) reflect.Type {
	var e evaluation
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	e.registerAll(flags)
	fields := append(extra, keyField(datasetsKey, flagTypes["stringSlice"]))
	flags.VisitAll(func(f *pflag.Flag) {
		if t, ok := flagTypes[f.Value.Type()]; ok && f.Name != "json" {
			fields = append(fields, keyField(strings.ReplaceAll(f.Name, "-", "_"), t))
		}
	})
	return reflect.StructOf(fields)
}

func keyField(key string, t reflect.Type) reflect.StructField {
	return reflect.StructField{Name: "K_" + key, Type: t, Tag: reflect.StructTag(`mapstructure:"` + key + `"`)}
}

// readEvaluation reads a --config file.
func readEvaluation(path string) (given, error) {
	settings, err := config.ReadSettings(path, evaluationShape())
	if err != nil {
		return nil, evaluationFailure(err)
	}
	return settings, nil
}

func evaluationFailure(err error) error {
	return fail(exitUsage, "keys are the flags of `ropewalk rsa` with underscores, and datasets", err)
}

// apply sets the flags that the command line does not, and gives the datasets:
// those of the command line, if any.
func (g given) apply(flags *pflag.FlagSet, args []string) ([]string, error) {
	var datasets []string
	for _, s := range g {
		if s.Key == datasetsKey {
			for _, path := range s.Value.([]any) {
				datasets = append(datasets, path.(string))
			}
			continue
		}
		name := strings.ReplaceAll(s.Key, "_", "-")
		if flags.Changed(name) || s.Key == nameKey {
			continue
		}
		if err := setFlagValue(flags, name, s.Value); err != nil {
			return nil, fail(exitUsage, "", fmt.Errorf("%s: %w", s.Key, err))
		}
	}
	if len(args) > 0 {
		datasets = args
	}
	return datasets, nil
}

func setFlagValue(flags *pflag.FlagSet, name string, value any) error {
	list, ok := value.([]any)
	if !ok {
		return flags.Set(name, fmt.Sprint(value))
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v)
	}
	f := flags.Lookup(name)
	f.Changed = true
	return f.Value.(pflag.SliceValue).Replace(texts)
}

// point is one run of a sweep.
type point struct {
	name string
	given
}

var pointName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// readSweep reads a --sweep file: what all points share, then the points.
func readSweep(path string) (base given, points []point, err error) {
	one := evaluationShape(keyField(nameKey, flagTypes["string"]))
	shape := reflect.StructOf([]reflect.StructField{keyField("base", evaluationShape()), keyField("points", reflect.SliceOf(one))})
	settings, err := config.ReadSettings(path, shape)
	if err != nil {
		return nil, nil, evaluationFailure(err)
	}
	for _, s := range settings {
		if key, ok := strings.CutPrefix(s.Key, "base."); ok {
			base = append(base, config.Setting{Key: key, Value: s.Value})
			continue
		}
		for _, section := range s.Value.([]any) {
			points = append(points, pointOf(section.(map[string]any)))
		}
	}
	return base, points, checkPoints(path, points)
}

func pointOf(section map[string]any) point {
	p := point{}
	for key, value := range section {
		if key == nameKey {
			p.name = value.(string)
		}
		p.given = append(p.given, config.Setting{Key: key, Value: value})
	}
	return p
}

func checkPoints(path string, points []point) error {
	seen := map[string]bool{}
	for i, p := range points {
		switch {
		case !pointName.MatchString(p.name):
			return fail(exitUsage, "its folder bears it: letters, digits, dots, dashes and underscores",
				fmt.Errorf("%s: points.%d: name is %q", path, i, p.name))
		case seen[p.name]:
			return fail(exitUsage, "", fmt.Errorf("%s: two points have the name %s", path, p.name))
		}
		for _, s := range p.given {
			if s.Key == "out" {
				return fail(exitUsage, "", fmt.Errorf("%s: points.%d: out belongs to base: a point's folder is its name in it", path, i))
			}
		}
		seen[p.name] = true
	}
	if len(points) == 0 {
		return fail(exitUsage, "", fmt.Errorf("%s: no points", path))
	}
	return nil
}

// sweep runs each point into its folder, or finds it finished, and compares all
// with the first.
func sweep(cmd *cobra.Command, args []string, path string) error {
	base, points, err := readSweep(path)
	if err != nil {
		return err
	}
	all := make([]*evaluation, len(points))
	paths := make([][]string, len(points))
	var names []string
	for i, p := range points {
		if all[i], paths[i], err = p.resolve(cmd.Flags(), base, args); err != nil {
			return err
		}
		names = append(names, p.name)
	}
	root := all[0].out
	if root == "" {
		return fail(exitUsage, "give --out DIR, or out in base", errors.New("no folder for the runs given"))
	}
	if err := rsa.OpenCollection(root, names); err != nil {
		return askingError(err)
	}
	return runPoints(cmd, root, names, all, paths)
}

// resolve is the point over the base, and the command line over both.
func (p *point) resolve(line *pflag.FlagSet, base given, args []string) (*evaluation, []string, error) {
	e := &evaluation{}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	e.registerAll(flags)
	line.Visit(func(f *pflag.Flag) {
		if own := flags.Lookup(f.Name); own != nil {
			own.Changed = true
			if list, ok := f.Value.(pflag.SliceValue); ok {
				_ = own.Value.(pflag.SliceValue).Replace(list.GetSlice()) // it was parsed by the same type
			} else {
				_ = own.Value.Set(f.Value.String()) // likewise
			}
		}
	})
	paths, err := p.apply(flags, args)
	if err == nil {
		paths, err = base.apply(flags, paths)
	}
	if err == nil {
		err = e.checkMethod()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("point %s: %w", p.name, err)
	}
	return e, paths, nil
}

func runPoints(cmd *cobra.Command, root string, names []string, all []*evaluation, paths [][]string) error {
	var sides []rsa.Side
	failed, ungraded, rollouts := 0, 0, 0
	for i, e := range all {
		e.out = filepath.Join(root, names[i])
		fmt.Fprintf(cmd.ErrOrStderr(), "point %d of %d: %s\n", i+1, len(all), names[i])
		report, err := e.evaluate(cmd, paths[i])
		if err != nil {
			return err
		}
		side, err := rsa.OpenSide(e.out)
		if err != nil {
			return fail(exitBadInput, "", err)
		}
		sides = append(sides, side)
		failed, ungraded, rollouts = failed+report.Totals.Failed, ungraded+report.Totals.Ungraded, rollouts+report.Totals.Rollouts
	}
	if len(sides) > 1 {
		c, err := rsa.Compare(sides)
		if err != nil {
			return fail(exitUsage, "", err)
		}
		if err := writeComparison(root, c); err != nil {
			return err
		}
		if err := all[0].print(cmd.OutOrStdout(), c, c.Write); err != nil {
			return err
		}
	}
	return partly(failed, ungraded, rollouts)
}
