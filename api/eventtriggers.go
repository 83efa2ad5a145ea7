package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
)

func eventTriggerCollection() collection {
	return collection{
		name: "event_triggers", sortBy: "created_at", json: []string{"workflow_input", "workflow_params"},
		columns: []string{
			"id", "name", "workflow_id", "workflow_input", "workflow_params", "exchange", "topic", "event", "project_id", "scope",
			"created_at", "updated_at",
		},
	}
}

func eventTriggerJSON(r *persistence.Resource) (apitype.EventTrigger, error) {
	t, err := persistence.DocOf[persistence.EventTrigger](r)
	return apitype.EventTrigger{
		ID: r.ID, Name: r.Name, WorkflowID: r.Ref, WorkflowInput: t.Input, WorkflowParams: t.Params, Exchange: t.Exchange, Topic: t.Topic,
		Event: t.Event, ProjectID: r.ProjectID, Scope: r.Scope, CreatedAt: apitype.Time(r.CreatedAt), UpdatedAt: apitype.Time(r.UpdatedAt),
		LastError: t.LastError,
	}, err
}

func (s *server) listEventTriggers(r *http.Request) (int, any, error) {
	return listResources(s, r, eventTriggerCollection(), persistence.EventTriggerResource, eventTriggerJSON)
}

// findEventTrigger finds the trigger that the path names: by its id, as in Mistral, or by its name if no other has it.
func (s *server) findEventTrigger(r *http.Request) (*persistence.Resource, error) {
	id := r.PathValue("id")
	if isUUID(id) {
		return s.findResource(r, persistence.EventTriggerResource, id, "", "Event trigger not found [id="+clipText(id)+"].")
	}
	list, err := s.allResources(r, persistence.ResourcesQuery{Kind: persistence.EventTriggerResource, ProjectID: projectOf(r)})
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(t persistence.Resource) bool { return t.Name != id })
	if own := slices.DeleteFunc(slices.Clone(list), func(t persistence.Resource) bool { return t.ProjectID != callerOf(r).ProjectID }); len(own) > 0 {
		list = own
	}
	switch len(list) {
	case 0:
		return nil, notUUID("id", id)
	case 1:
		return &list[0], nil
	}
	return nil, fault.New(fault.Conflict, "%d event triggers have the name %s: say which by its id", len(list), clipText(id))
}

// listensTo tells event triggers of one name apart, by what never changes. It stands where other resources have their namespace.
func listensTo(t persistence.EventTrigger) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{t.Exchange, t.Topic, t.Event}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func duplicateEventTrigger(t persistence.EventTrigger, res *persistence.Resource) string {
	return "Duplicate entry for EventTrigger ['name', 'exchange', 'topic', 'event', 'project_id']: " +
		strings.Join([]string{res.Name, t.Exchange, t.Topic, t.Event, res.ProjectID}, ", ")
}

func (s *server) getEventTrigger(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query(), "fields"); err != nil {
		return 0, nil, err
	}
	res, err := s.findEventTrigger(r)
	if err != nil {
		return 0, nil, err
	}
	item, err := eventTriggerJSON(res)
	if err != nil {
		return 0, nil, err
	}
	body, err := someFields(r, eventTriggerCollection(), item)
	return http.StatusOK, body, err
}

func (s *server) deleteEventTrigger(r *http.Request) (int, any, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return 0, nil, err
	}
	res, err := s.findEventTrigger(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, s.removeResource(r, res)
}

// readEventTrigger reads the body of a request about an event trigger.
func readEventTrigger(r *http.Request) (fields, map[string]string, error) {
	if err := knownOnly(r.URL.Query()); err != nil {
		return nil, nil, err
	}
	f, err := readFields(r, "event_trigger", "id", "name", "workflow_id", "workflow_input", "workflow_params", "exchange", "topic", "event", "scope",
		"project_id", "created_at", "updated_at")
	if err != nil {
		return nil, nil, err
	}
	t, err := f.texts("name", "workflow_id", "exchange", "topic", "event", "scope")
	if err != nil {
		return nil, nil, err
	}
	for _, name := range []string{"name", "exchange", "topic", "event"} {
		if err := checkName(name, t[name]); err != nil {
			return nil, nil, err
		}
	}
	return f, t, nil
}

