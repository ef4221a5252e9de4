package session_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pengbridge/pengbridge/core/packet"
	"github.com/pengbridge/pengbridge/core/session"
)

// What a dialogue's script has, in the lower bits of each byte; the upper ones say how much.
const (
	scriptServerSends = iota
	scriptClientSends
	scriptServerReads
	scriptClientReads
	scriptSteps
)

// FuzzDialogue lets two sessions talk, from the first byte on, as the script says: which one sends when, and in what pieces and
// order the two streams arrive.
func FuzzDialogue(f *testing.F) {
	f.Add([]byte{3, 2, 200, 0, 17, 130}, uint8(9))
	f.Add([]byte("a longer script of what both say"), uint8(0))
	f.Fuzz(func(t *testing.T, script []byte, threshold uint8) { dialogue(t, script, threshold) })
}

// TestDialogues does the same with many random scripts.
func TestDialogues(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		script := make([]byte, random.IntN(400))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		dialogue(t, script, uint8(random.Uint32()))
		require.False(t, t.Failed(), "seed %d", seed)
	}
}

// dialogue plays a script; what it leaves under way arrives in the end. Both sides become active, and get everything that
// the other sent, once and in order.
func dialogue(t *testing.T, script []byte, threshold uint8) {
	small := func(cfg *session.Config) {
		c := *cfg.Compression.Load()
		c.Threshold = int(threshold)
		cfg.Compression.Store(&c)
	}
	server := newPeer(t, packet.ServerSide, types("app:a", "app:b"), small)
	client := newPeer(t, packet.ClientSide, types("app:b", "app:a"), small)
	var toServer, toClient bytes.Buffer
	carry := func() {
		toClient.Write(server.take())
		toServer.Write(client.take())
	}
	var sent [2]int
	carry()
	for _, b := range script {
		size := int(b / scriptSteps)
		switch step := int(b % scriptSteps); step {
		case scriptServerReads:
			server.receive(bytes.Clone(toServer.Next(size)))
		case scriptClientReads:
			client.receive(bytes.Clone(toClient.Next(size)))
		default:
			from := []*peer{server, client}[step]
			err := from.send(packet.Name([]string{"app:a", "app:b"}[size%2]), numbered(sent[step], size*5))
			if !from.session.Active() {
				require.ErrorIs(t, err, session.ErrNotActive)
				continue
			}
			require.NoError(t, err)
			sent[step]++
		}
		carry()
	}
	for toServer.Len()+toClient.Len() > 0 {
		server.receive(bytes.Clone(toServer.Next(toServer.Len())))
		client.receive(bytes.Clone(toClient.Next(toClient.Len())))
		carry()
	}
	require.True(t, server.session.Active() && client.session.Active())
	require.Equal(t, upTo(sent[0]), client.numbers)
	require.Equal(t, upTo(sent[1]), server.numbers)
}

var numberedPrefix = []byte{0x92, 0xce}

// numbered is a body that says which one it is, with some bytes to compress.
func numbered(n, size int) []byte {
	body := binary.BigEndian.AppendUint32(bytes.Clone(numberedPrefix), uint32(n))
	return append(body, blob(size+5)...)
}

// upTo returns the numbers below n.
func upTo(n int) (numbers []uint32) {
	for i := range n {
		numbers = append(numbers, uint32(i))
	}
	return numbers
}
