package persistence

import (
	"context"
	"time"

	"cierzo/fault"
)

// Resource is a small document of a project that has a name: a trigger, a share of a workflow, a piece of code. What
// queries look at is a field of its own; the rest is Doc, which the kind's own type reads and writes (see docs.go).
type Resource struct {
	ID        string // UUID; set by the store when it is empty
	Kind      ResourceKind
	ProjectID string
	Namespace string
	Name      string // unique in (kind, project, namespace)
	Scope     string // "private", "public"
	Ref       string // what it points to, see the kinds; "" is nothing
	DueAt     time.Time
	Version   uint64 // 1, 2, …; grows with each update
	Doc       string // JSON
	CreatedAt time.Time
	UpdatedAt time.Time // zero before the first update
}

// ResourceKind tells what a resource is.
type ResourceKind string

// The kinds of resources.
const (
	// CronTriggerResource starts a workflow by the clock: Ref is the workflow's id, DueAt when it fires next.
	CronTriggerResource ResourceKind = "cron_trigger"
	// EventTriggerResource starts a workflow at an event: Ref is the workflow's id.
	EventTriggerResource ResourceKind = "event_trigger"
	// MemberResource shares a workflow with a project: ProjectID is the owner, Namespace the workflow's id, Name and Ref
	// the project that it is shared with.
	MemberResource ResourceKind = "member"
	// CodeSourceResource is the text of a module of actions.
	CodeSourceResource ResourceKind = "code_source"
	// DynamicActionResource is an action in a code source: Ref is the code source's id.
	DynamicActionResource ResourceKind = "dynamic_action"
	// SettingResource is a setting of the whole cluster, of no project.
	SettingResource ResourceKind = "setting"
)

// ResourceKey names a resource.
type ResourceKey struct {
	Kind      ResourceKind
	ProjectID string
	Namespace string
	Name      string
}

// Key is the name of the resource.
func (r *Resource) Key() ResourceKey {
	return ResourceKey{Kind: r.Kind, ProjectID: r.ProjectID, Namespace: r.Namespace, Name: r.Name}
}

// Resources holds resources of all kinds.
type Resources interface {
	// CreateResource stores a new resource with version 1. fault.Conflict: the id or the name is there already.
	CreateResource(ctx context.Context, r Resource) (*Resource, error)
	// UpdateResource writes name, scope, ref, due time and document if the stored version is still r.Version, and raises
	// it. What it is (id, kind, project, namespace, when it was created) stays. fault.NotFound; fault.Conflict: another
	// update was faster, or the new name is taken.
	UpdateResource(ctx context.Context, r Resource) (*Resource, error)
	// DeleteResource removes a resource, if it still has the version; version 0 is any. fault.NotFound; fault.Conflict:
	// another update was faster.
	DeleteResource(ctx context.Context, kind ResourceKind, id string, version uint64) error
	// GetResource reads a resource by id. fault.NotFound.
	GetResource(ctx context.Context, kind ResourceKind, id string) (*Resource, error)
	// FindResource reads a resource by name. fault.NotFound.
	FindResource(ctx context.Context, key ResourceKey) (*Resource, error)
	// ListResources lists resources of a kind, oldest first (created_at, then id).
	ListResources(ctx context.Context, q ResourcesQuery) ([]Resource, error)
	// DueResources lists resources of a kind whose time has come by the database's clock, the longest waiting first.
	DueResources(ctx context.Context, kind ResourceKind, limit int) ([]Resource, error)
}

// ResourcesQuery selects resources of a kind. Zero fields select all.
type ResourcesQuery struct {
	Kind      ResourceKind
	ProjectID string
	OrPublic  bool // with ProjectID: public ones of other projects, too
	Namespace string
	Ref       string
	After     *ResourceMark // keyset paging
	Limit     int           // 1…1000
}

// ResourceMark is a place in a list of resources.
type ResourceMark struct {
	CreatedAt time.Time
	ID        string
}

// Check refuses what no store can keep.
func (r *Resource) Check() error {
	if r.Kind == "" || r.Name == "" {
		return fault.New(fault.Invalid, "a resource without a kind or a name")
	}
	for _, s := range []string{r.ID, string(r.Kind), r.ProjectID, r.Namespace, r.Name, r.Scope, r.Ref} {
		if err := checkText("name or id", s); err != nil {
			return err
		}
	}
	return checkText("document of "+string(r.Kind), r.Doc)
}

// First makes the first version of a resource that a caller gave; id is for one that has none.
func (r Resource) First(id string, at time.Time) Resource {
	if r.ID == "" {
		r.ID = id
	}
	r.Version, r.CreatedAt, r.UpdatedAt, r.DueAt = 1, FromMicros(Micros(at)), time.Time{}, FromMicros(Micros(r.DueAt))
	return r
}

// Next makes the version that follows the stored one from what a caller gave. fault.Conflict: it was made from another.
func (r Resource) Next(stored *Resource, at time.Time) (Resource, error) {
	if stored.Version != r.Version {
		return r, StaleError(stored)
	}
	r.ID, r.Kind, r.ProjectID, r.Namespace, r.CreatedAt = stored.ID, stored.Kind, stored.ProjectID, stored.Namespace, stored.CreatedAt
	r.Version, r.UpdatedAt, r.DueAt = stored.Version+1, FromMicros(Micros(at)), FromMicros(Micros(r.DueAt))
	return r, nil
}

// StaleError says that a resource has been changed since the caller read it.
func StaleError(stored *Resource) error {
	return fault.New(fault.Conflict, "%s %q was changed by somebody else meanwhile", stored.Kind, stored.Name)
}

// TakenError says that a resource of the name or the id is there already.
func TakenError(k ResourceKey) error {
	return fault.New(fault.Conflict, "%s %q exists", k.Kind, k.Name)
}
