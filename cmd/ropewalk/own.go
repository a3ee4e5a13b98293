package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/reward/external"
)

// ownGraders are the flags by which the user names graders of their own.
type ownGraders struct {
	commands, services []string
}

func (o *ownGraders) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.commands, "command", nil, "program for rows of grader command, as in --command 'NAME=python3 grader.py' (repeatable; words are split at spaces, no shell)")
	flags.StringArrayVar(&o.services, "service", nil, "service for rows of grader http, as in --service NAME=http://127.0.0.1:8000/grade (repeatable)")
}

// set gives all graders, at most workers processes for each program. The caller
// closes it.
func (o *ownGraders) set(workers int) (*reward.Set, error) {
	own := reward.Own{Programs: map[string]external.Program{}, Services: map[string]external.Service{}}
	for _, flag := range o.commands {
		name, line, _ := strings.Cut(flag, "=")
		argv := strings.Fields(line)
		if _, twice := own.Programs[name]; twice || name == "" || len(argv) == 0 {
			return nil, fail(exitUsage, "as in --command 'length=python3 length.py', each name once", fmt.Errorf("--command %q names no program", flag))
		}
		own.Programs[name] = external.Program{Argv: argv, Workers: workers}
	}
	for _, flag := range o.services {
		name, at, _ := strings.Cut(flag, "=")
		_, twice := own.Services[name]
		if err := checkServiceURL(at); err != nil || twice || name == "" {
			return nil, fail(exitUsage, "as in --service judge=http://127.0.0.1:8000/grade, each name once", fmt.Errorf("--service %q names no service", flag))
		}
		own.Services[name] = external.Service{URL: at}
	}
	return reward.With(own), nil
}

func checkServiceURL(s string) error {
	u, err := url.Parse(s)
	if err == nil && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		err = errors.New("not the address of an HTTP service")
	}
	return err
}
