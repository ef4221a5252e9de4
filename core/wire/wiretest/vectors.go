// Package wiretest reads the traffic that was captured from the reference implementation, for tests that compare with it.
package wiretest

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Vector is one recorded session.
type Vector struct {
	Name   string
	Frames []Frame
}

// Frame is one recorded frame.
type Frame struct {
	FromServer bool
	Label      string
	Bytes      []byte // as on the wire, length prefix included
	ID         uint32
	Flags      uint16
	BodySize   int             // after inflating
	Value      json.RawMessage // what the reference decoded, for a person
}

// Vectors returns all recorded sessions. It works in the tests of packages directly below core.
func Vectors(tb testing.TB) []Vector {
	tb.Helper()
	data, err := os.ReadFile("../testdata/vectors.json")
	require.NoError(tb, err)
	var file struct {
		Vectors []struct {
			Name   string
			Frames []struct {
				Dir, Label, Hex string
				Pid             uint32
				Flags           uint16
				Size            int             `json:"msgpack_len"`
				Value           json.RawMessage `json:"msg_json"`
			}
		}
	}
	require.NoError(tb, json.Unmarshal(data, &file))
	require.NotEmpty(tb, file.Vectors)
	vectors := make([]Vector, len(file.Vectors))
	for i, v := range file.Vectors {
		vectors[i].Name = v.Name
		for _, f := range v.Frames {
			raw, err := hex.DecodeString(f.Hex)
			require.NoError(tb, err)
			vectors[i].Frames = append(vectors[i].Frames, Frame{
				FromServer: f.Dir == "s2c", Label: f.Label, Bytes: raw,
				ID: f.Pid, Flags: f.Flags, BodySize: f.Size, Value: f.Value,
			})
		}
	}
	return vectors
}
