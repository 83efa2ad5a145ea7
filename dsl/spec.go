// Package dsl reads Mistral's workflow language, version 2: YAML text becomes workflows, ad-hoc actions and workbooks.
//
//	ParseWorkflows(file, src) ([]*Workflow, Diagnostics)   a workflow list
//	ParseActions(file, src)   ([]*Action, Diagnostics)     a list of ad-hoc actions
//	ParseWorkbook(file, src)  (*Workbook, Diagnostics)     a workbook
//	Parse(file, src)          (*Document, Diagnostics)     whichever of the three it is
//
// All problems of a document are reported at once, each with its place in the text. The parsed values are frozen: nobody
// changes them, everybody shares them. Defaults (task-defaults) are kept as written; package workflow resolves them.
package dsl

import (
	"cierzo/expr"
	"cierzo/expr/value"
)

// Pos is a place in the text: both counted from 1, columns in characters. The zero value is "no place".
type Pos struct{ Line, Col int }

// Document is a parsed text of any of the three kinds; one of the fields is set.
type Document struct {
	Workflows []*Workflow
	Actions   []*Action
	Workbook  *Workbook
}

// Workbook is a named collection of workflows and ad-hoc actions. Members have their short names.
type Workbook struct {
	Name        string
	Description value.Value // nil: none
	Tags        []string
	Actions     []*Action
	Workflows   []*Workflow
	Spec        value.Value // as written, with the keys that Mistral injects
}

// The types of workflows.
const (
	Direct  = "direct"
	Reverse = "reverse"
)

// Workflow is one workflow definition.
type Workflow struct {
	Name          string
	Type          string      // Direct or Reverse
	Description   value.Value // of any type; nil: none
	Tags          []string
	Input         []Param
	Output        *expr.Tree // nil: none; so are the next two
	OutputOnError *expr.Tree
	Vars          *expr.Tree
	Defaults      TaskDefaults
	Tasks         []*Task     // in the order of the text; names are unique
	Spec          value.Value // as written, with the injected name and version: what execution().spec shows
	Pos           Pos
}

// Param is a declared input.
type Param struct {
	Name    string
	Default value.Value // nil: the input is required. Literal, never an expression
}

// TaskDefaults is the part of a task that a workflow can give to all its tasks.
type TaskDefaults struct {
	Policies
	OnSuccess  *Clause // nil: absent; publish in them is ignored by Mistral
	OnError    *Clause
	OnComplete *Clause
	OnSkip     *Clause
	SafeRerun  *bool
	Requires   []string
}

// Policies of a task. A nil field is absent. Falsy values of a task (0, false) don't override the default's.
type Policies struct {
	PauseBefore *expr.Tree // bool
	WaitBefore  *expr.Tree // int, seconds
	WaitAfter   *expr.Tree // int, seconds
	FailOn      *expr.Tree // bool
	Retry       *Retry
	Timeout     *expr.Tree // int, seconds
	Concurrency *expr.Tree // int
}

// Retry is the retry policy.
type Retry struct {
	Count      *expr.Tree // int: number of repetitions
	Delay      *expr.Tree // int, seconds
	BreakOn    *expr.Tree // nil: absent
	ContinueOn *expr.Tree // nil: absent
}

// Task is one task of a workflow.
type Task struct {
	Name           string
	Description    string
	Tags           []string
	Action         *Call      // nil with Workflow, and nil when neither is given: std.noop
	Workflow       *Call      // nil: the task runs an action
	Input          *expr.Tree // nil: none; a dict, or one expression that gives a dict
	InputIsExpr    bool       // input was written as one string
	WithItems      []WithItem // empty: a plain task
	Publish        *expr.Tree // nil: absent; so are the next two
	PublishOnError *expr.Tree
	PublishOnSkip  *expr.Tree
	Policies
	Target     *expr.Template // nil: any runner
	KeepResult bool           // defaults to true; Mistral never evaluates an expression here, any non-empty text is true
	SafeRerun  *bool          // nil: the default's, else false
	Join       Join
	OnSuccess  *Clause // nil: absent
	OnError    *Clause
	OnComplete *Clause
	OnSkip     *Clause
	Requires   []string    // of reverse workflows
	Spec       value.Value // as written, with the injected name, version and type: what task().spec shows
	Pos        Pos
}

// Call is what a task runs: a name, which may be an expression, and the parameters that are written behind it.
type Call struct {
	Name   *expr.Template
	Params *expr.Tree // a dict of inline parameters; the same keys of Input override them. nil: none
	Pos    Pos
}

// WithItem is one `name in list`.
type WithItem struct {
	Name string
	List *expr.Tree // an expression, or a literal JSON array whose strings may be expressions
}

// Join says how many inbound tasks a task waits for. The zero value is no join.
type Join struct {
	All   bool
	Count int
}

// IsJoin reports whether the task is a join.
func (j Join) IsJoin() bool { return j.All || j.Count > 0 }

// Clause is one on-success, on-error, on-complete or on-skip.
type Clause struct {
	Publish *Publish // nil: none
	Next    []Target // what follows, in the order of the text
}

// Publish is the advanced form, by scope. nil: the scope is absent.
type Publish struct {
	Branch *expr.Tree
	Global *expr.Tree
	Atomic *expr.Tree // accepted and never published, as in Mistral
}

// Target is one transition: to a task or an engine command (noop, fail, succeed, pause).
type Target struct {
	Name      string
	Condition *expr.Tree // nil: always
	Params    *expr.Tree // of an engine command; nil: none
	Pos       Pos
}

// Action is an ad-hoc action: a name for another action with some of its input filled in.
type Action struct {
	Name        string
	Description string
	Tags        []string
	Base        *Call // name and inline parameters
	BaseInput   *expr.Tree
	Input       []Param
	Output      *expr.Tree // nil: the base's result as it is
	Spec        value.Value
	Pos         Pos
}
