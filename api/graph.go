package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"cierzo/api/apitype"
	"cierzo/dsl"
	"cierzo/fault"
	"cierzo/workflow"
)

// graphExecution draws an execution: as JSON, or as a text for Graphviz or Mermaid.
func (s *server) graphExecution(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := knownOnly(q, "format"); err != nil {
		return err
	}
	format := firstOf(q.Get("format"), "json")
	if !slices.Contains([]string{"json", "dot", "mermaid"}, format) {
		return fault.New(fault.Invalid, "Invalid input for field/attribute format. Value: '%s'. Value should be one of: dot, json, mermaid", clipText(format))
	}
	rec, _, err := s.findExecution(r)
	if err != nil {
		return err
	}
	spec, err := s.definitionOf(r, rec)
	if err != nil {
		return err
	}
	tasks, err := s.tasksOf(r.Context(), rec.ID)
	if err != nil {
		return err
	}
	actions, err := s.childrenOf(r.Context(), spec, tasks)
	if err != nil {
		return err
	}
	g := graphOf(rec, spec, tasks, actions)
	switch format {
	case "dot":
		return s.writeText(w, "text/vnd.graphviz; charset=utf-8", dotText(&g))
	case "mermaid":
		return s.writeText(w, "text/plain; charset=utf-8", mermaidText(&g))
	}
	s.write(w, http.StatusOK, g)
	return nil
}

func (s *server) writeText(w http.ResponseWriter, kind, text string) error {
	w.Header().Set("Content-Type", kind)
	if _, err := w.Write([]byte(text)); err != nil {
		s.Logger.Debug("answer not written", "error", err)
	}
	return nil
}

// childrenOf reads what the newest runs of tasks with a sub-workflow have started; the actions of others may be many and aren't drawn.
func (s *server) childrenOf(ctx context.Context, spec *dsl.Workflow, tasks []*workflow.TaskRecord) ([]*workflow.ActionRecord, error) {
	newest := map[string]*workflow.TaskRecord{}
	for _, t := range tasks {
		newest[t.Name] = t
	}
	var out []*workflow.ActionRecord
	for _, t := range spec.Tasks {
		if t.Workflow == nil || newest[t.Name] == nil {
			continue
		}
		list, err := s.actionsOf(ctx, newest[t.Name].ExecutionID, newest[t.Name].ID)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// graphOf makes the graph of a workflow with the states of an execution in it.
func graphOf(rec *workflow.ExecutionRecord, spec *dsl.Workflow, tasks []*workflow.TaskRecord, actions []*workflow.ActionRecord) apitype.Graph {
	g := apitype.Graph{ID: string(rec.ID), Workflow: rec.WorkflowName, State: string(rec.State), Nodes: []apitype.GraphNode{}, Edges: []apitype.GraphEdge{}}
	byName := map[string][]*workflow.TaskRecord{}
	names := map[workflow.TaskID]string{}
	for _, t := range tasks {
		byName[t.Name] = append(byName[t.Name], t)
		names[t.ID] = t.Name
	}
	children := map[workflow.TaskID][]string{}
	for _, a := range actions {
		if a.Kind == workflow.KindWorkflow {
			children[a.TaskID] = append(children[a.TaskID], string(a.ID))
		}
	}
	for _, t := range spec.Tasks {
		g.Nodes = append(g.Nodes, taskNode(t, byName[t.Name], children))
	}
	if spec.Type == dsl.Reverse {
		g.Edges = append(g.Edges, requirements(spec, byName)...)
		return g
	}
	caused := map[[3]string]bool{} // from, to, clause
	for _, t := range tasks {
		for _, by := range t.TriggeredBy {
			caused[[3]string{names[by.TaskID], t.Name, by.Event}] = true
		}
		for _, next := range t.Next {
			caused[[3]string{t.Name, next.Name, next.Event}] = true
		}
	}
	commands := map[string]bool{}
	for _, t := range spec.Tasks {
		for i, c := range dsl.Clauses(spec, t) {
			on := []string{"success", "error", "complete", "skip"}[i]
			for _, to := range c.Next {
				e := apitype.GraphEdge{From: t.Name, To: to.Name, On: on, Conditional: to.Condition != nil, Taken: caused[[3]string{t.Name, to.Name, "on-" + on}]}
				if dsl.IsCommand(to.Name) && !commands[to.Name] {
					commands[to.Name] = true
					g.Nodes = append(g.Nodes, apitype.GraphNode{Name: to.Name, Kind: "command", TaskIDs: []string{}, Children: []string{}})
				}
				if !slices.Contains(g.Edges, e) {
					g.Edges = append(g.Edges, e)
				}
			}
		}
	}
	return g
}

func taskNode(t *dsl.Task, runs []*workflow.TaskRecord, children map[workflow.TaskID][]string) apitype.GraphNode {
	n := apitype.GraphNode{Name: t.Name, Kind: "action", Runs: "std.noop", Items: len(t.WithItems) > 0, Line: t.Pos.Line, TaskIDs: []string{}, Children: []string{}}
	switch {
	case t.Workflow != nil:
		n.Kind, n.Runs = "workflow", t.Workflow.Name.Source()
	case t.Action != nil:
		n.Runs = t.Action.Name.Source()
	}
	if t.Join.All {
		n.Join = "all"
	} else if t.Join.Count > 0 {
		n.Join = strconv.Itoa(t.Join.Count)
	}
	for _, r := range runs {
		n.TaskIDs = append(n.TaskIDs, string(r.ID))
	}
	if len(runs) > 0 {
		last := runs[len(runs)-1]
		n.State, n.Retries = string(last.State), last.Runtime.RetryNo
		if last.Runtime.ItemCount > 0 {
			n.ItemCount = last.Runtime.ItemCount
		}
		if list := children[last.ID]; list != nil {
			n.Children = list
		}
	}
	return n
}

// requirements are the edges of a reverse workflow: from what is required to what requires it.
func requirements(spec *dsl.Workflow, runs map[string][]*workflow.TaskRecord) []apitype.GraphEdge {
	var out []apitype.GraphEdge
	for _, t := range spec.Tasks {
		for _, name := range append(slices.Clone(t.Requires), spec.Defaults.Requires...) {
			if name == t.Name {
				continue
			}
			e := apitype.GraphEdge{From: name, To: t.Name, On: "requires", Taken: len(runs[name]) > 0 && len(runs[t.Name]) > 0}
			if !slices.Contains(out, e) {
				out = append(out, e)
			}
		}
	}
	return out
}
