package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cierzo/expr/value"
	"cierzo/internal/wait"
)

// patience is how long a step looks for something.
const patience = 15 * time.Second

func (r *run) step(s step) (object, error) {
	a := dictOf(s.arg)
	switch s.op {
	case "wait", "wait_task":
		return r.wait(s)
	case "wait_action":
		_, err := r.findAction(a)
		return object{}, err
	case "sleep":
		return object{}, wait.For(r.ctx, secondsOf(s.arg, 0))
	case "settle", "snapshot":
		id, err := r.findExec(textOf(a, "exec"))
		if err != nil {
			return nil, err
		}
		if err := r.settle(id); err != nil || s.op == "settle" {
			return object{}, err
		}
		snap, err := r.execution(id)
		return object{"execution": snap}, err
	case "start":
		as := textOf(a, "as")
		if as == "" {
			as = "root"
		}
		return r.start(a, as)
	case "define":
		return r.define(definitionOf(a))
	case "complete":
		return r.complete(a)
	case "rerun", "skip":
		return r.rerun(a, s.op == "skip")
	case "action":
		return r.action(a)
	case "http":
		return r.request(a)
	}
	return r.putExecution(s.op, a)
}

func (r *run) wait(s step) (object, error) {
	a := dictOf(s.arg)
	states := s.arg
	if _, more := s.arg.(*value.Dict); more {
		states = field(a, "state")
	}
	want := []string{value.Str(states)}
	if l, ok := states.(*value.List); ok {
		want = nil
		for _, x := range l.Items() {
			want = append(want, value.Str(x))
		}
	}
	id, err := r.findExec(textOf(a, "exec"))
	if err != nil {
		return nil, err
	}
	limit := secondsOf(field(a, "timeout"), 25*time.Second)
	if s.op == "wait" {
		return r.waitState(id, want, limit)
	}
	var state any
	ok, err := until(r.ctx, limit, func() (bool, error) {
		t, err := r.lookTask(id, textOf(a, "task"))
		state = nil
		if t != nil {
			state = t["state"]
		}
		return state != nil && slices.Contains(want, fmt.Sprint(state)), err
	})
	out := object{"state": state}
	if !ok {
		out["timeout"] = true
	}
	return out, err
}

// findExec resolves "root", the name of a start, or sub:task/task#n. It waits until there is such an execution.
func (r *run) findExec(ref string) (string, error) {
	if ref == "" {
		ref = "root"
	}
	if len(r.execs) == 0 {
		return "", missing("no execution was started")
	}
	id := ""
	ok, err := until(r.ctx, patience, func() (bool, error) {
		var err error
		id, err = r.lookExec(ref)
		return id != "", err
	})
	if err == nil && !ok {
		err = missing("no sub-workflow execution " + ref)
	}
	return id, err
}

// lookExec looks once, where findExec waits; "" is none.
func (r *run) lookExec(ref string) (string, error) {
	if id, ok := r.execs[ref]; ok {
		return id, nil
	}
	base, path, _ := strings.Cut(ref, ":")
	if base == "sub" {
		base = "root"
	}
	id := r.execs[base]
	for part := range strings.SplitSeq(path, "/") {
		name, n, _ := strings.Cut(part, "#")
		t, err := r.lookTask(id, name)
		if err != nil || t == nil {
			return "", err
		}
		subs, err := r.list(r.ctx, "/tasks/"+fmt.Sprint(t["id"])+"/workflow_executions", "executions")
		if err != nil {
			return "", err
		}
		byCreation(subs)
		i, _ := strconv.Atoi(n)
		if i >= len(subs) {
			return "", nil
		}
		id = fmt.Sprint(subs[i]["id"])
	}
	return id, nil
}

func byCreation(list []object) {
	key := func(o object) string { return fmt.Sprint(o["created_at"]) + dump(loads(o["input"])) }
	slices.SortStableFunc(list, func(a, b object) int { return strings.Compare(key(a), key(b)) })
}

// lookTask looks once for a task by name, or name#n; nil: there is none yet.
func (r *run) lookTask(exec, ref string) (object, error) {
	name, n, _ := strings.Cut(ref, "#")
	i, _ := strconv.Atoi(n)
	tasks, err := r.list(r.ctx, "/executions/"+exec+"/tasks", "tasks")
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if t["name"] == name {
			if i == 0 {
				return t, nil
			}
			i--
		}
	}
	return nil, nil
}

