package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"cierzo/api/apitype"
)

const schemasAt = "#/components/schemas/"

// values lists what a field can hold where that is less than its Go type can.
func values() map[string][]any {
	scope := []any{"private", "public"}
	out := map[string][]any{
		"Execution.state":       {"IDLE", "RUNNING", "PAUSED", "SUCCESS", "ERROR", "CANCELLED"},
		"ExecutionUpdate.state": {"RUNNING", "PAUSED", "SUCCESS", "ERROR", "CANCELLED"},
		"Task.state":            {"IDLE", "WAITING", "RUNNING", "DELAYED", "PAUSED", "SUCCESS", "ERROR", "CANCELLED", "SKIPPED"},
		"Task.type":             {"ACTION", "WORKFLOW"},
		"TaskUpdate.state":      {"RUNNING", "SKIPPED"},
		"ActionExecution.state": {"IDLE", "RUNNING", "PAUSED", "SUCCESS", "ERROR", "CANCELLED"},
		"ActionUpdate.state":    {"RUNNING", "PAUSED", "SUCCESS", "ERROR", "CANCELLED"},
		"Fault.faultcode":       {"Client", "Server"},
		"Maintenance.status":    {"RUNNING", "PAUSING", "PAUSED"},
		"Member.status":         {"pending", "accepted", "rejected"},
		"MemberUpdate.status":   {"pending", "accepted", "rejected"},
		"Bulk.action":           {"pause", "resume", "cancel", "rerun", "delete"},
		"GraphNode.kind":        {"action", "workflow", "command"},
		"GraphEdge.on":          {"success", "error", "complete", "skip", "requires"},
	}
	for _, name := range []string{"Workflow", "Workbook", "Environment", "NewEnvironment", "CronTrigger", "NewCronTrigger", "EventTrigger", "NewEventTrigger", "CodeSource", "DynamicAction", "NewDynamicAction", "Revision"} {
		out[name+".scope"] = scope
	}
	return out
}

// anyJSON lists fields that are any JSON; other raw fields are an object, or one inside a string.
func anyJSON() []string { return []string{"Event.detail"} }

// component is a reference to the schema of a named type, which it makes if it isn't there.
func (d *Document) component(t reflect.Type) (*jsonschema.Schema, error) {
	ref := &jsonschema.Schema{Ref: schemasAt + t.Name()}
	if d.Components.Schemas[t.Name()] != nil {
		return ref, nil
	}
	d.Components.Schemas[t.Name()] = &jsonschema.Schema{} // a type may contain itself
	s, err := d.inline(t)
	if err != nil {
		return nil, err
	}
	about := comments()
	s.Description = about[t.Name()]
	for name, p := range s.Properties {
		field := t.Name() + "." + name
		if list := values()[field]; list != nil {
			p.Enum = list
		}
		if slices.Contains(anyJSON(), field) {
			*p = jsonschema.Schema{}
		}
		if p.Ref == "" || about[field] != "" {
			p.Description = about[field]
		}
	}
	if isRequest(t.Name()) {
		optionalMayBeNull(s)
	}
	d.Components.Schemas[t.Name()] = s
	return ref, nil
}

// isRequest reports whether a type is a request's body.
func isRequest(name string) bool {
	return strings.HasPrefix(name, "New") || strings.HasSuffix(name, "Update") || name == "Bulk"
}

// optionalMayBeNull: in requests null is as good as absent.
func optionalMayBeNull(s *jsonschema.Schema) {
	for name, p := range s.Properties {
		if slices.Contains(s.Required, name) {
			continue
		}
		if p.Type != "" {
			p.Types, p.Type = []string{p.Type}, ""
		}
		if len(p.Types) > 0 && !slices.Contains(p.Types, "null") {
			p.Types = append(slices.Clone(p.Types), "null")
		}
		if p.Enum != nil {
			p.Enum = append(slices.Clone(p.Enum), nil)
		}
	}
}

// inline is the schema of a type, with references to the types in it.
func (d *Document) inline(t reflect.Type) (*jsonschema.Schema, error) {
	known := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[json.RawMessage](): {Types: []string{"object", "string"}},
	}
	if err := d.collect(t, known, true); err != nil {
		return nil, err
	}
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: known})
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", t, err)
	}
	noNullLists(s)
	return s, nil
}

// optional is what all Opt types have.
type optional interface{ IsZero() bool }

// collect finds the types that a type is made of: those of Opt get a schema that takes null, structs a reference.
func (d *Document) collect(t reflect.Type, known map[reflect.Type]*jsonschema.Schema, outermost bool) error {
	if known[t] != nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return d.collect(t.Elem(), known, false)
	case reflect.Struct:
	default:
		return nil
	}
	if value, ok := t.FieldByName("Value"); ok && t.Implements(reflect.TypeFor[optional]()) {
		s, err := d.inline(value.Type)
		if err != nil {
			return err
		}
		known[t] = orNull(s)
		return nil
	}
	if !outermost && t.Name() != "" {
		ref, err := d.component(t)
		known[t] = ref
		return err
	}
	for f := range t.Fields() {
		if err := d.collect(f.Type, known, false); err != nil {
			return err
		}
	}
	return nil
}

func orNull(s *jsonschema.Schema) *jsonschema.Schema {
	if s.Type != "" {
		s.Types, s.Type = []string{s.Type, "null"}, ""
		return s
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}}
}

// noNullLists: lists are never null in this API, pointers to structs are absent instead.
func noNullLists(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		s.Types, s.Type = nil, ""
	}
	if len(s.Types) == 2 && s.Types[0] == "null" {
		s.Type, s.Types = s.Types[1], nil
	}
	noNullLists(s.Items)
	noNullLists(s.AdditionalProperties)
	for _, p := range s.Properties {
		noNullLists(p)
	}
}

// comments are the comments of package apitype: of types by their name, of fields by "Type.json_name".
var comments = sync.OnceValue(func() map[string]string { return apitype.Comments() })

// Name is the name of the schema that a reference leads to.
func Name(ref string) string { return strings.TrimPrefix(ref, schemasAt) }
