package catalog

import (
	"context"

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
