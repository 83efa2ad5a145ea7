package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cierzo/expr/goldentest"
	"cierzo/expr/value"
)

// run is one run of a case.
type run struct {
	server
	c       *scenario
	ctx     context.Context
	execs   map[string]string // by the name that the case gives: the id
	started []string
}

// missing is what a case looks for in vain. It is part of what is recorded.
type missing string

func (m missing) Error() string { return string(m) }

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// finals are the states in which nothing more happens.
var finals = []string{"CANCELLED", "ERROR", "SKIPPED", "SUCCESS"}

func (r *run) play() (object, error) {
	r.execs = map[string]string{}
	if err := r.cleanup(); err != nil {
		return nil, err
	}
	out := object{"case": r.c.name}
	if err := r.prepare(out); err != nil {
		return nil, err
	}
	waits := true
	var steps []any
	for _, s := range r.c.steps {
		waits = s.op != "wait" || has(dictOf(s.arg), "exec")
		got, err := r.step(s)
		var m missing
		if errors.As(err, &m) {
			got, err = object{"driver_error": goldentest.MaskText(string(m))}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", s.op, err)
		}
		got["op"] = s.op
		steps = append(steps, got)
	}
	if steps != nil {
		out["steps"] = steps
	}
	if err := r.conclude(out, waits && !r.c.noFinalWait); err != nil {
		return nil, err
	}
	for _, name := range r.started {
		if _, _, err := r.call(r.ctx, http.MethodDelete, "/executions/"+r.execs[name]+"?force=true", nil, ""); err != nil {
			return nil, err
		}
	}
	return out, r.cleanup()
}

// prepare makes environments and definitions and starts the first execution.
func (r *run) prepare(out object) error {
	var envs []any
	for _, e := range r.c.environments {
		body := value.NewDict(3)
		body.SetString("name", field(e, "name"))
		body.SetString("description", value.String(textOf(e, "description")))
		body.SetString("variables", value.String(jsonOf(field(e, "variables"))))
		status, got, err := r.call(r.ctx, http.MethodPost, "/environments", jsonOf(body), "application/json")
		if err != nil {
			return err
		}
		envs = append(envs, faultOf(status, got))
	}
	if envs != nil {
		out["environments"] = envs
	}
	defs := []any{}
	for _, d := range r.c.definitions {
		got, err := r.define(d)
		if err != nil {
			return err
		}
		defs = append(defs, got)
	}
	out["definitions"] = defs
	if r.c.start.Len() == 0 {
		return nil
	}
	got, err := r.start(r.c.start, "root")
	out["start"] = got
	return err
}

// conclude waits for the ends and looks at all that there is then.
func (r *run) conclude(out object, waits bool) error {
	for _, name := range r.started {
		id := r.execs[name]
		if waits {
			ends := append(slices.Clone(finals), "PAUSED")
			got, err := r.waitState(id, ends, r.c.timeout)
			if err != nil {
				return err
			}
			if got["timeout"] == true {
				late, _ := out["wait"].(object)
				if late == nil {
					late = object{}
					out["wait"] = late
				}
				late[name] = "did not end"
			}
		}
		if err := r.settle(id); err != nil {
			return err
		}
		snap, err := r.execution(id)
		if err != nil {
			return err
		}
		if name == "root" {
			out["execution"] = snap
			continue
		}
		others, _ := out["executions"].(object)
		if others == nil {
			others = object{}
			out["executions"] = others
		}
		others[name] = snap
	}
	return nil
}

func query(namespace string) string {
	if namespace == "" {
		return ""
	}
	return "?namespace=" + url.QueryEscape(namespace)
}

// cleanup takes away what an earlier run has left; there may be nothing.
func (r *run) cleanup() error {
	var paths []string
	if r.c.area == "api" {
		for kind, key := range map[string]string{"cron_triggers": "name", "event_triggers": "id"} {
			list, err := r.list(r.ctx, "/"+kind, kind)
			if err != nil {
				return err
			}
			for _, x := range list {
				if name, _ := x["name"].(string); strings.Contains(name, r.c.name) {
					paths = append(paths, fmt.Sprintf("/%s/%s", kind, url.PathEscape(fmt.Sprint(x[key]))))
				}
			}
		}
	}
	for _, d := range r.c.definitions {
		ns, names := query(d.namespace), members(d.text, "")
		if d.kind == "workbook" {
			names = nil
			if book := workbookName(d.text); book != "" {
				names = []string{book}
				for _, w := range members(d.text, "workflows") {
					paths = append(paths, "/workflows/"+url.PathEscape(book+"."+w)+ns)
				}
				for _, a := range members(d.text, "actions") {
					paths = append(paths, "/actions/"+url.PathEscape(book+"."+a)+ns)
				}
			}
		}
		for _, n := range names {
			if n != "" {
				paths = append(paths, "/"+d.kind+"s/"+url.PathEscape(n)+ns)
			}
		}
	}
	for _, e := range r.c.environments {
		paths = append(paths, "/environments/"+url.PathEscape(textOf(e, "name")))
	}
	for _, p := range paths {
		if _, _, err := r.call(r.ctx, http.MethodDelete, p, nil, ""); err != nil {
			return err
		}
	}
	return nil
}

