package persistence

import (
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
	Remaining    int       `json:"remaining,omitempty"`  // runs that are left; 0 is no limit
	FirstTime    time.Time `json:"first_time,omitzero"`  // zero: none was given
	CreatedBy    string    `json:"created_by,omitempty"` // in whose name it runs
}

// EventTrigger is the document of an EventTriggerResource.
type EventTrigger struct {
	Input     string `json:"input"`  // JSON object
	Params    string `json:"params"` // JSON object
	Exchange  string `json:"exchange"`
	Topic     string `json:"topic"`
	Event     string `json:"event"`
	CreatedBy string `json:"created_by,omitempty"` // in whose name it runs
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
