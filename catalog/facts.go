package catalog

import (
	"context"
	"fmt"
	"time"

	"cierzo/actions"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// lookupTimeout bounds what a turn waits for the store with each of its lookups.
const lookupTimeout = 30 * time.Second

// Facts answers the lookups of one turn. What it has found it gives again, so that answers don't change within a turn. Where other
// processes change definitions it may answer from memory: version says, after the turn's lookups, which version of the definitions the
// turn must assert (see persistence.Turn), 0 being any; when that has failed Outdated is to be called. fresh asks the store for
// everything, and there is nothing to assert.
func (c *Catalog) Facts(ctx context.Context, fresh bool) (answers workflow.Facts, version func() uint64) {
	f := &facts{ctx: ctx, catalog: c, fresh: fresh || !c.Shared}
	return f, func() uint64 { return f.version }
}

type lookup struct{ project, namespace, name string }

type facts struct {
	ctx       context.Context // Facts has its lifetime
	catalog   *Catalog
	fresh     bool
	version   uint64                           // of the definitions, of those that were not asked for afresh
	actions   map[lookup]*workflow.ActionSpec  // nil until one is found that isn't built in
	workflows map[lookup]*workflow.WorkflowRef // nil until one is looked for
}

func (f *facts) Action(projectID, namespace, name string) (*workflow.ActionSpec, error) {
	if spec, ok := f.catalog.builtIn[name]; ok {
		return spec, nil
	}
	key := lookup{projectID, namespace, name}
	if spec, ok := f.actions[key]; ok {
		return spec, nil
	}
	ctx, cancel := context.WithTimeout(f.ctx, lookupTimeout)
	defer cancel()
	spec, err := f.findAction(ctx, key, nil)
	if err != nil {
		return nil, err
	}
	if f.actions == nil {
		f.actions = map[lookup]*workflow.ActionSpec{}
	}
	f.actions[key] = spec
	return spec, nil
}

func (f *facts) Workflow(projectID, namespace, name string) (*workflow.WorkflowRef, error) {
	key := lookup{projectID, namespace, name}
	if ref, ok := f.workflows[key]; ok {
		return ref, nil
	}
	ctx, cancel := context.WithTimeout(f.ctx, lookupTimeout)
	defer cancel()
	def, err := f.find(ctx, persistence.WorkflowDefinition, key)
	if err != nil {
		return nil, err
	}
	var ref *workflow.WorkflowRef
	if def != nil {
		w, err := f.catalog.Workflow(def)
		if err != nil {
			return nil, err
		}
		ref = &workflow.WorkflowRef{DefinitionID: def.ID, Name: def.Name, Namespace: def.Namespace, Type: w.Type, Input: w.Input}
	}
	if f.workflows == nil {
		f.workflows = map[lookup]*workflow.WorkflowRef{}
	}
	f.workflows[key] = ref
	return ref, nil
}

// find looks for the newest revision in the namespace and then in the default one. nil, nil: there is none.
func (f *facts) find(ctx context.Context, kind persistence.DefinitionKind, k lookup) (*persistence.Definition, error) {
	namespaces := []string{k.namespace, ""}
	if k.namespace == "" {
		namespaces = namespaces[:1]
	}
	for _, ns := range namespaces {
		def, err := f.definition(ctx, persistence.DefinitionKey{ProjectID: k.project, Kind: kind, Namespace: ns, Name: k.name})
		if err != nil {
			return nil, fmt.Errorf("find %s %s: %w", kind, k.name, err)
		}
		if def != nil {
			return def, nil
		}
	}
	return nil, nil
}

// findAction resolves a name to a built-in action or to an ad-hoc one with its chain of bases. above holds the names of
// the chain so far.
func (f *facts) findAction(ctx context.Context, k lookup, above []string) (*workflow.ActionSpec, error) {
	if spec, ok := f.catalog.builtIn[k.name]; ok {
		return spec, nil
	}
	for _, name := range above {
		if name == k.name {
			return nil, fault.New(fault.Invalid, "Found a cycle in an ad-hoc action chain [action_name=%s, duplicate_action_name=%s]", above[0], k.name)
		}
	}
	def, err := f.find(ctx, persistence.ActionDefinition, k)
	if err != nil || def == nil {
		return nil, err
	}
	a, err := f.catalog.Action(def)
	if err != nil {
		return nil, err
	}
	// Not among the actions of the same workbook: there too Mistral needs the base's full name.
	name := a.Base.Name.Source()
	base, err := f.findAction(ctx, lookup{k.project, k.namespace, name}, append(above, k.name))
	if err == nil && base == nil {
		err = fault.New(fault.Invalid, "Failed to find base action [action_name=%s namespace=%s] ", name, k.namespace)
	}
	if err != nil {
		return nil, err
	}
	return &workflow.ActionSpec{
		Name: def.Name, Inputs: a.Input, Class: base.Class, Async: base.Async, SafeRerun: base.SafeRerun,
		AdHoc: a, Base: base,
	}, nil
}

// builtInSpecs says of each registered action what the engine must know.
func builtInSpecs(registry *actions.Registry) map[string]*workflow.ActionSpec {
	specs := map[string]*workflow.ActionSpec{}
	for _, name := range registry.Names() {
		a, ok := registry.Find(name)
		if !ok {
			continue
		}
		specs[name] = builtInSpec(a)
	}
	return specs
}
