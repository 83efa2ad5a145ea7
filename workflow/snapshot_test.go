package workflow_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"

	"cierzo/expr/goldentest"
	"cierzo/expr/value"
	"cierzo/workflow"
)

// What golden.py takes a picture of, and how it compares pictures.

// plain is a value as its JSON form reads.
func plain(v value.Value) any {
	if v == nil {
		return nil
	}
	b, err := value.AppendJSON(nil, v)
	if err != nil {
		return "unstorable: " + err.Error()
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		return "bad JSON: " + err.Error()
	}
	return goldentest.Mask(out)
}

func plainDict(d *value.Dict) any {
	if d == nil {
		return nil
	}
	return plain(d)
}

func (g *goldenRun) execution(id workflow.ExecutionID) object {
	r := g.w.execs[id]
	output := any(object{})
	if r.data.Output != nil {
		output = plain(r.data.Output)
	}
	params, _ := plainDict(r.data.Params).(map[string]any)
	for _, k := range []string{"root_execution_id", "task_execution_id"} {
		if _, ok := params[k]; ok {
			params[k] = "<id>"
		}
	}
	out := object{
		"workflow_name": r.rec.WorkflowName, "namespace": r.rec.Namespace, "state": string(r.rec.State),
		"state_info": r.rec.StateInfo != "", "input": plainDict(r.data.Input), "output": output, "params": params,
	}
	if r.rec.Description != "" {
		out["description"] = goldentest.MaskText(r.rec.Description)
	}
	names := map[workflow.TaskID]string{}
	for _, t := range r.tasks {
		names[t.ID] = t.Name
	}
	var tasks []any
	for _, t := range r.tasks {
		tasks = append(tasks, g.task(id, t, names))
	}
	out["tasks"] = sorted(tasks)
	return out
}

func (g *goldenRun) task(id workflow.ExecutionID, t *workflow.TaskRecord, names map[workflow.TaskID]string) object {
	actions := g.w.actionsOf(id, t.ID)
	out := object{
		"name": t.Name, "type": t.Type, "state": string(t.State), "state_info": t.StateInfo != "", "processed": t.Processed,
		"published": plainDict(t.Published), "result": plain(workflow.Result(t, actions)),
	}
	rc := workflow.RuntimeContext(t)
	if _, ok := rc.GetString("triggered_by"); ok && !g.joins[t.Name] {
		var by []any
		for _, x := range t.TriggeredBy {
			name := names[x.TaskID]
			if name == "" {
				name = "?"
			}
			by = append(by, []any{name, x.Event})
		}
		sort.Slice(by, func(i, j int) bool { return fmt.Sprint(by[i]) < fmt.Sprint(by[j]) })
		out["triggered_by"] = by
	}
	if v, ok := rc.GetString("retry_task_policy"); ok {
		if n, ok := v.(*value.Dict).GetString("retry_no"); ok {
			out["retry_no"] = plain(n)
		}
	}
	for _, k := range []string{"with_items", "concurrency"} {
		if v, ok := rc.GetString(k); ok {
			out[k] = plain(v)
		}
	}
	var list []any
	for _, a := range actions {
		if a.Kind == workflow.KindWorkflow {
			if g.w.execs[workflow.ExecutionID(a.ID)] != nil {
				list = append(list, g.execution(workflow.ExecutionID(a.ID)))
			}
			continue
		}
		var output any
		if a.Output != nil {
			output = plain(a.Output)
		}
		list = append(list, object{
			"name": a.Name, "state": string(a.State), "accepted": a.Accepted, "input": plainDict(a.Input), "output": output,
		})
	}
	if t.Type == "WORKFLOW" {
		out["workflow_executions"] = sorted(list)
	} else {
		out["action_executions"] = sorted(list)
	}
	return out
}

// sorted orders objects as golden.py does: tasks by name, all by their JSON form.
func sorted(list []any) []any {
	key := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			return err.Error()
		}
		name := ""
		if m := v.(object); m["published"] != nil || m["processed"] != nil {
			name, _ = m["name"].(string)
		}
		return name + "\x00" + string(b)
	}
	sort.SliceStable(list, func(i, j int) bool { return key(list[i]) < key(list[j]) })
	if list == nil {
		return []any{}
	}
	return list
}

// forgive lets any answer pass where Mistral itself had none.
func forgive(want, got any) (any, any) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return want, got
		}
		if _, broken := w["rest_error"]; broken {
			delete(w, "rest_error")
			delete(g, "result")
		}
		// A start that may be over at once.
		if w["state"] == "any" && w["status"] != nil {
			w["state"] = g["state"]
		}
		// After a resume REST answers before anything has run; here all that needs no runner has.
		if w["op"] == "resume" && w["state"] == "RUNNING" && g["status"] == w["status"] {
			w["state"] = g["state"]
		}
		for k := range w {
			if _, ok := g[k]; ok {
				w[k], g[k] = forgive(w[k], g[k])
			}
		}
	case []any:
		if g, ok := got.([]any); ok && len(g) == len(w) {
			for i := range w {
				w[i], g[i] = forgive(w[i], g[i])
			}
		}
	}
	return want, got
}

func differences(a, b any, path string) []string {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: want %v, got %v", path, brief(a), brief(b))}
		}
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		var names []string
		for k := range keys {
			names = append(names, k)
		}
		sort.Strings(names)
		var out []string
		for _, k := range names {
			xv, xok := x[k]
			yv, yok := y[k]
			if xok != yok {
				out = append(out, fmt.Sprintf("%s/%s: want %v, got %v", path, k, brief(xv), brief(yv)))
				continue
			}
			out = append(out, differences(xv, yv, path+"/"+k)...)
		}
		return out
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return []string{fmt.Sprintf("%s: want %v, got %v", path, brief(a), brief(b))}
		}
		var out []string
		for i := range x {
			out = append(out, differences(x[i], y[i], fmt.Sprintf("%s/%d", path, i))...)
		}
		return out
	}
	if reflect.DeepEqual(a, b) {
		return nil
	}
	return []string{fmt.Sprintf("%s: want %v, got %v", path, brief(a), brief(b))}
}

func brief(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 200 {
		return string(b[:200]) + "…"
	}
	return string(b)
}
