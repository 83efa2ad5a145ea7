// Package actions is the contract between the engine and what it runs: an action is a name, its inputs and a function.
//
// A Registry is a value that a program fills: with the standard actions (package std) and with its own.
package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
)

// Action is something that a task can run.
type Action struct {
	Name         string
	Description  string
	Params       []Param
	AcceptsExtra bool   // inputs that Params doesn't name are passed on
	Class        string // Mistral's class path, for error texts
	Async        bool   // its result comes from outside; what Run returns is only looked at when it is an error
	SafeRerun    bool   // may be run again when its runner dies, whatever the task says
	// Inline runs the action inside of the engine: for actions without an outside effect, which take no time. nil: never.
	// Of the call it only gets the input and the action's id.
	Inline func(call *Call) Result
	// Run carries the action out. It returns soon after ctx is done. It may be called at the same time for many calls.
	Run func(ctx context.Context, call *Call) Result
}

// Param is an input of an action.
type Param struct {
	Name    string
	Default value.Value // nil: required
	Doc     string
}

// Call is one attempt at an action, with all that it may want to know.
type Call struct {
	Input          *value.Dict
	ExecutionID    string
	RootID         string
	TaskID         string
	ActionID       string
	Attempt        int
	IdempotencyKey string // the same for every delivery of the attempt
	Project        string
	Workflow       string
	Task           string
	Index          int // of the item
	Deadline       time.Time
	Traceparent    string // where the request that began it all stands in a trace: W3C's header; "" for none
	CallbackURL    string // where an asynchronous action's result is put
	Auth           Auth   // with which right the action acts on a cloud
	Progress       func(text string)
	Logger         *slog.Logger
}

// Auth is the right of the user on whose behalf an action runs, at an OpenStack cloud. The zero value is no right.
type Auth struct {
	Token   string // Keystone's, scoped to Project; empty with a Project: there is one that can't be used, and nothing else must be
	AuthURL string // of Keystone v3, as http://keystone:5000/v3; empty: the one that the actions are configured with
	Project string // its id
	Region  string // where services are looked up when the action doesn't say; empty: any
}

// Format writes all but the token, for every verb.
func (a Auth) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "auth_url=%s project=%s region=%s", a.AuthURL, a.Project, a.Region)
}

// LogValue keeps the token out of logs.
func (a Auth) LogValue() slog.Value {
	return slog.GroupValue(slog.String("auth_url", a.AuthURL), slog.String("project", a.Project), slog.String("region", a.Region))
}

// ResultKind tells results apart.
type ResultKind uint8

// The kinds of results.
const (
	KindValue ResultKind = iota + 1
	KindError
	KindCancelled
	KindDeferred
)

// Result of an action: exactly one of value, error, cancelled, deferred.
type Result struct {
	Kind  ResultKind
	Value value.Value // of KindValue and KindError; never nil there
}

// Value is success.
func Value(v value.Value) Result {
	if v == nil {
		v = value.Null{}
	}
	return Result{KindValue, v}
}

// Error is failure; v is the result that the task shows.
func Error(v value.Value) Result { return Result{KindError, v} }

// Errorf is failure with a text.
func Errorf(format string, args ...any) Result {
	return Error(value.String(fmt.Sprintf(format, args...)))
}

// Cancelled says that the action was stopped on demand.
func Cancelled() Result { return Result{Kind: KindCancelled} }

// Deferred says that the result will come from outside.
func Deferred() Result { return Result{Kind: KindDeferred} }

// Registry is a set of actions by name. It is filled first and read afterwards.
type Registry struct{ actions map[string]*Action }

// NewRegistry makes an empty registry.
func NewRegistry() *Registry { return &Registry{actions: map[string]*Action{}} }

// Register adds an action. fault.Invalid: it has no name or no function; fault.Conflict: the name is taken.
func (r *Registry) Register(a Action) error {
	if a.Name == "" || strings.ContainsAny(a.Name, " \t\n") {
		return fault.New(fault.Invalid, "%q is no name for an action", a.Name)
	}
	if a.Run == nil && a.Inline == nil {
		return fault.New(fault.Invalid, "action %s has no function", a.Name)
	}
	if _, ok := r.actions[a.Name]; ok {
		return fault.New(fault.Conflict, "action %s is registered twice", a.Name)
	}
	if a.Run == nil {
		inline := a.Inline
		a.Run = func(_ context.Context, c *Call) Result { return inline(c) }
	}
	r.actions[a.Name] = &a
	return nil
}

// Find looks an action up.
func (r *Registry) Find(name string) (*Action, bool) {
	a, ok := r.actions[name]
	return a, ok
}

// Names lists the actions in order.
func (r *Registry) Names() []string {
	names := make([]string, 0, len(r.actions))
	for name := range r.actions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Complete gives the input with the defaults of the parameters that it leaves out.
func (a *Action) Complete(input *value.Dict) *value.Dict {
	full := input
	for _, p := range a.Params {
		if _, given := input.GetString(p.Name); given || p.Default == nil {
			continue
		}
		if full == input {
			full = input.Clone()
		}
		full.SetString(p.Name, p.Default)
	}
	return full
}

// Func makes an action of a Go function that takes any input. Its result is anything that encoding/json takes.
func Func(name string, fn func(ctx context.Context, call *Call) (any, error)) Action {
	return Action{
		Name: name, Class: "go." + name, AcceptsExtra: true,
		Run: func(ctx context.Context, c *Call) Result {
			out, err := fn(ctx, c)
			return resultOf(ctx, out, err)
		},
	}
}

func resultOf(ctx context.Context, out any, err error) Result {
	if err != nil {
		if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
			return Cancelled()
		}
		return Errorf("%v", err)
	}
	v, err := value.FromGo(out)
	if err != nil {
		return Errorf("result: %v", err)
	}
	return Value(v)
}

// Typed makes an action of a Go function with a struct for its input: each field is an input by its json name; it is
// required unless it has omitempty or is a pointer.
func Typed[In, Out any](name string, fn func(ctx context.Context, in In) (Out, error)) Action {
	return Action{
		Name: name, Class: "go." + name, Params: paramsOf(reflect.TypeFor[In]()),
		Run: func(ctx context.Context, c *Call) Result {
			var in In
			raw, err := value.AppendJSON(nil, c.Input)
			if err == nil {
				err = json.Unmarshal(raw, &in)
			}
			if err != nil {
				return Errorf("input of %s: %v", name, err)
			}
			out, err := fn(ctx, in)
			return resultOf(ctx, out, err)
		},
	}
}

func paramsOf(t reflect.Type) []Param {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var out []Param
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		p := Param{Name: name}
		if strings.Contains(opts, "omitempty") || f.Type.Kind() == reflect.Pointer {
			p.Default = value.Null{}
		}
		out = append(out, p)
	}
	return out
}
