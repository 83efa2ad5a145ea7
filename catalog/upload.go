package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"cierzo/dsl"
	"cierzo/fault"
	"cierzo/persistence"
)

// TextMax bounds a definition's text, in bytes.
const TextMax = 10 << 20

// Mode says what an upload does about definitions of the same name.
type Mode uint8

// The modes: Create refuses names that exist, Update refuses names that don't, Put takes both.
const (
	Create Mode = iota
	Update
	Put
)

// Upload is a text with definitions.
type Upload struct {
	// Kind is what the text must be: WorkflowDefinition for a workflow list, ActionDefinition for a list of ad-hoc
	// actions, WorkbookDefinition. "" takes any and looks at the text.
	Kind      persistence.DefinitionKind
	Mode      Mode
	ProjectID string
	Namespace string
	Scope     string // "private" (also for ""), "public"
	User      string
	File      string // names the text in diagnostics
	Text      []byte
}

// Uploaded is what an upload has stored.
type Uploaded struct {
	Workflows []persistence.Definition // in the order of the text
	Actions   []persistence.Definition // in the order of the text
	Workbook  *persistence.Definition  // nil unless the text is a workbook
	Warnings  dsl.Diagnostics
}

// Check parses a text as Upload does, and stores nothing.
func Check(u Upload) (*dsl.Document, dsl.Diagnostics, error) {
	if len(u.Text) > TextMax {
		return nil, nil, fault.New(fault.TooLarge, "%s is larger than %d MiB, the limit of a definition", u.File, TextMax>>20)
	}
	switch u.Kind {
	case persistence.WorkflowDefinition:
		ws, ds := dsl.ParseWorkflows(u.File, u.Text)
		return &dsl.Document{Workflows: ws}, ds, nil
	case persistence.ActionDefinition:
		as, ds := dsl.ParseActions(u.File, u.Text)
		return &dsl.Document{Actions: as}, ds, nil
	case persistence.WorkbookDefinition:
		wb, ds := dsl.ParseWorkbook(u.File, u.Text)
		return &dsl.Document{Workbook: wb}, ds, nil
	case "":
		d, ds := dsl.Parse(u.File, u.Text)
		return d, ds, nil
	default:
		return nil, nil, fault.New(fault.Invalid, "a text of kind %q can't be uploaded", u.Kind)
	}
}

// Upload stores the definitions of a text, all or none. An error that wraps dsl.Diagnostics says what is wrong with the
// text; fault.Conflict and fault.NotFound follow from the mode.
func (c *Catalog) Upload(ctx context.Context, u Upload) (*Uploaded, error) {
	doc, diags, defs, err := u.prepare()
	if err != nil {
		return nil, err
	}
	if u.Mode == Update {
		if err := c.mustExist(ctx, defs, doc.Workbook != nil); err != nil {
			return nil, err
		}
	}
	stored, err := c.save(ctx, u.Mode, defs, doc.Workbook != nil)
	if err != nil {
		return nil, err
	}
	out := &Uploaded{Warnings: diags.Warnings()}
	for _, d := range stored {
		switch d.Kind {
		case persistence.WorkflowDefinition:
			out.Workflows = append(out.Workflows, d)
		case persistence.ActionDefinition:
			out.Actions = append(out.Actions, d)
		default:
			out.Workbook = &d
		}
	}
	return out, nil
}

