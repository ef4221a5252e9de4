package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	pengbridgev1 "github.com/pengbridge/pengbridge/api/pengbridge/v1"
	"github.com/pengbridge/pengbridge/core/event"
	"github.com/pengbridge/pengbridge/sidecar/eventlog"
)

// An endpoint appends, and a subscriber reads to the end and acknowledges what it has handled.
func Example() {
	log := eventlog.New(eventlog.Options{Expected: "game"})
	log.Append([]event.Event{
		{Type: event.ServerInitialize, Time: time.Now()},
		{Type: event.ServerBind, Time: time.Now(), Addr: event.Addr{Host: "127.0.0.1", Port: 8080}},
	})
	log.Close() // the endpoint has ended

	cursor, header, err := log.Subscribe(eventlog.Request{Name: "game", Mode: eventlog.Acknowledging})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cursor.Close()
	fmt.Println("from", header.Next, "of", header.Last)
	for {
		batch, err := cursor.Next(context.Background(), 5*time.Second)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		var message pengbridgev1.SubscribeResponse // batch.Message is what travels; this is what arrives
		if err := proto.Unmarshal(batch.Message(), &message); err != nil {
			fmt.Println(err)
			return
		}
		for _, e := range message.GetEvents() {
			fmt.Println(e.GetSequence(), event.Type(e.GetType()), e.GetAddress().GetPort())
		}
		if err := log.Acknowledge("", "game", batch.Last); err != nil {
			fmt.Println(err)
			return
		}
	}
	<-log.Drained()
	fmt.Println("all is handled")
	// Output:
	// from 1 of 2
	// 1 peng3dnet:server.initialize 0
	// 2 peng3dnet:server.bind 8080
	// all is handled
}
