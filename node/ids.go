package node

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	"github.com/google/uuid"

	"cierzo/workflow"
)

// executionIDs makes ids of executions: those in the order of time when the store is this process' own, random ones when
// it isn't, for there neighbours are in each other's way (see workflow.Key).
type executionIDs struct {
	timed bool

	mu   sync.Mutex
	last workflow.Key
}

func (g *executionIDs) next() string {
	if !g.timed {
		return uuid.NewString()
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	g.mu.Lock()
	defer g.mu.Unlock()
	key, ok := workflow.TimedKey(time.Now(), binary.NativeEndian.Uint64(random[:8]), g.last)
	if !ok {
		return uuid.NewString()
	}
	g.last = key
	return string(workflow.TimedID(key, binary.NativeEndian.Uint64(random[8:])))
}

// NewExecutionID makes an id as Start makes it. With an id of its own a StartRequest can be sent again: the second says that the
// execution exists.
func (n *Node) NewExecutionID() string { return n.ids.next() }
