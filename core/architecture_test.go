// Package core_test checks what the directories promise of each other: which may import which.
package core_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/pengbridge/pengbridge/"

// allowed says which of the project's directories a directory and those below it may import, besides those below itself. The
// longest entry counts. Dependencies point one way: cmd -> sidecar -> {core, api}; clients -> api; inside core,
// endpoint -> session -> {packet, wire}.
var allowed = map[string][]string{
	"api":              {},
	"core":             {}, // whatever is new there begins with nothing
	"core/event":       {},
	"core/wire":        {},
	"core/packet":      {"core/event"},
	"core/session":     {"core/event", "core/packet", "core/wire"},
	"core/endpoint":    {"core/event", "core/packet", "core/wire", "core/session"},
	"sidecar":          {"core", "api"},
	"sidecar/eventlog": {"core/event"},
	"sidecar/jsonbody": {"core/packet"},
	"sidecar/launch":   {},
	"sidecar/tlsfile":  {},
	"clients":          {"api", "sidecar/launch"}, // launch, for spawning
	"cmd":              {"sidecar", "core", "api", "clients"},
}

func TestDependenciesPointOneWay(t *testing.T) {
	for dir, imports := range sources(t) {
		owner := owner(dir)
		require.NotEmpty(t, owner, "%s: no rule for this directory", dir)
		for _, name := range imports {
			target, ours := strings.CutPrefix(name, module)
			if !ours || below(target, owner) {
				continue
			}
			assert.True(t, slices.ContainsFunc(allowed[owner], func(a string) bool { return below(target, a) }),
				"%s imports %s", dir, target)
		}
	}
}

func TestCoreKnowsNothingOfGRPC(t *testing.T) {
	for dir, imports := range sources(t) {
		if !below(dir, "core") {
			continue
		}
		for _, name := range imports {
			assert.False(t, below(name, "google.golang.org/grpc") || below(name, "google.golang.org/protobuf"),
				"%s imports %s", dir, name)
		}
	}
}

func TestOnlyEndpointHasSockets(t *testing.T) {
	found := false
	for dir, imports := range sources(t) {
		if !below(dir, "core") {
			continue
		}
		for _, name := range imports {
			if below(name, "net") && name != "net/netip" {
				assert.True(t, below(dir, "core/endpoint"), "%s imports %s", dir, name)
				found = true
			}
		}
	}
	assert.True(t, found, "somebody must import net, or this test looks in the wrong place")
}

// TestMapsNameFilesThatExist: the files that a doc.go names are there, in its own directory or below.
func TestMapsNameFilesThatExist(t *testing.T) {
	for _, dir := range []string{".", "../sidecar"} {
		files := map[string]bool{}
		require.NoError(t, filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
			if err == nil {
				files[entry.Name()] = true
			}
			return err
		}))
		text, err := os.ReadFile(filepath.Join(dir, "doc.go"))
		require.NoError(t, err)
		named := regexp.MustCompile(`\w+\.go\b`).FindAllString(string(text), -1)
		require.NotEmpty(t, named, "%s/doc.go", dir)
		for _, name := range named {
			assert.True(t, files[name], "%s/doc.go names %s", dir, name)
		}
	}
}

// sources returns what every directory with Go code imports, on any system, tests aside.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	for _, top := range []string{"api", "core", "sidecar", "cmd", "clients"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("..", top), func(file string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
				return err
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../")
			for _, spec := range parsed.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				imports[dir] = append(imports[dir], name)
			}
			return nil
		}))
	}
	return imports
}

// owner returns the entry of allowed that holds for a directory: its own, or the nearest above.
func owner(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := allowed[dir]; ok {
			return dir
		}
	}
	return ""
}

// below reports whether name is prefix or lies below it.
func below(name, prefix string) bool {
	return name == prefix || strings.HasPrefix(name, prefix+"/")
}
