package catalog

import (
	"context"

	"cierzo/fault"
	"cierzo/persistence"
)

// revisionsPage is how many revisions are read at once.
const revisionsPage = 1000

// Newest finds the newest revision of a definition by the id of any of its revisions, also under a name that it has got since.
// nil: it isn't there (any more).
func (c *Catalog) Newest(ctx context.Context, kind persistence.DefinitionKind, id string) (*persistence.Definition, error) {
	d, err := c.store.GetDefinition(ctx, id)
	if fault.Is(err, fault.NotFound) || err == nil && d.Kind != kind {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	newest, err := c.store.FindDefinition(ctx, d.Key())
	if err == nil && newest.FirstID == d.FirstID {
		return newest, nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	// It has got another name since, or it is deleted.
	for after := 0; ; {
		list, err := c.store.ListRevisions(ctx, d.FirstID, after, revisionsPage)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			d, after = &list[len(list)-1], list[len(list)-1].Revision
		}
		if len(list) < revisionsPage {
			break
		}
	}
	newest, err = c.store.FindDefinition(ctx, d.Key())
	if fault.Is(err, fault.NotFound) || err == nil && newest.FirstID != d.FirstID {
		return nil, nil
	}
	return newest, err
}