func (r *run) findTask(exec, ref string) (object, error) {
	var t object
	_, err := until(r.ctx, patience, func() (bool, error) {
		var err error
		t, err = r.lookTask(exec, ref)
		return t != nil, err
	})
	if err == nil && t == nil {
		err = missing("no task " + ref)
	}
	return t, err
}

// findAction finds an action execution by task, state, input and index.
func (r *run) findAction(a *value.Dict) (string, error) {
	exec, err := r.findExec(textOf(a, "exec"))
	if err != nil {
		return "", err
	}
	want := ""
	if has(a, "input") {
		parsed, err := parseJSON(jsonOf(field(a, "input")))
		if err != nil {
			return "", err
		}
		want = dump(parsed)
	}
	index, _ := strconv.Atoi(textOf(a, "index"))
	id := ""
	_, err = until(r.ctx, patience, func() (bool, error) {
		t, err := r.lookTask(exec, textOf(a, "task"))
		if err != nil || t == nil {
			return false, err
		}
		acts, err := r.list(r.ctx, "/tasks/"+fmt.Sprint(t["id"])+"/action_executions", "action_executions")
		if err != nil {
			return false, err
		}
		where := textOf(a, "where")
		acts = slices.DeleteFunc(acts, func(x object) bool {
			open := !slices.Contains(finals, fmt.Sprint(x["state"]))
			return (where == "" || where == "open") && !open || want != "" && dump(loads(x["input"])) != want
		})
		byCreation(acts)
		if index < len(acts) {
			id = fmt.Sprint(acts[index]["id"])
		}
		return id != "", nil
	})
	if err == nil && id == "" {
		err = missing("no action execution " + value.Repr(a))
	}
	return id, err
}

// put sends a change and gives status and state.
func (r *run) put(path string, body *value.Dict) (object, error) {
	status, got, err := r.call(r.ctx, http.MethodPut, path, jsonOf(body), "application/json")
	if err != nil {
		return nil, err
	}
	out := faultOf(status, got)
	if o, ok := got.(object); ok && status == 200 {
		out["state"] = o["state"]
	}
	return out, nil
}

func (r *run) putExecution(op string, a *value.Dict) (object, error) {
	body := value.NewDict(4)
	switch op {
	case "pause":
		body.SetString("state", value.String("PAUSED"))
	case "resume":
		body.SetString("state", value.String("RUNNING"))
		if has(a, "env") {
			params := value.NewDict(1)
			params.SetString("env", field(a, "env"))
			body.SetString("params", value.String(jsonOf(params)))
		}
	case "stop", "cancel":
		body.SetString("state", field(a, "state"))
		if op == "cancel" {
			body.SetString("state", value.String("CANCELLED"))
		}
		if has(a, "info") {
			body.SetString("state_info", field(a, "info"))
		}
	case "put_execution":
		for k, v := range dictOf(field(a, "body")).All() {
			if value.Str(k) == "params" {
				v = value.String(jsonOf(v))
			}
			body.SetString(value.Str(k), v)
		}
	default:
		return nil, fmt.Errorf("unknown step")
	}
	id, err := r.findExec(textOf(a, "exec"))
	if err != nil {
		return nil, err
	}
	return r.put("/executions/"+id, body)
}

func (r *run) complete(a *value.Dict) (object, error) {
	id, err := r.findAction(a)
	if err != nil {
		return nil, err
	}
	body := value.NewDict(2)
	body.SetString("state", field(a, "state"))
	if has(a, "output") {
		body.SetString("output", value.String(jsonOf(field(a, "output"))))
	}
	return r.put("/action_executions/"+id, body)
}

func (r *run) rerun(a *value.Dict, skip bool) (object, error) {
	exec, err := r.findExec(textOf(a, "exec"))
	if err != nil {
		return nil, err
	}
	t, err := r.findTask(exec, textOf(a, "task"))
	if err != nil {
		return nil, err
	}
	id := fmt.Sprint(t["id"])
	body := value.NewDict(4)
	body.SetString("id", value.String(id))
	body.SetString("state", value.String("RUNNING"))
	if has(a, "state") {
		body.SetString("state", field(a, "state"))
	}
	if skip {
		body.SetString("state", value.String("SKIPPED"))
	}
	body.SetString("reset", value.Bool(true))
	if has(a, "reset") {
		body.SetString("reset", field(a, "reset"))
	}
	if has(a, "env") {
		body.SetString("env", value.String(jsonOf(field(a, "env"))))
	}
	status, got, err := r.call(r.ctx, http.MethodPut, "/tasks/"+id, jsonOf(body), "application/json")
	return faultOf(status, got), err
}

