package launch

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// secretBytes is the length of a secret: 256 bits.
const secretBytes = 32

// Token is a secret and what whoever knows it may do.
type Token struct {
	// Secret is 64 hexadecimal digits.
	Secret string
	// Owner names whose endpoints the token reaches. Tokens of the same owner share them.
	Owner string
	// ReadOnly tokens may list and observe, and nothing else.
	ReadOnly bool
}

// Principal is who makes a call.
type Principal struct {
	Owner    string
	ReadOnly bool
}

// NewSecret returns a fresh random secret.
func NewSecret() string {
	var raw [secretBytes]byte
	_, _ = rand.Read(raw[:]) // crypto/rand ends the process rather than fail
	return hex.EncodeToString(raw[:])
}

// Tokens is the set of a sidecar's tokens. It does not change, and may be used concurrently.
type Tokens struct {
	entries []tokenEntry
}

// tokenEntry holds a hash of the secret, so that comparing takes the same time whatever the length of what is presented.
type tokenEntry struct {
	sum       [sha256.Size]byte
	principal Principal
}

// NewTokens returns the set of tokens. Secrets must differ.
func NewTokens(tokens ...Token) *Tokens {
	t := &Tokens{entries: make([]tokenEntry, len(tokens))}
	for i, token := range tokens {
		t.entries[i] = tokenEntry{sha256.Sum256([]byte(token.Secret)), Principal{token.Owner, token.ReadOnly}}
	}
	return t
}

// Lookup returns whose token secret is, and false if it is nobody's. The time it takes depends neither on what is presented
// nor on which token matches.
func (t *Tokens) Lookup(secret string) (Principal, bool) {
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i := range t.entries {
		equal := subtle.ConstantTimeCompare(sum[:], t.entries[i].sum[:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return Principal{}, false
	}
	return t.entries[found].principal, true
}
