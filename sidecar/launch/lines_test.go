package launch

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const testSecret = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func TestHelloLine(t *testing.T) {
	good := `{"token":"` + testSecret + `","api_versions":["v2","v1"],"pid":7,"drain_ms":250,"new":true}` + "\n"
	h, err := readHello(strings.NewReader(good))
	require.NoError(t, err)
	assert.Equal(t, Hello{Token: testSecret, APIVersions: []string{"v2", "v1"}, PID: 7, DrainMillis: 250}, h)
	assert.Equal(t, 250*time.Millisecond, h.Drain())
	assert.Equal(t, DefaultDrain, Hello{}.Drain())

	for name, c := range map[string]struct{ line, want string }{
		"nothing":       {"", "no hello line"},
		"no newline":    {strings.TrimSpace(good), "no hello line"},
		"too long":      {strings.Repeat(" ", maxLine) + good, "longer than"},
		"garbage":       {"GET / HTTP/1.1\n", "not the JSON object"},
		"another value": {"7\n", "not the JSON object"},
		"no token":      {`{"api_versions":["v1"],"pid":7}` + "\n", "token must be 64"},
		"short token":   {strings.Replace(good, "0001", "", 1), "token must be 64"},
		"no hex":        {strings.Replace(good, "0001", "zzzz", 1), "token must be 64"},
		"no pid":        {strings.Replace(good, `"pid":7`, `"pid":0`, 1), "pid must be"},
		"other version": {strings.Replace(good, `"v1"`, `"v3"`, 1), "speaks API version v1, the parent v2, v3"},
		"negative time": {strings.Replace(good, "250", "-1", 1), "drain_ms"},
		"long time":     {strings.Replace(good, "250", "60001", 1), "drain_ms"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readHello(strings.NewReader(c.line))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestReadyLine(t *testing.T) {
	ready := Ready{APIVersion: "v1", Address: "unix:/tmp/x/y.sock", PID: 99, Version: "0.1.0"}
	var line bytes.Buffer
	require.NoError(t, WriteReady(&line, ready))
	assert.Equal(t, `{"api_version":"v1","address":"unix:/tmp/x/y.sock","pid":99,"version":"0.1.0"}`+"\n", line.String())
	got, err := readReady(&line)
	require.NoError(t, err)
	assert.Equal(t, ready, got)

	for name, c := range map[string]struct{ line, want string }{
		"nothing":       {"", "no ready line"},
		"garbage":       {"Traceback (most recent call last)\n", "not a ready line"},
		"an error":      {`{"error":"no socket"}` + "\n", "refused to start: no socket"},
		"other version": {`{"api_version":"v2","address":"a:1"}` + "\n", `"v2"`},
		"no address":    {`{"api_version":"v1"}` + "\n", "no address"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readReady(strings.NewReader(c.line))
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzHello(f *testing.F) {
	f.Add([]byte(`{"token":"` + testSecret + `","api_versions":["v1"],"pid":7}`))
	f.Add([]byte(`{"token":7}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, err := parseHello(line)
		if err != nil {
			return
		}
		again, err := json.Marshal(h)
		require.NoError(t, err)
		h2, err := parseHello(again)
		require.NoError(t, err)
		require.Equal(t, h, h2)
	})
}

func FuzzReady(f *testing.F) {
	f.Add([]byte(`{"api_version":"v1","address":"127.0.0.1:1","pid":7,"version":"0.1.0"}`))
	f.Add([]byte(`{"error":"x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parseReady(line)
		if err != nil {
			return
		}
		var again bytes.Buffer
		require.NoError(t, WriteReady(&again, r))
		r2, err := readReady(&again)
		require.NoError(t, err)
		require.Equal(t, r, r2)
	})
}