// action runs an action by itself.
func (r *run) action(a *value.Dict) (object, error) {
	body := value.NewDict(4)
	body.SetString("name", field(a, "name"))
	for _, k := range []string{"input", "params"} {
		if has(a, k) {
			body.SetString(k, value.String(jsonOf(field(a, k))))
		}
	}
	if has(a, "namespace") {
		body.SetString("workflow_namespace", field(a, "namespace"))
	}
	status, got, err := r.call(r.ctx, http.MethodPost, "/action_executions", jsonOf(body), "application/json")
	if err != nil {
		return nil, err
	}
	out := faultOf(status, got)
	o, ok := got.(object)
	if !ok || status >= 300 {
		return out, nil
	}
	if id, _ := o["id"].(string); id != "" && value.Truthy(field(a, "wait")) {
		_, err := until(r.ctx, patience, func() (bool, error) {
			var err error
			o, err = r.get(r.ctx, "/action_executions/"+id)
			return err != nil || slices.Contains(finals, fmt.Sprint(o["state"])), err
		})
		if err != nil {
			return nil, err
		}
	}
	shown := object{}
	for _, k := range []string{"name", "state", "state_info", "input", "output", "accepted"} {
		shown[k] = maskResource(o[k], k)
	}
	out["body"] = shown
	return out, nil
}

var (
	pathName = regexp.MustCompile(`\{([^}]+)\}`)
	bodyName = regexp.MustCompile(`\{(root|task:[^}]*|action:[^}]*|exec:[^}]*|wfid:[^}]*)\}`)
)

// request sends any request. Names in braces are put in: {root}, {task:t}, {action:t}, {exec:sub:t}, {wfid:w}.
func (r *run) request(a *value.Dict) (object, error) {
	path, err := r.fill(textOf(a, "path"), pathName)
	if err != nil {
		return nil, err
	}
	method, contentType := textOf(a, "method"), textOf(a, "ctype")
	if method == "" {
		method = http.MethodGet
	}
	if contentType == "" {
		contentType = "application/json"
	}
	body, err := r.requestBody(field(a, "body"))
	if err != nil {
		return nil, err
	}
	status, got, err := r.call(r.ctx, method, strings.ReplaceAll(path, " ", "%20"), body, contentType)
	if err != nil {
		return nil, err
	}
	out := faultOf(status, got)
	if status >= 400 || has(a, "record") && !value.Truthy(field(a, "record")) {
		return out, nil
	}
	masked := maskResource(got, "")
	if has(a, "pick") {
		picked := object{}
		for _, p := range itemsOf(field(a, "pick")) {
			picked[value.Str(p)] = pick(masked, value.Str(p))
		}
		masked = picked
	}
	out["body"] = masked
	return out, nil
}

func (r *run) requestBody(v value.Value) ([]byte, error) {
	switch v := v.(type) {
	case value.Null:
		return nil, nil
	case value.String:
		return []byte(v), nil
	case *value.Dict:
		text, err := r.fill(string(jsonOf(v)), bodyName)
		return []byte(text), err
	}
	return jsonOf(v), nil
}

func (r *run) fill(text string, rx *regexp.Regexp) (string, error) {
	var failed error
	out := rx.ReplaceAllStringFunc(text, func(m string) string {
		id, err := r.idOf(m[1 : len(m)-1])
		if err != nil {
			failed = err
		}
		return id
	})
	return out, failed
}

func (r *run) idOf(name string) (string, error) {
	kind, arg, _ := strings.Cut(name, ":")
	switch kind {
	case "task":
		t, err := r.findTask(r.execs["root"], arg)
		return fmt.Sprint(t["id"]), err
	case "action":
		a := value.NewDict(2)
		a.SetString("task", value.String(arg))
		a.SetString("where", value.String("any"))
		return r.findAction(a)
	case "exec":
		return r.findExec(arg)
	case "wfid":
		w, err := r.get(r.ctx, "/workflows/"+arg)
		return fmt.Sprint(w["id"]), err
	}
	return r.findExec(name)
}

// pick follows a path: names, indexes, # for a length, * for the list.
func pick(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case []any:
			i, err := strconv.Atoi(part)
			switch {
			case part == "#":
				return json.Number(strconv.Itoa(len(x)))
			case part == "*":
				return x
			case err == nil && i >= 0:
				v = nil
				if i < len(x) {
					v = x[i]
				}
			default:
				all := make([]any, len(x))
				for j, item := range x {
					o, _ := item.(object)
					all[j] = o[part]
				}
				v = all
			}
		case object:
			v = x[part]
		default:
			return nil
		}
	}
	return v
}
