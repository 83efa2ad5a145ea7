// Package cache keeps values that never change, or that are asserted when they are used.
package cache

import "sync"

// Cache is a bounded map of such values. When it is full an arbitrary entry goes: what is in use comes back
// with the next lookup, and an order of use would cost a write for each read. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu      sync.RWMutex
	entries map[K]V
	most    int
}

// New makes a cache of at most so many entries.
func New[K comparable, V any](most int) *Cache[K, V] {
	return &Cache[K, V]{entries: make(map[K]V), most: most}
}

// Get returns what was put under a key.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.entries[key]
	return v, ok
}

// Put keeps a value.
func (c *Cache[K, V]) Put(key K, v V) {
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

// Drop forgets what is under a key.
func (c *Cache[K, V]) Drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}
