package reward_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/reward/code"
	"github.com/ropewalk/ropewalk/reward/code/sandbox"
	"github.com/ropewalk/ropewalk/reward/external"
	"github.com/ropewalk/ropewalk/reward/rewardtest"
)

// TestContract holds every grader that ships to the contract. A grader without
// a folder of cases fails here.
func TestContract(t *testing.T) {
	set := reward.Default()
	for _, name := range set.Names() {
		t.Run(name, func(t *testing.T) {
			g, err := set.Get(name)
			if err != nil {
				t.Fatal(err)
			}
			switch g.(type) {
			case *external.Command, *external.HTTP:
				t.Skip("needs a program of the user's: held to the contract in its own package")
			}
			if c, ok := g.(*code.Grader); ok {
				defer c.Close()
				var incomplete *sandbox.Incomplete
				if err := c.Ready(); errors.As(err, &incomplete) {
					t.Skip(err)
				}
			}
			rewardtest.Run(t, g, filepath.Join("testdata", name))
		})
	}
}
