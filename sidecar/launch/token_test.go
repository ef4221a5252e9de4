package launch

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTokensLookup(t *testing.T) {
	game, tool := NewSecret(), NewSecret()
	require.Len(t, game, 64)
	require.NotEqual(t, game, tool)
	tokens := NewTokens(Token{game, "game", false}, Token{tool, "game", true})

	p, ok := tokens.Lookup(game)
	assert.True(t, ok)
	assert.Equal(t, Principal{Owner: "game"}, p)
	p, ok = tokens.Lookup(tool)
	assert.True(t, ok)
	assert.Equal(t, Principal{Owner: "game", ReadOnly: true}, p)

	for _, wrong := range []string{"", game[:63], game + "0", strings.ToUpper(game) + tool, NewSecret()} {
		_, ok := tokens.Lookup(wrong)
		assert.False(t, ok, wrong)
	}
	_, ok = NewTokens().Lookup("")
	assert.False(t, ok, "a set without tokens lets nobody in")
}

func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	tokens := []Token{{NewSecret(), "game", false}, {NewSecret(), "game", true}}
	require.NoError(t, WriteTokenFile(path, tokens[1]))
	require.NoError(t, WriteTokenFile(path, tokens...), "writing again replaces")
	got, err := ReadTokenFile(path)
	require.NoError(t, err)
	assert.Equal(t, tokens, got)
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, names, 1, "no temporary file stays behind")

	if runtime.GOOS == "windows" {
		return
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = ReadTokenFile(path)
		assert.ErrorContains(t, err, "chmod 600", "mode %o", mode)
	}
}

func TestTokenFileRefused(t *testing.T) {
	dir := t.TempDir()
	_, err := ReadTokenFile(filepath.Join(dir, "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = ReadTokenFile(dir)
	assert.ErrorContains(t, err, "not a regular file")

	large := filepath.Join(dir, "large")
	require.NoError(t, os.WriteFile(large, make([]byte, maxTokenFile+1), 0o600))
	_, err = ReadTokenFile(large)
	assert.ErrorContains(t, err, "more than")

	assert.Error(t, WriteTokenFile(filepath.Join(dir, "no", "such", "folder")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "taken"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "taken", "x"), nil, 0o600))
	assert.Error(t, WriteTokenFile(filepath.Join(dir, "taken")))
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, names, 2, "a failed write leaves nothing behind")
}

func TestParseTokens(t *testing.T) {
	other := strings.Repeat("ab", secretBytes)
	tokens, err := parseTokens([]byte("# tokens\n\n" + testSecret + "\n  " + other + "\tgame  read-only\r\n"))
	require.NoError(t, err)
	assert.Equal(t, []Token{{testSecret, DefaultOwner, false}, {other, "game", true}}, tokens)

	for name, c := range map[string]struct{ text, want string }{
		"empty":      {"# nothing\n", "no token"},
		"short":      {"abc game\n", "line 1: a token must be 64"},
		"scope":      {"\n" + testSecret + " game write\n", `line 2: the scope is "full" or "read-only"`},
		"too many":   {testSecret + " my game full x\n", "line 1: the scope"},
		"four words": {testSecret + " game full x\n", "nothing more"},
		"twice":      {testSecret + "\n" + testSecret + "\n", "line 2: the same secret"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseTokens([]byte(c.text))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzTokens(f *testing.F) {
	f.Add([]byte(testSecret + " game read-only\n"))
	f.Add([]byte("# x\n" + testSecret + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		tokens, err := parseTokens(data)
		if err != nil {
			return
		}
		for _, token := range tokens {
			again, err := parseTokens([]byte(FormatToken(token)))
			require.NoError(t, err)
			require.Equal(t, []Token{token}, again)
		}
	})
}

func BenchmarkTokensLookup(b *testing.B) {
	tokens := NewTokens(Token{Secret: NewSecret()}, Token{Secret: testSecret, Owner: "game"})
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := tokens.Lookup(testSecret); !ok {
			b.Fatal("not found")
		}
	}
}
