package sim

import (
	"context"

	"cierzo/persistence"
	"cierzo/workflow"
)

// The driver reads the store past all faults.

// tree lists an execution and its sub-workflows; nothing when it isn't there.
func (w *world) tree(root workflow.ExecutionID) []*workflow.ExecutionRecord {
	return w.treeOf(root, false)
}

func (w *world) treeOf(root workflow.ExecutionID, absent bool) []*workflow.ExecutionRecord {
	ctx := context.Background()
	rec, _, err := w.store.GetExecution(ctx, "", root)
	if err != nil {
		if absent {
			return []*workflow.ExecutionRecord{{ID: root}}
		}
		return nil
	}
	list, err := w.store.ListExecutions(ctx, persistence.ExecutionsQuery{RootID: root, Limit: 1000})
	if err != nil {
		panic(err)
	}
	return append([]*workflow.ExecutionRecord{rec}, list...)
}

func (w *world) tasks(id workflow.ExecutionID) []*workflow.TaskRecord {
	list, err := w.store.ListTasks(context.Background(), id, -1, 1000)
	if err != nil {
		panic(err)
	}
	return list
}

func (w *world) actionsOf(id workflow.ExecutionID) []*workflow.ActionRecord {
	list, err := w.store.ListActions(context.Background(), id, "", -1, 1000)
	if err != nil {
		panic(err)
	}
	return list
}

func (w *world) definitionOf(flow string) string {
	def, err := w.store.FindDefinition(context.Background(), persistence.DefinitionKey{Kind: persistence.WorkflowDefinition, Name: flow})
	if err != nil {
		panic(err)
	}
	return def.ID
}
