package rsa

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/ropewalk/ropewalk/data"
	"github.com/ropewalk/ropewalk/data/table"
	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine/openai"
	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

// connectText asks the simulated engine over HTTP, as text.
func connectText(t *testing.T, chat, logprobs bool) *Engines {
	t.Helper()
	server := httptest.NewServer(simulated.NewServer(simulate(t, config.Simulated{Accuracy: []float64{0.3, 0.6, 0.8}}), 0))
	t.Cleanup(server.Close)
	c, err := openai.New(server.URL, openai.Options{Chat: chat, Logprobs: logprobs})
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, Patience{}, c)
}

// What an engine with token ids answers, one without answers too, and the
// numbers are the same.
func TestTextIsAsGoodAsTokenIDs(t *testing.T) {
	o, problems := someOptions(4, 2, 3), someProblems(5)
	ids := mustRun(t, o, problems, connect(t, Patience{}, simulate(t, config.Simulated{Accuracy: []float64{0.3, 0.6, 0.8}})), newMemory())
	text := mustRun(t, o, problems, connectText(t, false, true), newMemory())
	for round := range ids.Rounds {
		if a, b := ids.Rounds[round], text.Rounds[round]; a.Mean != b.Mean || a.Tokens != b.Tokens || a.Truncated != b.Truncated {
			t.Errorf("round %d: mean %v, %d tokens with ids; %v, %d as text", round, a.Mean, a.Tokens, b.Mean, b.Tokens)
		}
	}
	if ids.Totals.PromptTokens != text.Totals.PromptTokens {
		t.Errorf("%d and %d prompt tokens", ids.Totals.PromptTokens, text.Totals.PromptTokens)
	}
}

func TestTextArchiveHasNoTokenIDs(t *testing.T) {
	o, problems := someOptions(3, 2, 2), someProblems(3)
	o.Prompt.Format, o.Price = "chat", Price{In: 1, Out: 2}
	engines := connectText(t, true, true)
	settings, err := NewSettings(o, problems)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := OpenFolder(filepath.Join(t.TempDir(), "run"), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := folder.Pin(engines.Info()); err != nil {
		t.Fatal(err)
	}
	journal, err := folder.Journal(o.Shape(len(problems)))
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	report := mustRun(t, o, problems, engines, journal)
	if report.Cost == nil || report.Cost.Total != o.Price.Of(report.Totals.PromptTokens, report.Totals.Tokens) || report.Cost.Total == 0 {
		t.Errorf("cost %+v of %+v", report.Cost, report.Totals)
	}
	if err := folder.Finish(journal, o, problems, report); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder.Path(rolloutsDir))
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	err = table.ReadRollouts(folder.Path(rolloutsDir, files[0].Name()), func(r table.Row) error {
		rows++
		if len(r.CompletionIDs)+len(r.PromptIDs)+len(r.Logprobs) > 0 || r.Text == "" || r.Finish == data.FinishError {
			t.Errorf("%+v", r)
		}
		return nil
	})
	if err != nil || rows != 18 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

// The cap holds, whatever is in flight; what was paid for is kept and paid once.
func TestCapIsNeverExceededAndGoneOnFrom(t *testing.T) {
	o, problems := someOptions(4, 2, 2), someProblems(6)
	o.Price = Price{In: 1, Out: 10}
	whole := mustRun(t, o, problems, connectText(t, false, false), newMemory()).Cost.Total
	path := filepath.Join(t.TempDir(), "journal")
	runs := 0
	for cap := whole / 3; ; cap += whole / 3 {
		journal, err := OpenJournal(path, o.Shape(len(problems)))
		if err != nil {
			t.Fatal(err)
		}
		o.Price.Most = cap
		report, err := Run(t.Context(), o, problems, connectText(t, false, false), reward.Default(), journal)
		if spent := o.Price.Of(journal.Tokens()); spent > cap*(1+1e-9) {
			t.Fatalf("spent %v of %v", spent, cap)
		}
		if closed := journal.Close(); closed != nil {
			t.Fatal(closed)
		}
		runs++
		if err == nil {
			if report.Cost.Total != whole {
				t.Errorf("cost %v in parts and %v at once", report.Cost.Total, whole)
			}
			break
		}
		if !errors.Is(err, ErrBudget) || runs > 6 {
			t.Fatalf("run %d: %v", runs, err)
		}
	}
	if runs < 3 {
		t.Errorf("%d runs under caps of a third", runs)
	}
}