// define validates and uploads a text.
func (r *run) define(d definition) (object, error) {
	if d.op == "" {
		d.op = "create"
	}
	out := object{"kind": d.kind, "op": d.op}
	path := "/" + d.kind + "s"
	status, got, err := r.call(r.ctx, http.MethodPost, path+"/validate"+query(d.namespace), []byte(d.text), "text/plain")
	if err != nil {
		return nil, err
	}
	validate := object{"status": number(status)}
	if o, ok := got.(object); ok {
		if valid, ok := o["valid"]; ok {
			validate["valid"] = valid
			if valid != true {
				validate["error_class"] = errorClass(fmt.Sprint(o["error"]), 200)
			}
		}
	}
	out["validate"] = validate
	method := http.MethodPost
	if d.op == "update" {
		method = http.MethodPut
	}
	status, got, err = r.call(r.ctx, method, path+query(d.namespace), []byte(d.text), "text/plain")
	if err != nil {
		return nil, err
	}
	for k, v := range faultOf(status, got) {
		out[k] = v
	}
	if o, ok := got.(object); ok && status < 300 {
		out["created"] = created(o, d.kind+"s")
	}
	return out, nil
}

// created are the definitions that an upload made, by name.
func created(answer object, key string) []any {
	items, ok := answer[key].([]any)
	if !ok {
		items = []any{answer}
	}
	out := []any{}
	for _, x := range items {
		shown := object{}
		for _, k := range []string{"name", "namespace", "input", "tags", "scope"} {
			if v, ok := x.(object)[k]; ok {
				shown[k] = v
			}
		}
		out = append(out, shown)
	}
	slices.SortStableFunc(out, func(a, b any) int {
		return strings.Compare(fmt.Sprint(a.(object)["name"]), fmt.Sprint(b.(object)["name"]))
	})
	return out
}

// start starts an execution, which the case calls name.
func (r *run) start(s *value.Dict, name string) (object, error) {
	body := value.NewDict(6)
	for _, k := range []string{"workflow_id", "source_execution_id", "id", "description"} {
		if has(s, k) {
			body.SetString(k, field(s, k))
		}
	}
	if has(s, "workflow") {
		body.SetString("workflow_name", field(s, "workflow"))
	}
	if textOf(s, "namespace") != "" {
		body.SetString("workflow_namespace", field(s, "namespace"))
	}
	for _, k := range []string{"input", "params"} {
		switch {
		case !has(s, k):
		case value.Truthy(field(s, "plain_json")):
			body.SetString(k, field(s, k))
		default:
			body.SetString(k, value.String(jsonOf(field(s, k))))
		}
	}
	status, got, err := r.call(r.ctx, http.MethodPost, "/executions", jsonOf(body), "application/json")
	if err != nil {
		return nil, err
	}
	out := faultOf(status, got)
	if o, ok := got.(object); ok && status < 300 {
		out["state"] = o["state"]
		if s := o["state"]; s == "SUCCESS" || s == "ERROR" || s == "PAUSED" {
			out["state"] = "any" // whether it has ended already depends on the moment
		}
		r.execs[name] = fmt.Sprint(o["id"])
		r.started = append(r.started, name)
	}
	return out, nil
}

// waitState waits until an execution is in one of the states.
func (r *run) waitState(id string, states []string, limit time.Duration) (object, error) {
	var state any
	ok, err := until(r.ctx, limit, func() (bool, error) {
		e, err := r.get(r.ctx, "/executions/"+id)
		if err != nil {
			return false, err
		}
		state = e["state"]
		return slices.Contains(states, fmt.Sprint(state)), nil
	})
	out := object{"state": state}
	if !ok {
		out["timeout"] = true
	}
	return out, err
}
