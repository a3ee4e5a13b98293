package rsa

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ropewalk/ropewalk/reward"
	"github.com/ropewalk/ropewalk/rollout/config"
	"github.com/ropewalk/ropewalk/rollout/engine"
)

var (
	killCount = flag.Int("kills", 15, "kills of each of TestKills' runs")
	killSeed  = flag.Uint64("kill-seed", 0, "seed of TestKills; 0 draws one and prints it")
)

// childVar holds, in a child process, what it is to do.
const childVar = "ROPEWALK_RSA_TEST_CHILD"

// childWork is a whole run: of a method, or of a pool if Pool is set.
type childWork struct {
	Method string // whose run it is; agreeing problems stop early
	Dir    string // folder of the run, or work folder of the pool
	Pool   string // file of the pool
	Asks   string // file that gets a line for each request, before it is sent
	// Latency of the engine, per token.
	Latency time.Duration
}

func TestMain(m *testing.M) {
	if raw := os.Getenv(childVar); raw != "" {
		var w childWork
		err := json.Unmarshal([]byte(raw), &w)
		if err == nil {
			err = w.run()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func (w childWork) options() Options {
	if w.Pool != "" {
		return someOptions(12, 1, 1)
	}
	o := someOptions(6, 3, 4)
	m, err := FindMethod(w.Method)
	if err != nil {
		panic(err)
	}
	o.VerifyTokens, o.StopWhenAgreed, o.Verify = 10, true, w.Method == "single-step"
	m.Apply(&o, 6, 3, 4)
	return o
}

// run is what the commands do, with a witness before the engine.
func (w childWork) run() (err error) {
	o, problems := w.options(), someProblems(20)
	o.Concurrency = 16
	simulation := config.Simulated{Accuracy: []float64{0.2, 0.5, 0.7, 0.9}, Tail: 0.5, FailRate: 0.03, Latency: w.Latency}
	witness := &witnessed{Engine: simulate(fatal{}, simulation), path: w.Asks}
	engines, err := Connect(context.Background(), []Endpoint{{Name: "simulated", Engine: witness}}, Patience{})
	if err != nil {
		return err
	}
	defer engines.Close()
	if err := o.Resolve(engines.Info().MaxModelLen); err != nil {
		return err
	}
	settings, err := NewSettings(o, problems)
	if err != nil {
		return err
	}
	folder, err := OpenFolder(w.Dir, settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if report, err := folder.Finished(); report != nil || err != nil {
		return err
	}
	if err := folder.Pin(engines.Info()); err != nil {
		return err
	}
	journal, err := folder.Journal(o.Shape(len(problems)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	report, err := Run(context.Background(), o, problems, engines, reward.Default(), journal)
	if err != nil {
		return err
	}
	if w.Pool != "" {
		_, err := folder.WritePool(w.Pool, journal, o, problems, report, PoolOptions{Filter: NoFilter(), ShardRows: 60})
		return err
	}
	return folder.Finish(journal, o, problems, report)
}

// witnessed writes down each request before it is sent.
type witnessed struct {
	engine.Engine
	path string
	mu   sync.Mutex
}

func (w *witnessed) Generate(ctx context.Context, r engine.Request, got func(engine.Sample)) error {
	w.mu.Lock()
	f, err := os.OpenFile(w.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err == nil {
		_, err = fmt.Fprintln(f, r.ID)
		err = errors.Join(err, f.Close())
	}
	w.mu.Unlock()
	if err != nil {
		return err
	}
	return w.Engine.Generate(ctx, r, got)
}

// fatal lets helpers for tests serve a child process.
type fatal struct{ testing.TB }

func (fatal) Helper()           {}
func (fatal) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// child starts the test binary as another process.
func (w childWork) child(t *testing.T) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	raw, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+string(raw))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &stderr
}

// TestKills kills runs of methods and one of a pool at random moments, and goes on
// with them: their files equal those of a run left alone, and no request is sent
// whose answer was stored before.
func TestKills(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-kill-seed %d", seed)
	for _, name := range []string{"rsa", "reject", "single-step", "pool"} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			work := func(folder string, latency time.Duration) childWork {
				w := childWork{Method: name, Dir: filepath.Join(root, folder), Asks: filepath.Join(root, folder+"-asks"), Latency: latency}
				if name == "pool" {
					w.Pool = filepath.Join(root, folder+".parquet")
				}
				return w
			}
			// Slow enough to be killed that often.
			whole, killed := work("whole", 0), work("killed", time.Duration(*killCount)*100*time.Microsecond)
			if err := whole.run(); err != nil {
				t.Fatal(err)
			}
			killed.killAndGoOn(t, rand.New(rand.NewPCG(seed, 1)))
			compareFiles(t, whole, killed)
		})
	}
}

func (w childWork) killAndGoOn(t *testing.T, r *rand.Rand) {
	kills := 0
	for ended := false; !ended; {
		before := w.stored(t)
		if err := os.RemoveAll(w.Asks); err != nil {
			t.Fatal(err)
		}
		cmd, stderr := w.child(t)
		if kills < *killCount {
			time.Sleep(time.Duration(20+r.IntN(100)) * time.Millisecond)
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		}
		err := cmd.Wait()
		var exit *exec.ExitError
		switch {
		case err == nil:
			ended = true
		case errors.As(err, &exit) && exit.ExitCode() == -1: // by the signal
			kills++
		default:
			t.Fatalf("%v\n%s", err, stderr)
		}
		for id := range w.asked(t) {
			if before[id] {
				t.Fatalf("%s was asked again although its answer was stored", id)
			}
		}
	}
	t.Logf("%d kills", kills)
	if kills < *killCount/2 {
		t.Errorf("only %d kills before the run ended: it is too short for this test", kills)
	}
}

// stored lists the rollouts that stand whole in the journal, by their ids.
func (w childWork) stored(t *testing.T) map[string]bool {
	raw, err := os.ReadFile(filepath.Join(w.Dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	o := w.options()
	shape := o.Shape(20)
	have := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		if r, err := parseLine([]byte(line), shape); err == nil {
			have[string(shape.ID(r.Place))] = true
		}
	}
	return have
}

// asked lists the requests of the last process.
func (w childWork) asked(t *testing.T) map[string]bool {
	f, err := os.Open(w.Asks)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ids := map[string]bool{}
	for in := bufio.NewScanner(f); in.Scan(); {
		if ids[in.Text()] {
			t.Fatalf("%s was asked twice by one process", in.Text())
		}
		ids[in.Text()] = true
	}
	return ids
}

func compareFiles(t *testing.T, want, got childWork) {
	pairs := [][2]string{{want.Pool + "/000000.parquet", got.Pool + "/000000.parquet"}, {want.Pool + "/000003.parquet", got.Pool + "/000003.parquet"}, {want.Pool + ".json", got.Pool + ".json"}}
	if want.Pool == "" {
		pairs = [][2]string{
			{filepath.Join(want.Dir, rolloutsDir, "000000.parquet"), filepath.Join(got.Dir, rolloutsDir, "000000.parquet")},
			{filepath.Join(want.Dir, resultsFile), filepath.Join(got.Dir, resultsFile)},
			{filepath.Join(want.Dir, reportFile), filepath.Join(got.Dir, reportFile)},
		}
		if _, err := os.Stat(filepath.Join(got.Dir, journalFile)); err == nil {
			t.Error("the journal is still there")
		}
	}
	for _, pair := range pairs {
		a, err := os.ReadFile(pair[0])
		b, other := os.ReadFile(pair[1])
		if err = errors.Join(err, other); err != nil {
			t.Fatal(err)
		}
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s differs from that of the run left alone", filepath.Base(pair[1]))
		}
	}
}
