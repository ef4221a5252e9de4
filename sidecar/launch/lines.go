package launch

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// APIVersion is the version of the gRPC API that this build speaks, in both roles.
const APIVersion = "v1"

// How long a spawned sidecar may take to end.
const (
	DefaultDrain = 1500 * time.Millisecond
	MaxDrain     = 60 * time.Second
)

// maxLine bounds a line in either direction, in bytes, including the newline. Real lines have some 200.
const maxLine = 64 << 10

// Hello is the line that a parent writes to the sidecar's stdin. Unknown keys are ignored.
type Hello struct {
	// Token is the secret that calls must carry: 64 hexadecimal digits.
	Token string `json:"token"`
	// APIVersions lists what the parent speaks.
	APIVersions []string `json:"api_versions"`
	// PID is the parent's own process id. The sidecar must be its direct child.
	PID int `json:"pid"`
	// ReadOnlyTokenFile is where the sidecar writes a second token, with which tools may only observe. Empty: nowhere.
	ReadOnlyTokenFile string `json:"read_only_token_file,omitempty"`
	// DrainMillis is how long the sidecar may take to end, up to [MaxDrain]. 0: [DefaultDrain].
	DrainMillis int64 `json:"drain_ms,omitempty"`
}

// Drain returns how long the sidecar may take to end.
func (h Hello) Drain() time.Duration {
	if h.DrainMillis == 0 {
		return DefaultDrain
	}
	return time.Duration(h.DrainMillis) * time.Millisecond
}

// Ready is the line that the sidecar writes to stdout, and in attach mode to the ready file, once it serves.
type Ready struct {
	// APIVersion is the one chosen from the parent's list.
	APIVersion string `json:"api_version"`
	// Address is a gRPC target: "unix:/path" or "host:port".
	Address string `json:"address"`
	// PID is the sidecar's process id.
	PID int `json:"pid"`
	// Version is the build's, such as "0.1.0".
	Version string `json:"version"`
}

// answer is what a sidecar may write to stdout: ready, or why not.
type answer struct {
	Ready
	Error string `json:"error"`
}

// WriteReady writes the line that tells a parent where the sidecar is.
func WriteReady(w io.Writer, r Ready) error { return writeLine(w, r) }

// WriteError writes the line that tells a parent why there will be no sidecar.
func WriteError(w io.Writer, err error) error {
	return writeLine(w, struct {
		Error string `json:"error"`
	}{err.Error()})
}

func writeLine(w io.Writer, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// readHello reads and checks the parent's line. It may read beyond it.
func readHello(r io.Reader) (Hello, error) {
	line, err := readLine(r)
	if err != nil {
		return Hello{}, fmt.Errorf("no hello line on stdin: %w", err)
	}
	return parseHello(line)
}

func parseHello(line []byte) (Hello, error) {
	var h Hello
	if err := json.Unmarshal(line, &h); err != nil {
		return Hello{}, fmt.Errorf("the hello line on stdin is not the JSON object it should be: %w", err)
	}
	switch {
	case !validSecret(h.Token):
		return Hello{}, errors.New("the hello line's token must be 64 hexadecimal digits")
	case h.PID <= 0:
		return Hello{}, errors.New("the hello line's pid must be the parent's process id")
	case !slices.Contains(h.APIVersions, APIVersion):
		return Hello{}, fmt.Errorf("this sidecar speaks API version %s, the parent %s: install versions that match",
			APIVersion, strings.Join(h.APIVersions, ", "))
	case h.DrainMillis < 0 || h.DrainMillis > MaxDrain.Milliseconds():
		return Hello{}, fmt.Errorf("the hello line's drain_ms must be between 0 and %d", MaxDrain.Milliseconds())
	}
	return h, nil
}

// readReady reads and checks the sidecar's line. It may read beyond it.
func readReady(r io.Reader) (Ready, error) {
	line, err := readLine(r)
	if err != nil {
		return Ready{}, fmt.Errorf("the sidecar wrote no ready line: %w", err)
	}
	return parseReady(line)
}

func parseReady(line []byte) (Ready, error) {
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return Ready{}, fmt.Errorf("the sidecar's first line is not a ready line: %w", err)
	}
	switch {
	case a.Error != "":
		return Ready{}, fmt.Errorf("the sidecar refused to start: %s", a.Error)
	case a.APIVersion != APIVersion:
		return Ready{}, fmt.Errorf("the sidecar speaks API version %q, this program %q", a.APIVersion, APIVersion)
	case a.Address == "":
		return Ready{}, errors.New("the sidecar's ready line has no address")
	}
	return a.Ready, nil
}

// readLine returns the first line of r, without its newline, or an error if it is longer than maxLine.
func readLine(r io.Reader) ([]byte, error) {
	line, err := bufio.NewReaderSize(io.LimitReader(r, maxLine), 512).ReadBytes('\n')
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case !errors.Is(err, io.EOF):
		return nil, err
	case len(line) == maxLine:
		return nil, fmt.Errorf("the line is longer than %d bytes", maxLine)
	default:
		return nil, io.ErrUnexpectedEOF
	}
}

// validSecret reports whether s looks like a token's secret.
func validSecret(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == secretBytes
}
