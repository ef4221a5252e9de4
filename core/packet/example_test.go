package packet_test

import (
	"fmt"

	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/core/packet"
)

// A client numbered its packets in another order than its server, and knows one that the server does not.
func ExampleTable_Synced() {
	client, _, err := packet.NewTable().Add(
		packet.Type{Name: "chat"},
		packet.Type{Name: "move"},
		packet.Type{Name: "debug"},
	)
	if err != nil {
		panic(err)
	}
	synced, same, err := client.Synced([]event.Registered{{Name: "move", ID: 64}, {Name: "chat", ID: 65}})
	if err != nil {
		panic(err)
	}
	fmt.Println("same names:", same)
	for _, r := range synced.Entries() {
		fmt.Println(r.ID, r.Name, synced.Local(r.Name))
	}
	// Output:
	// same names: false
	// 64 move false
	// 65 chat false
	// 66 debug true
}
