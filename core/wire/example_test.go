package wire_test

import (
	"fmt"

	"github.com/pengbridge/pengbridge/core/wire"
)

// A stream arrives in whatever pieces the network makes of it.
func ExampleDecoder() {
	stream, err := wire.DefaultCompression().AppendPacket(nil, 64, []byte("\xa5hello"))
	if err != nil {
		panic(err)
	}
	var d wire.Decoder
	defer d.Release()
	for _, piece := range [][]byte{stream[:3], stream[3:12], stream[12:]} {
		d.Feed(piece)
		for {
			frame, ok, err := d.Next()
			if err != nil {
				panic(err)
			}
			if !ok {
				fmt.Println("holding", d.Pending(), "bytes")
				break
			}
			fmt.Printf("packet %d: %q\n", frame.ID, frame.Body)
		}
	}
	// Output:
	// holding 3 bytes
	// holding 12 bytes
	// packet 64: "\xa5hello"
	// holding 0 bytes
}
