package persistence

import (
	"slices"
	"time"

	"cierzo/fault"
)

// Key names the definition that d is a revision of.
func (d *Definition) Key() DefinitionKey {
	return DefinitionKey{ProjectID: d.ProjectID, Kind: d.Kind, Namespace: d.Namespace, Name: d.Name}
}

// Revise makes the revision that follows newest (nil: there is none) from what a caller gave. The id and the time are
// those of a new revision. changed is false when d says the same as newest, which is then the revision.
func (d Definition) Revise(newest *Definition, id string, at time.Time) (revision Definition, changed bool) {
	if newest != nil && newest.Text == d.Text && newest.Scope == d.Scope && newest.Workbook == d.Workbook && slices.Equal(newest.Tags, d.Tags) {
		return *newest, false
	}
	d.ID, d.FirstID, d.Revision, d.Tags = id, id, 1, slices.Clone(d.Tags)
	d.CreatedAt = FromMicros(Micros(at))
	d.FirstAt = d.CreatedAt
	if newest != nil {
		d.FirstID, d.Revision, d.FirstAt = newest.FirstID, newest.Revision+1, newest.FirstAt
	}
	return d, true
}

// Renamed makes the revision that follows newest under d's own key.
func (d Definition) Renamed(newest *Definition, id string, at time.Time) Definition {
	d.ID, d.FirstID, d.Revision, d.FirstAt, d.Tags = id, newest.FirstID, newest.Revision+1, newest.FirstAt, slices.Clone(d.Tags)
	d.CreatedAt = FromMicros(Micros(at))
	return d
}

// Check refuses what no store can keep.
func (d *Definition) Check() error {
	if d.Name == "" || d.Kind == "" {
		return fault.New(fault.Invalid, "a definition without a name or a kind")
	}
	for _, s := range []string{d.ProjectID, string(d.Kind), d.Namespace, d.Name, d.Scope, d.Hash, d.Workbook, d.CreatedBy} {
		if err := checkText("name", s); err != nil {
			return err
		}
	}
	return checkText("text of "+string(d.Kind), d.Text)
}

// ExistsError says which definition is there already.
func ExistsError(k DefinitionKey) error {
	if k.Namespace == "" {
		return fault.New(fault.Conflict, "%s %q exists", k.Kind, k.Name)
	}
	return fault.New(fault.Conflict, "%s %q exists in namespace %q", k.Kind, k.Name, k.Namespace)
}
