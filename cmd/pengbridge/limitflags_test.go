package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/pengbridge/pengbridge/api/pengbridge/v1"
)

func TestLimitFlags(t *testing.T) {
	var flags limitFlags
	for _, text := range []string{
		"max_connections=5", "max_packet_bytes=64KiB,idle_timeout=1m30s", "backlog_bytes=2GiB", "bytes_per_second=1MiB", "max_connections=7",
	} {
		require.NoError(t, flags.UnmarshalText([]byte(text)), text)
	}
	want := &pb.Limits{
		MaxConnections: 7, MaxPacketBytes: 64 << 10, IdleTimeout: durationpb.New(90 * time.Second), BacklogBytes: 2 << 30, BytesPerSecond: 1 << 20,
	}
	require.True(t, proto.Equal(want, flags.limits()), "%v", flags.limits())

	for text, problem := range map[string]string{
		"":                        "name=value",
		"max_connections":         "name=value",
		"max_connections=5,":      "name=value",
		"max_conections=5":        "there are backlog_bytes, ",
		"max_connections=":        "number above 0",
		"max_connections=0":       "number above 0",
		"max_connections=-1":      "number above 0",
		"max_connections=1KiB":    "number above 0",
		"max_connections=2^32":    "number above 0",
		"max_packet_bytes=100":    "64KiB",
		"max_packet_bytes=4GiB":   "below 2^32",
		"idle_timeout=10":         "90s",
		"idle_timeout=0s":         "above 0",
		"handshake_timeout=-1s":   "above 0",
		"max_connections=5=6":     "number above 0",
		"limits.max_connections=": "there is no limit",
	} {
		var flags limitFlags
		assert.ErrorContains(t, flags.UnmarshalText([]byte(text)), problem, text)
	}
}
