// Package catalog is what a node knows of definitions: it takes uploads in, and finds workflows and actions for those
// who start and run them.
//
//	Upload      a text becomes stored definitions, or diagnostics and nothing stored
//	Program     the compiled form of a stored revision, cached: revisions never change
//	Facts       what a step of the state machine looks up
//
// It holds no state of its own but caches of what can't change, and of what is asserted when it is used.
package catalog

import (
	"context"
	"fmt"
	"strings"

	"cierzo/actions"
	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/internal/cache"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Catalog finds definitions. It is safe for concurrent use.
type Catalog struct {
	// Legacy lets expressions use the functions that Mistral 15 had and later versions haven't; see Program.AllowLegacy.
	// Set before the catalog is used. Defaults to false.
	Legacy bool
	// Shared says that other processes change the definitions, too. Then ToStart and Facts may answer from memory. Set before the catalog is
	// used. Defaults to false.
	Shared bool

	store    persistence.Store
	registry *actions.Registry
	programs *cache.Cache[string, *workflow.Program]
	parsed   *cache.Cache[string, *dsl.Document]
	origins  *cache.Cache[string, string]
	newest   *cache.Cache[persistence.DefinitionKey, string] // ids of revisions; see ToStart
	builtIn  map[string]*workflow.ActionSpec
	memory   memory // of what turns look up
}

// programsMax and documentsMax bound the caches, in entries. A document is at most dsl's size limit.
const (
	programsMax  = 512
	documentsMax = 128
	originsMax   = 10_000
	newestMax    = 1000
)

// New makes a catalog over a store and the actions that runners offer.
func New(store persistence.Store, registry *actions.Registry) *Catalog {
	return &Catalog{
		store: store, registry: registry,
		programs: cache.New[string, *workflow.Program](programsMax),
		parsed:   cache.New[string, *dsl.Document](documentsMax),
		origins:  cache.New[string, string](originsMax),
		newest:   cache.New[persistence.DefinitionKey, string](newestMax),
		builtIn:  builtInSpecs(registry),
	}
}

// Program compiles the stored revision of a workflow. fault.NotFound when there is no such revision.
func (c *Catalog) Program(ctx context.Context, definitionID string) (*workflow.Program, error) {
	if p, ok := c.programs.Get(definitionID); ok {
		return p, nil
	}
	def, err := c.store.GetDefinition(ctx, definitionID)
	if err != nil {
		return nil, fmt.Errorf("load definition %s: %w", definitionID, err)
	}
	w, err := c.Workflow(def)
	if err != nil {
		return nil, err
	}
	p, err := workflow.Compile(w, def.Name, def.Workbook)
	if err != nil {
		return nil, fmt.Errorf("compile workflow %s, revision %d: %w", def.Name, def.Revision, err)
	}
	if c.Legacy {
		p.AllowLegacy()
	}
	c.programs.Put(definitionID, p)
	return p, nil
}

// Document parses a stored text; what was stored once was valid once.
func (c *Catalog) Document(def *persistence.Definition) (*dsl.Document, error) {
	key := string(def.Kind) + def.Hash
	if d, ok := c.parsed.Get(key); ok {
		return d, nil
	}
	var d *dsl.Document
	var diags dsl.Diagnostics
	switch {
	case def.Workbook != "" || def.Kind == persistence.WorkbookDefinition:
		wb, ds := dsl.ParseWorkbook(def.Name, []byte(def.Text))
		d, diags = &dsl.Document{Workbook: wb}, ds
	case def.Kind == persistence.WorkflowDefinition:
		ws, ds := dsl.ParseWorkflows(def.Name, []byte(def.Text))
		d, diags = &dsl.Document{Workflows: ws}, ds
	case def.Kind == persistence.ActionDefinition:
		as, ds := dsl.ParseActions(def.Name, []byte(def.Text))
		d, diags = &dsl.Document{Actions: as}, ds
	default:
		return nil, fault.New(fault.Internal, "%s %s has no document", def.Kind, def.Name)
	}
	if err := diags.Err(); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "parse stored %s %s", def.Kind, def.Name)
	}
	c.parsed.Put(key, d)
	return d, nil
}

// Workflow is the workflow that the definition's name picks in its document.
func (c *Catalog) Workflow(def *persistence.Definition) (*dsl.Workflow, error) {
	d, err := c.Document(def)
	if err != nil {
		return nil, err
	}
	list, name := d.Workflows, def.Name
	if d.Workbook != nil {
		list, name = d.Workbook.Workflows, strings.TrimPrefix(def.Name, def.Workbook+".")
	}
	for _, w := range list {
		if w.Name == name {
			return w, nil
		}
	}
	return nil, fault.New(fault.Internal, "the text of workflow %s, revision %d, doesn't define it", def.Name, def.Revision)
}

// Action is the ad-hoc action that the definition's name picks in its document.
func (c *Catalog) Action(def *persistence.Definition) (*dsl.Action, error) {
	d, err := c.Document(def)
	if err != nil {
		return nil, err
	}
	list, name := d.Actions, def.Name
	if d.Workbook != nil {
		list, name = d.Workbook.Actions, strings.TrimPrefix(def.Name, def.Workbook+".")
	}
	for _, a := range list {
		if a.Name == name {
			return a, nil
		}
	}
	return nil, fault.New(fault.Internal, "the text of action %s, revision %d, doesn't define it", def.Name, def.Revision)
}

// Origin is the id that a definition keeps through all its revisions, by the id of one of them.
func (c *Catalog) Origin(ctx context.Context, definitionID string) (string, error) {
	if id, ok := c.origins.Get(definitionID); ok {
		return id, nil
	}
	def, err := c.store.GetDefinition(ctx, definitionID)
	if err != nil {
		return "", fmt.Errorf("load definition %s: %w", definitionID, err)
	}
	c.origins.Put(definitionID, def.FirstID)
	return def.FirstID, nil
}

// Registry is the set of actions that runners offer.
func (c *Catalog) Registry() *actions.Registry { return c.registry }

// Environment reads a stored environment's variables. fault.NotFound.
func (c *Catalog) Environment(ctx context.Context, projectID, name string) (*value.Dict, error) {
	def, err := c.store.FindDefinition(ctx, persistence.DefinitionKey{
		ProjectID: projectID, Kind: persistence.EnvironmentDefinition, Name: name,
	})
	if err != nil {
		return nil, err
	}
	_, vars, err := ParseEnvironment(def)
	return vars, err
}

// ParseEnvironment reads the text of a stored environment: {"description": …, "variables": {…}}.
func ParseEnvironment(def *persistence.Definition) (string, *value.Dict, error) {
	v, err := value.ParseJSON([]byte(def.Text))
	if err != nil {
		return "", nil, fmt.Errorf("parse environment %s: %w", def.Name, err)
	}
	fields, ok := v.(*value.Dict)
	if !ok {
		return "", nil, fault.New(fault.Internal, "environment %s is no object", def.Name)
	}
	description, vars := "", value.NewDict(0)
	if d, ok := fields.GetString("description"); ok {
		description = value.Str(d)
	}
	if d, ok := fields.GetString("variables"); ok {
		if vars, ok = d.(*value.Dict); !ok {
			return "", nil, fault.New(fault.Internal, "the variables of environment %s are no object", def.Name)
		}
	}
	return description, vars, nil
}
