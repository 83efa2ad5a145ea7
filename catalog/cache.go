package catalog

import "sync"

// cache is a bounded map of values that never change. When it is full an arbitrary entry goes: what is in use comes back
// with the next lookup, and an order of use would cost a write for each read.
type cache[V any] struct {
	mu      sync.RWMutex
	entries map[string]V
	max     int
}

func newCache[V any](limit int) *cache[V] {
	return &cache[V]{entries: make(map[string]V), max: limit}
}

func (c *cache[V]) get(key string) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.entries[key]
	return v, ok
}

func (c *cache[V]) put(key string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.entries[key]; !there && len(c.entries) >= c.max {
		for k := range c.entries {
			delete(c.entries, k)
			break
		}
	}
	c.entries[key] = v
}