func (s *server) createEventTrigger(r *http.Request) (int, any, error) {
	f, t, err := readEventTrigger(r)
	if err != nil {
		return 0, nil, err
	}
	var missing []string
	for _, name := range []string{"event", "exchange", "topic", "workflow_id"} {
		if t[name] == "" {
			missing = append(missing, "'"+name+"'")
		}
	}
	if len(missing) > 0 {
		return 0, nil, fault.New(fault.Invalid, "Params {%s} must be provided for creating event trigger.", strings.Join(missing, ", "))
	}
	if err := s.mayPublish(r, "event_triggers", t["scope"]); err != nil {
		return 0, nil, err
	}
	target, err := s.readTarget(r, f, t["workflow_id"])
	if err != nil {
		return 0, nil, err
	}
	c := callerOf(r)
	res := persistence.Resource{
		Kind: persistence.EventTriggerResource, ProjectID: c.ProjectID, Name: t["name"], Scope: firstOf(t["scope"], "private"), Ref: target.definition.FirstID,
	}
	doc := persistence.EventTrigger{
		Input: target.input, Params: target.params, Exchange: t["exchange"], Topic: t["topic"], Event: t["event"], CreatedBy: c.UserID, Admin: c.Admin,
	}
	res.Namespace = listensTo(doc)
	if err := persistence.SetDoc(&res, doc); err != nil {
		return 0, nil, err
	}
	made, err := s.createResource(r, res, duplicateEventTrigger(doc, &res))
	if err != nil {
		return 0, nil, err
	}
	item, err := eventTriggerJSON(made)
	forgetUpdate(true, &item.UpdatedAt)
	return http.StatusCreated, item, err
}

// updateEventTrigger changes what is started; what it listens to stays.
func (s *server) updateEventTrigger(r *http.Request) (int, any, error) {
	f, t, err := readEventTrigger(r)
	if err != nil {
		return 0, nil, err
	}
	for _, name := range []string{"exchange", "topic", "event"} {
		if t[name] != "" {
			return 0, nil, fault.New(fault.Invalid, "Can not update fields ['exchange', 'topic', 'event'] of event trigger.")
		}
	}
	res, err := s.findEventTrigger(r)
	if err != nil {
		return 0, nil, err
	}
	if err := mayChangeResource(r, res); err != nil {
		return 0, nil, err
	}
	doc, err := persistence.DocOf[persistence.EventTrigger](res)
	if err != nil {
		return 0, nil, err
	}
	if f.has("workflow_id") || f.has("workflow_input") || f.has("workflow_params") {
		if !f.has("workflow_input") {
			f["workflow_input"] = []byte(doc.Input)
		}
		target, err := s.readTarget(r, f, firstOf(t["workflow_id"], res.Ref))
		if err != nil {
			return 0, nil, err
		}
		res.Ref, doc.Input, doc.Admin = target.definition.FirstID, target.input, callerOf(r).Admin
		if f.has("workflow_params") {
			doc.Params = target.params
		}
	}
	if f.has("scope") {
		if err := s.mayPublish(r, "event_triggers", t["scope"]); err != nil {
			return 0, nil, err
		}
		res.Scope = firstOf(t["scope"], res.Scope)
	}
	renamed := t["name"] != "" && t["name"] != res.Name
	res.Name = firstOf(t["name"], res.Name)
	if err := persistence.SetDoc(res, doc); err != nil {
		return 0, nil, err
	}
	changed, err := s.Store.UpdateResource(r.Context(), *res)
	if fault.Is(err, fault.Conflict) && renamed {
		return 0, nil, fault.New(fault.Conflict, "%s", duplicateEventTrigger(doc, res))
	}
	if err != nil {
		return 0, nil, err
	}
	item, err := eventTriggerJSON(changed)
	return http.StatusOK, item, err
}
