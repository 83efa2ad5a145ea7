package catalog

import (
	"context"
	"sync"

	"cierzo/fault"
	"cierzo/persistence"
)

// memory is what was found while the definitions had a version. Who uses it asserts that version when the use becomes durable, so
// nobody goes by what the store didn't have at that moment. The zero value is ready.
type memory struct {
	mu      sync.Mutex
	version uint64 // 0: nothing is remembered
	found   map[persistence.DefinitionKey]*persistence.Definition
}

// memoryMax bounds what is remembered, in names.
const memoryMax = 10_000

// at is the version of what is remembered, or the present one.
func (m *memory) at(ctx context.Context, store persistence.Definitions) (uint64, error) {
	m.mu.Lock()
	version := m.version
	m.mu.Unlock()
	if version != 0 {
		return version, nil
	}
	version, err := store.DefinitionsVersion(ctx)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if version > m.version {
		m.version, m.found = version, map[persistence.DefinitionKey]*persistence.Definition{}
	}
	return version, nil
}

// get is what was found with the version; nil: there was no such definition.
func (m *memory) get(version uint64, k persistence.DefinitionKey) (d *persistence.Definition, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if version != m.version {
		return nil, false
	}
	d, known = m.found[k]
	return d, known
}

// put remembers what was found after the version was read. A change since then has made it another one: then what is remembered
// under the old one may be new, and nobody will be able to use it.
func (m *memory) put(version uint64, k persistence.DefinitionKey, d *persistence.Definition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if version != m.version {
		return
	}
	if len(m.found) >= memoryMax {
		clear(m.found)
	}
	m.found[k] = d
}

// drop forgets what was found with the version.
func (m *memory) drop(version uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if version == m.version {
		m.version, m.found = 0, nil
	}
}

// Outdated says that the definitions haven't got the version any more.
func (c *Catalog) Outdated(version uint64) { c.memory.drop(version) }

// definition is the newest revision, or nil.
func (f *facts) definition(ctx context.Context, k persistence.DefinitionKey) (*persistence.Definition, error) {
	c := f.catalog
	if f.fresh {
		return c.ask(ctx, k)
	}
	if f.version == 0 {
		var err error
		if f.version, err = c.memory.at(ctx, c.store); err != nil {
			return nil, err
		}
	}
	if d, known := c.memory.get(f.version, k); known {
		return d, nil
	}
	d, err := c.ask(ctx, k)
	if err == nil {
		c.memory.put(f.version, k, d)
	}
	return d, err
}

// ask is definition from the store.
func (c *Catalog) ask(ctx context.Context, k persistence.DefinitionKey) (*persistence.Definition, error) {
	d, err := c.store.FindDefinition(ctx, k)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return d, err
}
