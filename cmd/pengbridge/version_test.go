package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestVersionsAgree holds the Python package to the binary that its wheel carries.
func TestVersionsAgree(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "..", "clients", "python", "src", "pengbridge", "__init__.py"))
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^__version__ = "(.*)"$`).FindSubmatch(source)
	require.NotNil(t, found)
	assert.Equal(t, version, string(found[1]))
}
