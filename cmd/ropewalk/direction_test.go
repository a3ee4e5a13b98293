package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ropewalk/ropewalk/"

// layers are the project's packages from the bottom up: data <- reward <- rollout <-
// adapters <- cmd. A package imports none of a layer above its own. The longest
// prefix decides.
var layers = []struct {
	prefix string
	layer  int
}{
	{"data", 0}, {"reward", 1}, {"rollout", 2}, {"rollout/config", 2},
	{"rollout/", 3}, // adapters: queue, engine, worker, training, …
	{"cmd/", 4},
}

// sole names the only package, or packages below a folder, that may import a library.
var sole = []struct{ library, importer string }{
	{"github.com/apache/arrow/go/v17/arrow/ipc", "data/batch"},
	{"github.com/apache/arrow/go/v17/parquet/pqarrow", "data/table"},
	{"github.com/apache/arrow/", "data/"},
	{"github.com/nats-io/", "rollout/queue"},
	{"github.com/spf13/viper", "rollout/config"},
	{"github.com/spf13/cobra", "cmd/ropewalk"},
	{"gonum.org/v1/plot", "cmd/ropewalk"},
	{"github.com/elastic/go-seccomp-bpf", "reward/code/sandbox"},
}

// goPackage is what `go list -json` says of a package, in part.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportDirection(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages", len(packages))
	}
	for _, v := range violations(packages) {
		t.Error(v)
	}
}

func listPackages(t *testing.T) (all []goPackage) {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"...")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func violations(packages []goPackage) (out []string) {
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			if why := forbidden(name, imported); why != "" {
				out = append(out, fmt.Sprintf("%s imports %s: %s", name, imported, why))
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if strings.HasPrefix(imported, module+"cmd/") {
				out = append(out, fmt.Sprintf("the tests of %s import %s: nothing imports a command", name, imported))
			}
		}
	}
	return out
}

// forbidden says why a package, not its tests, may not import another; "" if it may.
func forbidden(name, imported string) string {
	own, ours := strings.CutPrefix(imported, module)
	if !ours {
		return forbiddenLibrary(name, imported)
	}
	switch {
	case name == "data":
		return "data imports the standard library only"
	case strings.HasPrefix(own, "cmd/"):
		return "nothing imports a command"
	case strings.HasSuffix(own, "test") && !strings.HasSuffix(name, "test"):
		return "a package for tests is imported by tests only"
	case layerOf(own) > layerOf(name):
		return "the direction is data <- reward <- rollout <- adapters <- cmd"
	}
	return ""
}

func forbiddenLibrary(name, imported string) string {
	if first, _, _ := strings.Cut(imported, "/"); name == "data" && strings.Contains(first, ".") {
		return "data imports the standard library only"
	}
	for _, s := range sole {
		if strings.HasPrefix(imported, s.library) && !within(name, s.importer) {
			return "only " + s.importer + " imports it"
		}
	}
	return ""
}

// within reports whether name is the package, or below it.
func within(name, importer string) bool {
	return name == importer || strings.HasPrefix(name, strings.TrimSuffix(importer, "/")+"/")
}

func layerOf(name string) int {
	longest, layer := -1, -1
	for _, l := range layers {
		if strings.HasSuffix(l.prefix, "/") && strings.HasPrefix(name, l.prefix) || within(name, l.prefix) {
			if len(l.prefix) > longest {
				longest, layer = len(l.prefix), l.layer
			}
		}
	}
	return layer
}

// The test above would pass on anything if violations found nothing.
func TestDirectionRulesCatch(t *testing.T) {
	for _, c := range []struct {
		name, imported string
		allowed        bool
	}{
		{"data", "encoding/json", true},
		{"data", "golang.org/x/sys/unix", false},
		{"data", module + "data/table", false},
		{"data/table", module + "data", true},
		{"data/table", module + "reward", false},
		{"reward/math", module + "data", true},
		{"reward", module + "rollout/config", false},
		{"rollout", module + "rollout/config", true},
		{"rollout", module + "reward/advantage", true},
		{"rollout", module + "rollout/queue", false},
		{"rollout/config", module + "rollout/training", false},
		{"rollout/training", module + "rollout/queue", true},
		{"rollout/training", module + "cmd/ropewalk", false},
		{"rollout/worker", module + "rollout/engine/enginetest", false},
		{"rollout/engine/enginetest", module + "rollout/engine", true},
		{"rollout/training", "github.com/nats-io/nats.go", false},
		{"rollout/queue", "github.com/nats-io/nats.go/jetstream", true},
		{"rollout", "github.com/spf13/viper", false},
		{"rollout/config", "github.com/spf13/viper", true},
		{"data/table", "github.com/apache/arrow/go/v17/arrow/ipc", false},
		{"data/batch", "github.com/apache/arrow/go/v17/arrow/ipc", true},
		{"rollout/training", "github.com/apache/arrow/go/v17/arrow", false},
		{"data/batch", "github.com/apache/arrow/go/v17/parquet/pqarrow", false},
		{"reward", "github.com/spf13/cobra", false},
	} {
		why := forbidden(c.name, c.imported)
		if (why == "") != c.allowed {
			t.Errorf("%s imports %s: allowed %v, but the rules say %q", c.name, c.imported, c.allowed, why)
		}
	}
	for _, p := range listPackages(t) {
		if layerOf(strings.TrimPrefix(p.ImportPath, module)) < 0 {
			t.Errorf("%s is in no layer", p.ImportPath)
		}
	}
	test := goPackage{ImportPath: module + "reward", TestImports: []string{module + "cmd/ropewalk"}}
	if len(violations([]goPackage{test})) != 1 {
		t.Error("a test that imports the command passes")
	}
}
