package sqlstore

import (
	"context"
	"sync"
)

// grouped lets callers who ask the same share a query. A query serves only those who had asked before it began, so that each
// sees all that was committed before its call: while one runs, those who come wait together for the next.
type grouped[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K]*group[V]
}

// group is the callers of a key that has a query under way.
type group[V any] struct {
	running chan struct{} // closed when the query under way is over
	next    *answer[V]    // of those who wait for the next one; nil without any
}

type answer[V any] struct {
	done  chan struct{} // closed when the rest is there
	value V
	err   error
	left  bool // who should have asked has gone: ask again
}

// do asks, or shares in what another asks for after now.
func (g *grouped[K, V]) do(ctx context.Context, key K, ask func() (V, error)) (V, error) {
	for {
		g.mu.Lock()
		c := g.calls[key]
		if c == nil {
			c = &group[V]{running: make(chan struct{})}
			if g.calls == nil {
				g.calls = map[K]*group[V]{}
			}
			g.calls[key] = c
			g.mu.Unlock()
			return g.lead(key, c, ask)
		}
		if c.next != nil {
			a := c.next
			g.mu.Unlock()
			select {
			case <-a.done:
				if !a.left {
					return a.value, a.err
				}
			case <-ctx.Done():
				var none V
				return none, context.Cause(ctx)
			}
			continue
		}
		a := &answer[V]{done: make(chan struct{})}
		c.next = a
		running := c.running
		g.mu.Unlock()
		select {
		case <-running:
		case <-ctx.Done():
			g.mu.Lock()
			c.next = nil
			select {
			case <-running:
				if g.calls[key] == c {
					delete(g.calls, key)
				}
			default:
			}
			g.mu.Unlock()
			a.left = true
			close(a.done)
			var none V
			return none, context.Cause(ctx)
		}
		g.mu.Lock()
		mine := &group[V]{running: make(chan struct{})}
		g.calls[key] = mine
		g.mu.Unlock()
		a.value, a.err = g.lead(key, mine, ask)
		a.left = ctx.Err() != nil // its error is not the others'
		close(a.done)
		return a.value, a.err
	}
}

// lead asks, and lets those go on who have come meanwhile.
func (g *grouped[K, V]) lead(key K, c *group[V], ask func() (V, error)) (V, error) {
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if c.next == nil && g.calls[key] == c {
			delete(g.calls, key)
		}
		close(c.running)
	}()
	return ask()
}
