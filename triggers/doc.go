// Package triggers starts workflows by the clock and at events.
//
// Each engine has a Cron, which looks for triggers that are due once a second. None of them is the leader: whoever wants
// to fire a tick first writes into the trigger that it will (the claim: which ticks run, which are skipped, what comes
// next), in one transaction that only one can win; then it starts the executions, under ids that are made of the trigger's
// id and the tick; then it writes that it has. If it dies in between, the claim runs out and another engine does the rest
// again, which starts nothing twice, because a start with an id that exists changes nothing. So each tick runs exactly once,
// or is recorded as skipped, or as failed with the reason.
//
// Events go the same way without the first step: the id of an execution is made of the trigger's id and the event's, and
// who sends the event sends it again until it is told that it was taken.
package triggers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"cierzo/catalog"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Engine starts executions.
type Engine interface {
	// Start begins an execution and returns when it is durable. The same ID again is no error and changes nothing.
	// fault.Unavailable: nobody knows whether it has; any other error is a refusal.
	Start(ctx context.Context, s catalog.Start) error
}

// order is what a trigger starts: what both kinds of triggers have in common.
type order struct {
	trigger *persistence.Resource
	params  string // JSON object
	input   string // JSON object
	admin   bool
	event   *value.Dict // joins the params as event_params; nil: none
	// key tells one run of the trigger from another.
	key         string
	description description
}

// description is what Mistral writes into the description of what a trigger starts.
type description struct {
	Description string    `json:"description"`
	TriggeredBy triggered `json:"triggered_by"`
}

type triggered struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// executionID makes the id of what a trigger starts: the same for the same trigger and key, and for no other.
func executionID(triggerID, key string) workflow.ExecutionID {
	var space uuid.UUID
	sum := sha256.Sum256([]byte("trigger\x00" + triggerID))
	copy(space[:], sum[:])
	return workflow.ExecutionID(uuid.NewHash(sha256.New(), space, []byte(key), 8).String())
}

// begin starts what is ordered. It looks the workflow up anew: the newest revision runs, and what the trigger's project
// may no longer see doesn't.
func begin(ctx context.Context, store persistence.Store, cat *catalog.Catalog, engine Engine, o order) (workflow.ExecutionID, error) {
	t := o.trigger
	id := executionID(t.ID, o.key)
	def, err := cat.Newest(ctx, persistence.WorkflowDefinition, t.Ref)
	if err != nil {
		return id, err
	}
	if def != nil && !o.admin {
		seen, err := mayRun(ctx, store, t.ProjectID, def)
		if err != nil {
			return id, err
		}
		if !seen {
			def = nil
		}
	}
	if def == nil {
		return id, fault.New(fault.NotFound, "Workflow not found [workflow_identifier=%s]", t.Ref)
	}
	input, err := dict("workflow_input", o.input)
	if err != nil {
		return id, err
	}
	params, err := dict("workflow_params", o.params)
	if err != nil {
		return id, err
	}
	if o.event != nil {
		params.SetString("event_params", o.event)
	}
	w, err := cat.Workflow(def)
	if err != nil {
		return id, err
	}
	if err := workflow.CheckInput(def.Name, w, input); err != nil {
		return id, err
	}
	start, err := cat.NewStart(ctx, t.ProjectID, def, input, params)
	if err != nil {
		return id, err
	}
	text, err := json.Marshal(o.description)
	if err != nil {
		return id, fault.Wrap(fault.Internal, err, "describe the execution of trigger %s", t.ID)
	}
	start.ID, start.Description = id, string(text)
	return id, engine.Start(ctx, start)
}

// mayRun reports whether a project may run a workflow: its own, a public one, or one that is shared with it.
func mayRun(ctx context.Context, store persistence.Resources, projectID string, def *persistence.Definition) (bool, error) {
	if def.ProjectID == projectID || def.Scope == "public" {
		return true, nil
	}
	share, err := store.FindResource(ctx, persistence.ResourceKey{
		Kind: persistence.MemberResource, ProjectID: def.ProjectID, Namespace: def.FirstID, Name: projectID,
	})
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	member, err := persistence.DocOf[persistence.Member](share)
	return member.Status == "accepted", err
}

func dict(field, text string) (*value.Dict, error) {
	if text == "" {
		return value.NewDict(0), nil
	}
	v, err := value.ParseJSON([]byte(text))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", field)
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fault.New(fault.Invalid, "%s: %s is no object", field, value.TypeName(v))
	}
	return d, nil
}

// errorMax bounds what a trigger remembers of an error, in bytes.
const errorMax = 1024

// errorText is an error as a trigger shows it.
func errorText(err error) string {
	if fault.Is(err, fault.Internal) {
		return "an internal error; the server's log has it"
	}
	text := fmt.Sprint(err)
	if len(text) > errorMax {
		text = text[:errorMax] + "…"
	}
	return strings.ToValidUTF8(text, "?")
}
