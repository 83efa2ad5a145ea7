package auth

import (
	"container/list"
	"crypto/sha256"
	"time"
)

// tokenKey is what caches know a token by.
type tokenKey [sha256.Size]byte

// tokenCache forgets what is out of date, and what was used least recently when it is full. It has no lock.
type tokenCache struct {
	entriesMax, bytesMax int

	bytes  int
	order  *list.List // of *cached, the latest used first
	byName map[tokenKey]*list.Element
}

type cached struct {
	key   tokenKey
	id    *Identity
	until time.Time
	bytes int
}

func newTokenCache(entriesMax, bytesMax int) *tokenCache {
	return &tokenCache{entriesMax: entriesMax, bytesMax: bytesMax, order: list.New(), byName: map[tokenKey]*list.Element{}}
}

func (c *tokenCache) get(key tokenKey, now time.Time) (*Identity, bool) {
	e, ok := c.byName[key]
	if !ok {
		return nil, false
	}
	entry := e.Value.(*cached)
	if !now.Before(entry.until) {
		c.remove(e)
		return nil, false
	}
	c.order.MoveToFront(e)
	return entry.id, true
}

// put remembers id until then. Size is in bytes; what is larger than the cache isn't kept.
func (c *tokenCache) put(key tokenKey, id *Identity, until time.Time, size int, now time.Time) {
	if e, ok := c.byName[key]; ok {
		c.remove(e)
	}
	if size > c.bytesMax || !now.Before(until) {
		return
	}
	c.byName[key] = c.order.PushFront(&cached{key, id, until, size})
	c.bytes += size
	for len(c.byName) > c.entriesMax || c.bytes > c.bytesMax {
		c.remove(c.order.Back())
	}
}

func (c *tokenCache) remove(e *list.Element) {
	entry := c.order.Remove(e).(*cached)
	delete(c.byName, entry.key)
	c.bytes -= entry.bytes
}
