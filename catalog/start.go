package catalog

import (
	"context"
	"errors"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Start is a request to begin an execution of a stored definition.
type Start struct {
	ID           workflow.ExecutionID
	ProjectID    string
	DefinitionID string // of the revision
	WorkflowName string
	Namespace    string
	Description  string
	Tags         []string
	Priority     int
	SourceID     workflow.ExecutionID // the execution whose start this one repeats; "" for none
	Input        *value.Dict          // never nil
	Params       *value.Dict          // never nil; as the user gave them
	Env          *value.Dict          // never nil; resolved, its expressions not yet evaluated
	Auth         *workflow.CloudAuth  // of who starts it; nil for none
	By           workflow.Requester   // who starts it
	Traceparent  string               // of the request that starts it; "" for none
	// Newest says that the revision was the newest when somebody looked last. The start must assert that it still is, see Begin.
	Newest bool
}

// Begin starts what prepare makes. When that is persistence.ErrOutdated it is made and started once more, then of what ToStart has asked
// the store for (fresh).
func Begin(prepare func(fresh bool) (Start, error), start func(Start) error) error {
	for fresh := false; ; fresh = true {
		s, err := prepare(fresh)
		if err != nil {
			return err
		}
		if err = start(s); fresh || !errors.Is(err, persistence.ErrOutdated) {
			return err
		}
	}
}

// ToStart finds the newest revision of a workflow: in the project, else a public one. remembered: nobody has asked the store, and
// Start.Newest is to be set; never when it is to be fresh. fault.NotFound.
func (c *Catalog) ToStart(ctx context.Context, key persistence.DefinitionKey, fresh bool) (def *persistence.Definition, remembered bool, err error) {
	if c.Shared && !fresh {
		if id, ok := c.newest.Get(key); ok {
			if def, err := c.store.GetDefinition(ctx, id); err == nil {
				return def, true, nil
			}
		}
	}
	def, err = c.store.FindDefinition(ctx, key)
	switch {
	case err == nil && def.ProjectID == key.ProjectID:
		c.newest.Put(key, def.ID)
	case err == nil || fault.Is(err, fault.NotFound):
		// Of a public workflow it would have to be asserted, too, that the project has got none.
		c.newest.Drop(key)
	}
	return def, false, err
}

// NewStart prepares the start of a definition in a project, which may be another than the definition's: it resolves the
// environment that params name.
func (c *Catalog) NewStart(ctx context.Context, projectID string, def *persistence.Definition, input, params *value.Dict) (Start, error) {
	if input == nil {
		input = value.NewDict(0)
	}
	if params == nil {
		params = value.NewDict(0)
	}
	s := Start{
		ProjectID: projectID, DefinitionID: def.ID, WorkflowName: def.Name, Namespace: def.Namespace,
		Tags: def.Tags, Input: input, Params: params, Env: value.NewDict(0),
	}
	env, ok := params.GetString("env")
	if !ok {
		return s, nil
	}
	switch env := env.(type) {
	case *value.Dict:
		s.Env = env
	case value.String:
		vars, err := c.Environment(ctx, projectID, string(env))
		if fault.Is(err, fault.NotFound) {
			return s, fault.New(fault.Invalid, "Environment is not found: %s", string(env))
		}
		if err != nil {
			return s, err
		}
		s.Env = vars
	case value.Null:
	default:
		return s, fault.New(fault.Invalid, "Unexpected value type for environment [env=%s, type=%s]", value.Str(env), value.TypeName(env))
	}
	return s, nil
}
