package persistence

import (
	"context"
	"encoding/json"
	"time"

	"cierzo/fault"
)

// The documents of resources: what a resource of a kind says beyond the fields that queries look at. Values that belong
// to users (inputs, parameters) are JSON texts in them, so that they come back as they were given.

// CronTrigger is the document of a CronTriggerResource. Its DueAt is when it fires next.
type CronTrigger struct {
	WorkflowName string    `json:"workflow_name"`
	Input        string    `json:"input"`                // JSON object
	Params       string    `json:"params"`               // JSON object
	Pattern      string    `json:"pattern"`              // five or six fields, or @hourly …
	Remaining    int       `json:"remaining,omitempty"`  // runs that are left; 0 is no limit, see Last
	FirstTime    time.Time `json:"first_time,omitzero"`  // zero: none was given
	CreatedBy    string    `json:"created_by,omitempty"` // in whose name it runs
	Admin        bool      `json:"admin,omitempty"`      // an administrator has made it: the workflow may be anybody's
	TZ           string    `json:"tz,omitempty"`         // name of a time zone; "" is UTC
	CatchUp      string    `json:"catch_up,omitempty"`   // "skip", "once", "all"; "" is the server's

	// Next is the tick that comes next: what the API shows. DueAt is when an engine must look at the trigger: the same, or,
	// while ticks are pending, when another engine goes on with them. Zero: it never fires again.
	Next time.Time `json:"next,omitzero"`
	// Pending are the ticks that are decided to run, oldest first, and of which it isn't known yet that they have.
	Pending []time.Time `json:"pending,omitempty"`
	// Last: no runs are left after those that are pending.
	Last bool `json:"last,omitempty"`

	Started uint64       `json:"started,omitempty"`
	Failed  uint64       `json:"failed,omitempty"`  // ticks whose workflow could not be started
	Skipped uint64       `json:"skipped,omitempty"` // ticks that were missed and not made up for
	Runs    []TriggerRun `json:"runs,omitempty"`    // the newest, oldest first; at most TriggerRunsMax
}

// TriggerRunsMax bounds what a trigger remembers of its runs.
const TriggerRunsMax = 20

// TriggerRun is what became of a tick, or of a row of ticks that were skipped.
type TriggerRun struct {
	No          uint64    `json:"no"`   // 1, 2, … of the trigger
	Tick        time.Time `json:"tick"` // when it was due; of skipped ones the first
	Until       time.Time `json:"until,omitzero"`
	Ticks       int       `json:"ticks,omitempty"` // skipped ones
	Outcome     string    `json:"outcome"`         // "started", "failed", "skipped"
	ExecutionID string    `json:"execution_id,omitempty"`
	Error       string    `json:"error,omitempty"`
	At          time.Time `json:"at"` // when that was known
}

// EventTrigger is the document of an EventTriggerResource.
type EventTrigger struct {
	Input     string `json:"input"`  // JSON object
	Params    string `json:"params"` // JSON object
	Exchange  string `json:"exchange"`
	Topic     string `json:"topic"`
	Event     string `json:"event"`
	CreatedBy string `json:"created_by,omitempty"` // in whose name it runs
	Admin     bool   `json:"admin,omitempty"`      // an administrator has made it: the workflow may be anybody's

	LastError   string    `json:"last_error,omitempty"` // why the workflow could not be started the last time
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
}

// Member is the document of a MemberResource.
type Member struct {
	Status string `json:"status"` // "pending", "accepted", "rejected"
}

// CodeSource is the document of a CodeSourceResource.
type CodeSource struct {
	Content  string `json:"content"`
	Revision int    `json:"revision"` // 1, 2, …: what the API calls its version
}

// DynamicAction is the document of a DynamicActionResource.
type DynamicAction struct {
	ClassName      string `json:"class_name"`
	CodeSourceName string `json:"code_source_name"`
}

// Maintenance is the document of the setting of that name.
type Maintenance struct {
	Status string `json:"status"` // "RUNNING", "PAUSING", "PAUSED"
}

// MaintenanceName names the setting that says whether the cluster is in maintenance.
const MaintenanceName = "maintenance"

// InMaintenance reports whether the cluster is in maintenance, or being brought there: nothing new is begun then.
func InMaintenance(ctx context.Context, store Resources) (bool, error) {
	r, err := store.FindResource(ctx, ResourceKey{Kind: SettingResource, Name: MaintenanceName})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	doc, err := DocOf[Maintenance](r)
	return doc.Status != "RUNNING", err
}

// SetDoc writes the document of a resource.
func SetDoc[T any](r *Resource, doc T) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "encode %s %q", r.Kind, r.Name)
	}
	r.Doc = string(text)
	return nil
}

// DocOf reads the document of a resource.
func DocOf[T any](r *Resource) (T, error) {
	var doc T
	if err := json.Unmarshal([]byte(r.Doc), &doc); err != nil {
		return doc, fault.Wrap(fault.Internal, err, "decode %s %s", r.Kind, r.ID)
	}
	return doc, nil
}
