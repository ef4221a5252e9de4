package launch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// DefaultOwner is the owner of tokens that name none.
const DefaultOwner = "default"

// The scopes in a token file: a read-only token may only observe, a full one may do everything.
const (
	fullScope     = "full"
	readOnlyScope = "read-only"
)

// maxTokenFile is the size of the largest token file, in bytes: room for hundreds of tokens.
const maxTokenFile = 64 << 10

// ReadTokenFile reads a token file, which nobody but its owner may be able to read (mode 0600 or less; not checked on
// Windows). It has one token a line: the secret, then, if wanted, the owner (without spaces) and the scope, "full" or
// "read-only". Empty lines and lines that start with # are ignored. There must be a token, and no secret twice.
//
//	6f1c...e0 game full
//	09ab...77 game read-only
func ReadTokenFile(path string) ([]Token, error) {
	data, err := readPrivateFile(path)
	if err != nil {
		return nil, fmt.Errorf("token file: %w", err)
	}
	tokens, err := parseTokens(data)
	if err != nil {
		return nil, fmt.Errorf("token file %s: %w", path, err)
	}
	return tokens, nil
}

// WriteTokenFile writes tokens as [ReadTokenFile] reads them, with mode 0600, replacing the file whole.
func WriteTokenFile(path string, tokens ...Token) error {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(FormatToken(t))
		b.WriteByte('\n')
	}
	return writePrivateFile(path, []byte(b.String()))
}

// AddToken adds a token to the end of a token file. If there is no file, it is made with mode 0600; if there is one, it must be a
// token file already.
func AddToken(path string, token Token) error {
	data, err := readPrivateFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("token file: %w", err)
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	data = append(data, FormatToken(token)+"\n"...)
	if _, err := parseTokens(data); err != nil {
		return fmt.Errorf("token file %s: %w", path, err)
	}
	return writePrivateFile(path, data)
}

// FormatToken returns a token's line in a token file, without the newline.
func FormatToken(t Token) string {
	scope := fullScope
	if t.ReadOnly {
		scope = readOnlyScope
	}
	return t.Secret + " " + t.Owner + " " + scope
}

func parseTokens(data []byte) ([]Token, error) {
	var tokens []Token
	seen := map[string]bool{}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		token, err := parseToken(fields)
		if err == nil && seen[token.Secret] {
			err = errors.New("the same secret is there twice: remove one of the lines")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		seen[token.Secret] = true
		tokens = append(tokens, token)
	}
	if len(tokens) == 0 {
		return nil, errors.New("there is no token in it; make one with: pengbridge token")
	}
	return tokens, nil
}

func parseToken(fields []string) (Token, error) {
	t := Token{Secret: fields[0], Owner: DefaultOwner}
	if !validSecret(t.Secret) {
		return Token{}, errors.New("a token must be 64 hexadecimal digits; make one with: pengbridge token")
	}
	if len(fields) > 1 {
		t.Owner = fields[1]
	}
	if len(fields) > 2 {
		switch fields[2] {
		case fullScope:
		case readOnlyScope:
			t.ReadOnly = true
		default:
			return Token{}, fmt.Errorf("the scope is %q or %q, not %q", fullScope, readOnlyScope, fields[2])
		}
	}
	if len(fields) > 3 {
		return Token{}, errors.New("a line has a token, an owner and a scope, and nothing more")
	}
	return t, nil
}

// readPrivateFile reads a small regular file that only its owner can read.
func readPrivateFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s has mode %04o, others can read it; run: chmod 600 %s", path, info.Mode().Perm(), path)
	case info.Size() > maxTokenFile:
		return nil, fmt.Errorf("%s is no token file: it has more than %d bytes", path, maxTokenFile)
	}
	return io.ReadAll(io.LimitReader(f, maxTokenFile))
}
