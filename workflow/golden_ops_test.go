package workflow_test

import (
	"fmt"
	"strconv"

	"cierzo/expr/value"
	"cierzo/workflow"
)

// The steps of a golden case.

func (g *goldenRun) op(op string, arg any) object {
	m, _ := arg.(map[string]any)
	if m == nil {
		m = object{}
	}
	switch op {
	case "wait", "wait_task":
		return g.opWait(op, arg, m)
	case "wait_action":
		if g.waitAction(m) == nil {
			return object{"driver_error": "no action execution"}
		}
		return object{}
	case "sleep":
		f, _ := strconv.ParseFloat(fmt.Sprint(arg), 64)
		g.w.until(seconds(f), func() bool { return false })
		return object{}
	case "settle":
		g.settle(g.waitExec(m["exec"]))
		return object{}
	case "snapshot":
		id := g.waitExec(m["exec"])
		g.settle(id)
		return object{"execution": g.execution(id)}
	case "start":
		as, _ := m["as"].(string)
		if as == "" {
			as = "root"
		}
		return g.start(m, as)
	case "complete":
		return g.opComplete(m)
	case "rerun", "skip":
		return g.opRerun(op, m)
	}
	return g.opExecution(op, m)
}

func (g *goldenRun) opWait(op string, arg any, m object) object {
	states := arg
	if len(m) > 0 {
		states = m["state"]
	}
	want := map[string]bool{}
	switch s := states.(type) {
	case []any:
		for _, x := range s {
			want[fmt.Sprint(x)] = true
		}
	default:
		want[fmt.Sprint(s)] = true
	}
	limit := 25.0
	switch v := m["timeout"].(type) {
	case int:
		limit = float64(v)
	case float64:
		limit = v
	}
	id := g.waitExec(m["exec"])
	state := func() string {
		if op == "wait" {
			return string(g.state(id))
		}
		if t := g.findTask(id, m["task"]); t != nil {
			return string(t.State)
		}
		return ""
	}
	ok := g.w.until(seconds(limit), func() bool { return want[state()] })
	out := object{"state": state()}
	if !ok {
		out["timeout"] = true
	}
	return out
}

func (g *goldenRun) opComplete(m object) object {
	a := g.waitAction(m)
	if a == nil {
		return object{"driver_error": "no action execution"}
	}
	state := workflow.State(fmt.Sprint(m["state"]))
	var output value.Value = value.NewDict(0).Freeze()
	if v, ok := m["output"]; ok && v != nil {
		d := dictOf(v)
		if d == nil {
			return object{"status": 400}
		}
		output = d
	}
	if state == workflow.Cancelled {
		output = nil
	}
	switch state {
	case workflow.Success, workflow.Error, workflow.Cancelled, workflow.Paused, workflow.Running, workflow.Idle:
	default:
		return object{"status": 400}
	}
	id := a.ExecutionID
	err := g.w.step(id, workflow.Command{Op: workflow.CompleteAction{Action: a.ID, State: state, Output: output}})
	out := answer(err)
	if err == nil {
		for _, x := range g.w.execs[id].actions {
			if x.ID == a.ID {
				out["state"] = string(x.State)
			}
		}
	}
	return out
}

func (g *goldenRun) opRerun(op string, m object) object {
	id := g.waitExec(m["exec"])
	var t *workflow.TaskRecord
	g.w.until(seconds(15), func() bool { t = g.findTask(id, m["task"]); return t != nil })
	if t == nil {
		return object{"driver_error": "no task"}
	}
	state := "RUNNING"
	if s, ok := m["state"].(string); ok {
		state = s
	}
	if state != "RUNNING" && state != "SKIPPED" && op == "rerun" {
		return object{"status": 400}
	}
	reset := true
	if r, ok := m["reset"].(bool); ok {
		reset = r
	}
	var cmd workflow.Op = workflow.Rerun{Task: t.ID, Reset: reset, Env: dictOf(m["env"])}
	if op == "skip" || state == "SKIPPED" {
		cmd = workflow.Skip{Task: t.ID, Env: dictOf(m["env"])}
	}
	return answer(g.w.step(id, workflow.Command{Op: cmd}))
}

func (g *goldenRun) opExecution(op string, m object) object {
	id := g.waitExec(m["exec"])
	body := m
	switch op {
	case "pause":
		body = object{"state": "PAUSED"}
	case "resume":
		body = object{"state": "RUNNING", "env": m["env"]}
	case "stop", "cancel":
		body = object{"state": m["state"], "state_info": m["info"]}
		if op == "cancel" {
			body["state"] = "CANCELLED"
		}
	case "put_execution":
		body, _ = m["body"].(map[string]any)
		if s := body["state"]; s != nil && s != "RUNNING" && body["params"] != nil {
			return object{"status": 400} // REST refuses an environment beside any other state
		}
		if p, ok := body["params"].(map[string]any); ok {
			body["env"] = p["env"]
		}
	}
	info, _ := body["state_info"].(string)
	var cmd workflow.Op
	switch s, _ := body["state"].(string); workflow.State(s) {
	case workflow.Paused:
		cmd = workflow.Pause{}
	case workflow.Running:
		cmd = workflow.Resume{Env: dictOf(body["env"])}
	case workflow.Success, workflow.Error, workflow.Cancelled:
		cmd = workflow.Stop{State: workflow.State(s), Message: info}
	case "":
		if d, ok := body["description"].(string); ok {
			cmd = workflow.Describe{Description: d}
		} else {
			cmd = workflow.SetEnv{Env: dictOf(body["env"])}
		}
	default:
		return object{"status": 400}
	}
	err := g.w.step(id, workflow.Command{Op: cmd})
	out := answer(err)
	if err == nil {
		out["state"] = string(g.state(id))
	}
	return out
}
