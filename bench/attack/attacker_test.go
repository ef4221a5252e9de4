//go:build full && linux

package attack

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What startAttack tells the process that attacks.
const (
	attackVariable = "PENGBRIDGE_ATTACK"
	targetVariable = "PENGBRIDGE_ATTACK_TARGET"
)

// What a process can do besides the attacks.
const (
	crowdName = "crowd"
	idleName  = "idle"
)

// done is the line by which the attacker says that all is done; its connections stay open until its stdin ends.
type done struct {
	Sent int64
	Took time.Duration
}

// beAttacker is the main function of a process that startAttack or startPlain made.
func beAttacker(name, address string) int {
	if name == plainName {
		return bePlain()
	}
	var do func(*attacker)
	switch name {
	case crowdName:
		do = crowd
	case idleName:
		do = idle
	default:
		do = attacks[slices.IndexFunc(attacks, func(x attack) bool { return x.name == name })].do
	}
	a := &attacker{address: address}
	begin := time.Now()
	do(a)
	if json.NewEncoder(os.Stdout).Encode(done{a.sent, time.Since(begin)}) != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// running is an attacker's process.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Reader
}

// startAttack begins an attack. It ends with the test at the latest.
func startAttack(t *testing.T, name, address string) *running {
	t.Helper()
	cmd := exec.Command(os.Args[0]) // ends with its stdin, at the latest with this process
	cmd.Env = append(os.Environ(), attackVariable+"="+name, targetVariable+"="+address)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return &running{t, cmd, stdin, bufio.NewReader(stdout)}
}

// await waits until everything is done.
func (r *running) await() (d done) {
	r.t.Helper()
	line, err := r.lines.ReadBytes('\n')
	require.NoError(r.t, err)
	require.NoError(r.t, json.Unmarshal(line, &d))
	return d
}

// end closes the attacker's connections, and returns what CPU time it took.
func (r *running) end() time.Duration {
	r.t.Helper()
	require.NoError(r.t, r.stdin.Close())
	require.NoError(r.t, r.cmd.Wait())
	return r.cmd.ProcessState.UserTime() + r.cmd.ProcessState.SystemTime()
}
