package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cierzo/expr/goldentest"
	"cierzo/internal/wait"
)

// execution shows an execution with all that is under it.
func (r *run) execution(id string) (object, error) {
	e, err := r.get(r.ctx, "/executions/"+id)
	if err != nil {
		return nil, err
	}
	namespace, _ := e["workflow_namespace"].(string)
	out := object{
		"workflow_name": e["workflow_name"], "namespace": namespace, "state": e["state"], "state_info": e["state_info"] != nil,
		"input": goldentest.Mask(loads(e["input"])), "output": goldentest.Mask(loads(e["output"])), "params": maskResource(loads(e["params"]), ""),
	}
	showGlobals(out, e)
	if d, _ := e["description"].(string); d != "" {
		out["description"] = goldentest.MaskText(d)
	}
	if e["state_info"] != nil {
		out["state_info_text"] = goldentest.MaskText(fmt.Sprint(e["state_info"]))
	}
	tasks, err := r.list(r.ctx, "/executions/"+id+"/tasks", "tasks")
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, t := range tasks {
		names[fmt.Sprint(t["id"])] = fmt.Sprint(t["name"])
	}
	list := []any{}
	for _, t := range tasks {
		shown, err := r.task(t, names)
		if err != nil {
			return nil, err
		}
		list = append(list, shown)
	}
	sortByDump(list)
	slices.SortStableFunc(list, func(a, b any) int {
		return strings.Compare(fmt.Sprint(a.(object)["name"]), fmt.Sprint(b.(object)["name"]))
	})
	out["tasks"] = list
	return out, nil
}

func showGlobals(out, from object) {
	switch v := from["published_global"].(type) {
	case nil:
	case string:
		if v != "" {
			out["published_global"] = goldentest.Mask(loads(v))
		}
	case object:
		if len(v) > 0 {
			out["published_global"] = goldentest.Mask(v)
		}
	default:
		out["published_global"] = goldentest.Mask(v)
	}
}

func (r *run) task(listed object, names map[string]string) (object, error) {
	id := fmt.Sprint(listed["id"])
	status, body, err := r.call(r.ctx, "GET", "/tasks/"+id, nil, "")
	if err != nil {
		return nil, err
	}
	t, ok := body.(object)
	if status != 200 || !ok {
		t = listed
	}
	out := object{
		"name": t["name"], "type": t["type"], "state": t["state"], "state_info": t["state_info"] != nil, "processed": t["processed"],
		"published": goldentest.Mask(loads(t["published"])), "result": goldentest.Mask(loads(t["result"])),
	}
	showGlobals(out, t)
	if status != 200 {
		out["rest_error"] = faultOf(status, body)
		delete(out, "result")
	}
	if t["state_info"] != nil {
		out["state_info_text"] = goldentest.MaskText(fmt.Sprint(t["state_info"]))
	}
	if rc, ok := loads(t["runtime_context"]).(object); ok {
		r.runtime(out, rc, names)
	}
	return out, r.children(out, id, t["type"] == "WORKFLOW")
}

// runtime shows what is compared of a task's runtime context.
func (r *run) runtime(out, rc object, names map[string]string) {
	if by, _ := rc["triggered_by"].([]any); len(by) > 0 && !r.c.joins[fmt.Sprint(out["name"])] {
		var list []any
		for _, x := range by {
			o, _ := x.(object)
			name, ok := names[fmt.Sprint(o["task_id"])]
			if !ok {
				name = "?"
			}
			list = append(list, []any{name, o["event"]})
		}
		out["triggered_by"] = sortByDump(list)
	}
	retry, ok := rc["retry_task_policy"].(object)
	if !ok {
		retry, _ = rc["retry_policy"].(object)
	}
	if n, ok := retry["retry_no"]; ok {
		out["retry_no"] = n
	}
	if items, ok := rc["with_items"].(object); ok && len(items) > 0 {
		out["with_items"] = items
	}
	if n, ok := rc["concurrency"]; ok {
		out["concurrency"] = n
	}
}

// children shows a task's sub-workflows or actions.
func (r *run) children(out object, task string, workflow bool) error {
	list := []any{}
	if workflow {
		subs, err := r.list(r.ctx, "/tasks/"+task+"/workflow_executions", "executions")
		if err != nil {
			return err
		}
		for _, x := range subs {
			shown, err := r.execution(fmt.Sprint(x["id"]))
			if err != nil {
				return err
			}
			list = append(list, shown)
		}
		out["workflow_executions"] = sortByDump(list)
		return nil
	}
	acts, err := r.list(r.ctx, "/tasks/"+task+"/action_executions?include_output=true", "action_executions")
	if err != nil {
		return err
	}
	for _, a := range acts {
		shown := object{"name": a["name"], "state": a["state"], "accepted": a["accepted"], "input": goldentest.Mask(loads(a["input"]))}
		if _, ok := a["output"]; !ok {
			if a, err = r.get(r.ctx, "/action_executions/"+fmt.Sprint(a["id"])); err != nil {
				return err
			}
		}
		shown["output"] = goldentest.Mask(loads(a["output"]))
		list = append(list, shown)
	}
	out["action_executions"] = sortByDump(list)
	return nil
}

// glance is a fingerprint of an execution's tree, and whether nothing in it moves any more.
func (r *run) glance(id string) (quiet bool, print string, err error) {
	e, err := r.get(r.ctx, "/executions/"+id)
	if err != nil {
		return false, "", err
	}
	tasks, err := r.list(r.ctx, "/executions/"+id+"/tasks", "tasks")
	if err != nil {
		return false, "", err
	}
	quiet, parts := true, []string{fmt.Sprint(e["state"], e["updated_at"])}
	for _, t := range tasks {
		parts = append(parts, fmt.Sprint(t["id"], t["state"], t["processed"], t["updated_at"]))
		quiet = quiet && slices.Contains(finals, fmt.Sprint(t["state"]))
		if t["type"] != "WORKFLOW" {
			continue
		}
		subs, err := r.list(r.ctx, "/tasks/"+fmt.Sprint(t["id"])+"/workflow_executions", "executions")
		if err != nil {
			return false, "", err
		}
		for _, x := range subs {
			q, p, err := r.glance(fmt.Sprint(x["id"]))
			if err != nil {
				return false, "", err
			}
			parts = append(parts, p)
			quiet = quiet && q && slices.Contains(finals, fmt.Sprint(x["state"]))
		}
	}
	return quiet, strings.Join(parts, " "), nil
}

// settle waits until nothing moves: shortly for a tree that has ended, longer for another one.
func (r *run) settle(id string) error {
	end := time.Now().Add(8 * time.Second)
	last, since := "", time.Now()
	for {
		quiet, print, err := r.glance(id)
		if err != nil {
			return err
		}
		now := time.Now()
		still := 2600 * time.Millisecond
		if quiet {
			still = 350 * time.Millisecond
		}
		switch {
		case print != last:
			last, since = print, now
		case now.Sub(since) >= still:
			return nil
		}
		if now.After(end) {
			return nil
		}
		if err := wait.For(r.ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}
