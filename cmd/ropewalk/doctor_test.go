package main

import (
	"context"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ropewalk/ropewalk/rollout/engine/simulated"
)

func TestDoctorSeesATakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f := checkListen(t.Context(), doctorOptions{listen: l.Addr().String()})[0]
	if f.Status != "fail" || !strings.Contains(f.Found, "in use") {
		t.Errorf("%+v", f)
	}
}

func TestDoctorSeesAFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, check := range []func(context.Context, doctorOptions) []finding{checkFsync, checkQueueServer} {
		if f := check(t.Context(), doctorOptions{dir: file})[0]; f.Status != "fail" || f.Fix == "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestDoctorAsksEngines(t *testing.T) {
	e, err := simulated.New(simulated.Options{Context: 4096})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(simulated.NewServer(e, 0))
	f := checkEngine(t.Context(), server.URL)
	if f.Status != "warn" || !strings.Contains(f.Found, "context 4096") || !strings.Contains(f.Fix, "no model") {
		t.Errorf("a simulated engine: %+v", f)
	}
	server.Close()
	if f := checkEngine(t.Context(), server.URL); f.Status != "fail" {
		t.Errorf("an engine that is gone: %+v", f)
	}
}

func TestMeminfo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meminfo")
	text := "MemTotal:       24618348 kB\nMemFree:         1000 kB\nMemAvailable:   22000000 kB\nHugePages_Total:       0\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	total, available, ok := readMeminfo(path)
	if total != 24618348<<10 || available != 22000000<<10 || !ok {
		t.Errorf("%d of %d, %v", available, total, ok)
	}
	if _, _, ok := readMeminfo(path + "x"); ok {
		t.Error("a missing file was read")
	}
}

// The newest complete environment counts; one whose installation broke off does not.
func TestEnvironmentIsFoundInTheCache(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("ROPEWALK_CACHE", cache)
	t.Setenv("ROPEWALK_TRAINER_PYTHON", "")
	if got := environments[0].python(); got != "" {
		t.Errorf("an empty cache has %q", got)
	}
	for _, dir := range []string{"trainer-broken", "trainer-good", "vllm-other"} {
		if err := os.MkdirAll(filepath.Join(cache, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, mark := range []string{"trainer-good/COMPLETE", "vllm-other/COMPLETE"} {
		if err := os.WriteFile(filepath.Join(cache, mark), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := environments[0].python(), filepath.Join(cache, "trainer-good", "bin", "python"); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	t.Setenv("ROPEWALK_TRAINER_PYTHON", "/elsewhere/python")
	if got := environments[0].python(); got != "/elsewhere/python" {
		t.Errorf("the variable gave %q", got)
	}
}

func TestBrokenEnvironmentSaysWhy(t *testing.T) {
	t.Setenv("ROPEWALK_TRAINER_PYTHON", "python3")
	e := environment{name: "trainer", modules: []string{"json", "no_such_module_of_ours"}}
	f := e.check(t.Context())
	if f.Status != "fail" || !strings.Contains(f.Found, "no_such_module_of_ours") {
		t.Errorf("%+v", f)
	}
	e.modules = []string{"json"}
	if f := e.check(t.Context()); f.Status != "ok" || !strings.Contains(f.Found, "python 3") || !strings.Contains(f.Found, "json 2") {
		t.Errorf("%+v", f)
	}
}
