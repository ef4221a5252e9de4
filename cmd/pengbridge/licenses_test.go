package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var updateLicenses = flag.Bool("update-licenses", false, "write licenses.txt anew")

// licenseFile is how files with licences are called.
var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// TestLicensesAreCurrent: the binary carries the licence of everything that is in it, on any system.
func TestLicensesAreCurrent(t *testing.T) {
	modules := modulesOfBinary(t)
	owners := make(map[string][]string) // by text: many have the same
	for name, folder := range modules {
		addLicenses(t, owners, name, folder)
	}
	addLicenses(t, owners, "Go's standard library", modules["golang.org/x/sys"]) // the same; not every Go brings its own along
	var sections []string
	for text, names := range owners {
		slices.Sort(names)
		sections = append(sections, strings.Join(names, "\n")+"\n\n"+text+"\n")
	}
	slices.Sort(sections)
	rule := "\n" + strings.Repeat("=", 80) + "\n"
	text := "pengbridge is under the Apache License 2.0. What is compiled into its binary, besides its own code:\n" +
		rule + strings.Join(sections, rule)
	if *updateLicenses {
		require.NoError(t, os.WriteFile("licenses.txt", []byte(text), 0o644))
		return
	}
	require.True(t, licenses == text, "licenses.txt is not what go.mod says: run make licenses")
}

// modulesOfBinary returns the folders of the modules that are compiled in on any system that there are wheels for.
func modulesOfBinary(t *testing.T) map[string]string {
	t.Helper()
	modules := make(map[string]string)
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", ".")
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		out, err := list.Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(out)) {
			if path, folder, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
				modules[path] = folder
			}
		}
	}
	require.NotEmpty(t, modules)
	return modules
}

// addLicenses adds every file with a licence in a folder. There must be one.
func addLicenses(t *testing.T, owners map[string][]string, name, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	found := 0
	for _, entry := range entries {
		if entry.IsDir() || !licenseFile.MatchString(entry.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
		text := strings.TrimSpace(strings.ReplaceAll(string(data), "\r\n", "\n"))
		owners[text] = append(owners[text], name+": "+entry.Name())
		found++
	}
	require.NotZero(t, found, "%s has no licence", name)
}