// prepare checks a text and makes the rows of what it defines.
func (u Upload) prepare() (*dsl.Document, dsl.Diagnostics, []persistence.Definition, error) {
	doc, diags, err := Check(u)
	if err == nil {
		err = diags.Err()
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if u.Scope == "" {
		u.Scope = "private"
	}
	if u.Scope != "private" && u.Scope != "public" {
		return nil, nil, nil, fault.New(fault.Invalid, "Scope must be one of the following: {'private', 'public'}; actual: %s", u.Scope)
	}
	defs := u.definitions(doc)
	for i := range defs {
		if len(defs[i].Name) > nameMax {
			return nil, nil, nil, fault.New(fault.Invalid, "The length of the name of the %s '%.40s…' must not exceed %d bytes", defs[i].Kind, defs[i].Name, nameMax)
		}
	}
	return doc, diags, defs, nil
}

// nameMax bounds the names of definitions, in bytes.
const nameMax = 255

// Prepare makes what Upload would store, and stores nothing. Errors are Upload's.
func (c *Catalog) Prepare(u Upload) ([]persistence.Definition, error) {
	_, _, defs, err := u.prepare()
	return defs, err
}

// save stores the definitions in one transaction. A workbook's members are put in any case: Mistral takes over members
// that exist, only the workbook's own name must be new.
func (c *Catalog) save(ctx context.Context, mode Mode, defs []persistence.Definition, workbook bool) ([]persistence.Definition, error) {
	if mode != Create {
		return c.store.PutDefinitions(ctx, defs)
	}
	if !workbook {
		stored, err := c.store.CreateDefinitions(ctx, defs)
		if fault.Is(err, fault.Conflict) {
			return nil, c.whichExists(ctx, defs, err)
		}
		return stored, err
	}
	key := keyOf(defs[0])
	if _, err := c.store.FindDefinition(ctx, key); err == nil {
		return nil, Duplicate(key)
	} else if !fault.Is(err, fault.NotFound) {
		return nil, fmt.Errorf("find workbook %s: %w", key.Name, err)
	}
	return c.store.PutDefinitions(ctx, defs)
}

// whichExists says in Mistral's words which definition is there already.
func (c *Catalog) whichExists(ctx context.Context, defs []persistence.Definition, conflict error) error {
	seen := map[persistence.DefinitionKey]bool{}
	for _, d := range defs {
		found, err := c.store.FindDefinition(ctx, keyOf(d))
		if seen[keyOf(d)] || err == nil && found.ProjectID == d.ProjectID {
			return Duplicate(keyOf(d))
		}
		seen[keyOf(d)] = true
	}
	return conflict
}

// Duplicate is the refusal of a name that exists, in Mistral's words.
func Duplicate(key persistence.DefinitionKey) error {
	return fault.New(fault.Conflict, "Duplicate entry for %s ['name', 'namespace', 'project_id']: %s, %s, %s", model(key.Kind), key.Name, key.Namespace, key.ProjectID)
}

// model is what Mistral calls a kind in such texts.
func model(kind persistence.DefinitionKind) string {
	return map[persistence.DefinitionKind]string{
		persistence.WorkflowDefinition: "WorkflowDefinition", persistence.ActionDefinition: "ActionDefinition",
		persistence.WorkbookDefinition: "Workbook", persistence.EnvironmentDefinition: "Environment",
	}[kind]
}

// Foreign refuses a change of what another project has, in Mistral's words.
func Foreign(d *persistence.Definition) error {
	return fault.New(fault.Forbidden, "Can not access %s resource of other projects, ID: %s", model(d.Kind), d.FirstID)
}

func (c *Catalog) mustExist(ctx context.Context, defs []persistence.Definition, workbook bool) error {
	if workbook {
		defs = defs[:1]
	}
	for _, d := range defs {
		own, err := c.store.FindDefinition(ctx, keyOf(d))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return fmt.Errorf("find %s %s: %w", d.Kind, d.Name, err)
		}
		if err != nil {
			return NotFound(keyOf(d))
		}
		if own.ProjectID != d.ProjectID {
			return Foreign(own)
		}
	}
	return nil
}

// NotFound is the refusal of a name that doesn't exist, in Mistral's words.
func NotFound(key persistence.DefinitionKey) error {
	switch key.Kind {
	case persistence.WorkflowDefinition:
		return fault.New(fault.NotFound, "Workflow not found [workflow_identifier=%s, namespace=%s]", key.Name, key.Namespace)
	case persistence.ActionDefinition:
		return fault.New(fault.NotFound, "Action definition not found [action_name=%s, namespace=%s]", key.Name, key.Namespace)
	case persistence.WorkbookDefinition:
		return fault.New(fault.NotFound, "Workbook not found [name=%s, namespace=%s]", key.Name, key.Namespace)
	default:
		return fault.New(fault.NotFound, "Environment not found [name=%s]", key.Name)
	}
}

func keyOf(d persistence.Definition) persistence.DefinitionKey {
	return persistence.DefinitionKey{ProjectID: d.ProjectID, Kind: d.Kind, Namespace: d.Namespace, Name: d.Name}
}

// definitions makes the rows of a document; a workbook's own row comes first.
func (u Upload) definitions(doc *dsl.Document) []persistence.Definition {
	sum := sha256.Sum256(u.Text)
	row := func(kind persistence.DefinitionKind, name string, tags []string) persistence.Definition {
		return persistence.Definition{
			ProjectID: u.ProjectID, Kind: kind, Namespace: u.Namespace, Name: name, Scope: u.Scope, Tags: tags,
			Text: string(u.Text), Hash: hex.EncodeToString(sum[:]), CreatedBy: u.User,
		}
	}
	var defs []persistence.Definition
	for _, w := range doc.Workflows {
		defs = append(defs, row(persistence.WorkflowDefinition, w.Name, w.Tags))
	}
	for _, a := range doc.Actions {
		defs = append(defs, row(persistence.ActionDefinition, a.Name, a.Tags))
	}
	if wb := doc.Workbook; wb != nil {
		defs = append(defs, row(persistence.WorkbookDefinition, wb.Name, wb.Tags))
		for _, w := range wb.Workflows {
			d := row(persistence.WorkflowDefinition, wb.Name+"."+w.Name, w.Tags)
			d.Workbook = wb.Name
			defs = append(defs, d)
		}
		for _, a := range wb.Actions {
			d := row(persistence.ActionDefinition, wb.Name+"."+a.Name, a.Tags)
			d.Workbook = wb.Name
			defs = append(defs, d)
		}
	}
	return defs
}
