package training

import (
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/reward/external"
	"github.com/ropewalk/ropewalk/rollout/config"
)

// Graders are those that ropewalk ships, with the user's own by the configuration.
// The caller closes them.
func Graders(g config.Grading) *reward.Set {
	own := reward.Own{Programs: map[string]external.Program{}, Services: map[string]external.Service{}}
	for _, c := range g.Commands {
		own.Programs[c.Name] = external.Program{Argv: c.Argv, Workers: c.Workers}
	}
	for _, s := range g.Services {
		own.Services[s.Name] = external.Service{URL: s.URL, Timeout: s.Timeout}
	}
	return reward.With(own)
}
