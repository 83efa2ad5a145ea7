// Package cache keeps values that never change.
package cache

import "sync"

// Cache is a bounded map of values that never change. When it is full an arbitrary entry goes: what is in use comes back
// with the next lookup, and an order of use would cost a write for each read. It is safe for concurrent use.
type Cache[V any] struct {
	mu      sync.RWMutex
	entries map[string]V
	most    int
}

// New makes a cache of at most so many entries.
func New[V any](most int) *Cache[V] {
	return &Cache[V]{entries: make(map[string]V), most: most}
}

// Get returns what was put under a key.
func (c *Cache[V]) Get(key string) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.entries[key]
	return v, ok
}

// Put keeps a value.
func (c *Cache[V]) Put(key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.entries[key]; !there && len(c.entries) >= c.most {
		for k := range c.entries {
			delete(c.entries, k)
			break
		}
	}
	c.entries[key] = v
}
