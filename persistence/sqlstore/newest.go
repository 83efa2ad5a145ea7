package sqlstore

import (
	"sync"

	"cierzo/persistence"
)

// newest remembers which revision of a definition is the newest, where only this process changes them: with a file of SQLite,
// which one process has to itself. While a change is under way nothing is remembered, so that an answer is never older than what
// the file has said to anyone. The zero value is ready.
type newest struct {
	mu       sync.Mutex
	changing int
	changes  uint64                               // that have begun or ended
	ids      map[persistence.DefinitionKey]string // "": there is no such definition
}

// get is what is remembered, and the changes so far, for put.
func (n *newest) get(k persistence.DefinitionKey) (id string, known bool, changes uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id, known = n.ids[k]
	return id, known, n.changes
}

// put remembers what was read after get, unless something has changed since.
func (n *newest) put(k persistence.DefinitionKey, id string, changes uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changing > 0 || n.changes != changes {
		return
	}
	if n.ids == nil || len(n.ids) >= revisionsMax {
		n.ids = map[persistence.DefinitionKey]string{}
	}
	n.ids[k] = id
}

// change forgets everything, for a change may be to what others see, too (a public definition); and again when it is over.
func (n *newest) change() (over func()) {
	n.count(1)
	return func() { n.count(-1) }
}

func (n *newest) count(by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.changing += by
	n.changes++
	n.ids = nil
}
