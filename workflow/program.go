package workflow

import (
	"slices"

	"cierzo/dsl"
	"cierzo/expr"
	"cierzo/fault"
)

// Program is a compiled workflow: defaults resolved, transitions inverted. It is frozen and shared by all executions.
type Program struct {
	name   string // full name, with the workbook's
	prefix string // "workbook." for members of a workbook, else ""
	spec   *dsl.Workflow
	tasks  map[string]*taskProgram
	order  []*taskProgram // in the order of the text
	start  []*taskProgram // of a direct workflow
	legacy bool           // its expressions know the functions of older versions
}

// taskProgram is one task with its defaults resolved.
type taskProgram struct {
	*dsl.Task
	policies  dsl.Policies
	onSuccess clause
	onError   clause
	onDone    clause // on-complete
	onSkip    clause
	inbound   []*taskProgram // direct: tasks with a transition to this one, each once, in the order of the text
	requires  []string       // reverse: own and inherited
	dependent []*taskProgram // reverse: tasks that require this one
	number    int            // in the order of the text
	upstream  *upstream      // of a join; nil of others
	safeRerun bool
	// hasOnError: the task has its own on-error. Mistral leaves such tasks out of the failure's text.
	hasOnError bool
}

// clause is a resolved on-clause: the targets may come from the defaults, what is published is always the task's own.
type clause struct {
	event   string
	publish *dsl.Publish
	next    []dsl.Target
}

// The clauses' names, as they appear in triggers.
const (
	onSuccess  = "on-success"
	onError    = "on-error"
	onComplete = "on-complete"
	onSkip     = "on-skip"
)

// Compile prepares a parsed workflow for execution. fullName is the name it is stored under; workbook is the name of the
// workbook that it comes from, "" for none.
func Compile(w *dsl.Workflow, fullName, workbook string) (*Program, error) {
	p := &Program{name: fullName, spec: w, tasks: make(map[string]*taskProgram, len(w.Tasks))}
	if workbook != "" {
		p.prefix = workbook + "."
	}
	for _, t := range w.Tasks {
		if _, twice := p.tasks[t.Name]; twice {
			return nil, fault.New(fault.Invalid, "task '%s' is defined twice [workflow_name=%s]", t.Name, fullName)
		}
		tp := compileTask(t, &w.Defaults)
		tp.number = len(p.order)
		p.tasks[t.Name] = tp
		p.order = append(p.order, tp)
	}
	if len(p.order) == 0 {
		return nil, fault.New(fault.Invalid, "'tasks' is a required property [workflow_name=%s]", fullName)
	}
	if w.Type == dsl.Reverse {
		return p, p.linkRequires()
	}
	return p, p.linkTransitions()
}

// AllowLegacy lets the expressions use functions that Mistral 15 had and later versions haven't: json_pp() and format() of
// texts. It is called before the program is used.
func (p *Program) AllowLegacy() { p.legacy = true }

// Name is the workflow's full name.
func (p *Program) Name() string { return p.name }

// Workflow is the definition that the program was compiled from.
func (p *Program) Workflow() *dsl.Workflow { return p.spec }

func (p *Program) reverse() bool { return p.spec.Type == dsl.Reverse }

func compileTask(t *dsl.Task, d *dsl.TaskDefaults) *taskProgram {
	tp := &taskProgram{Task: t, policies: mergePolicies(t.Policies, d.Policies), hasOnError: t.OnError != nil && len(t.OnError.Next) > 0}
	tp.onSuccess = mergeClause(onSuccess, t.Name, t.OnSuccess, d.OnSuccess)
	tp.onError = mergeClause(onError, t.Name, t.OnError, d.OnError)
	tp.onDone = mergeClause(onComplete, t.Name, t.OnComplete, d.OnComplete)
	tp.onSkip = mergeClause(onSkip, t.Name, t.OnSkip, d.OnSkip)
	tp.hasOnError = len(tp.onError.next) > 0
	switch {
	case t.SafeRerun != nil:
		tp.safeRerun = *t.SafeRerun
	case d.SafeRerun != nil:
		tp.safeRerun = *d.SafeRerun
	}
	seen := map[string]bool{t.Name: true}
	for _, name := range append(append([]string(nil), t.Requires...), d.Requires...) {
		if !seen[name] {
			seen[name] = true
			tp.requires = append(tp.requires, name)
		}
	}
	return tp
}

// mergeClause gives a task's clause the default's targets when it has none of its own. The task itself is left out of
// inherited targets: a default handler doesn't handle itself.
func mergeClause(event, task string, own, inherited *dsl.Clause) clause {
	c := clause{event: event}
	if own != nil {
		c.publish, c.next = own.Publish, own.Next
	}
	if len(c.next) == 0 && inherited != nil {
		for _, n := range inherited.Next {
			if n.Name != task {
				c.next = append(c.next, n)
			}
		}
	}
	return c
}

// mergePolicies takes the task's policies and, where one is absent or falsy, the default's.
func mergePolicies(own, d dsl.Policies) dsl.Policies {
	p := dsl.Policies{
		PauseBefore: pickPolicy(own.PauseBefore, d.PauseBefore),
		WaitBefore:  pickPolicy(own.WaitBefore, d.WaitBefore),
		WaitAfter:   pickPolicy(own.WaitAfter, d.WaitAfter),
		FailOn:      pickPolicy(own.FailOn, d.FailOn),
		Retry:       own.Retry,
		Timeout:     pickPolicy(own.Timeout, d.Timeout),
		Concurrency: pickPolicy(own.Concurrency, d.Concurrency),
	}
	if p.Retry == nil {
		p.Retry = d.Retry
	}
	return p
}

func pickPolicy(own, inherited *expr.Tree) *expr.Tree {
	if falsy(own) {
		if falsy(inherited) {
			return nil
		}
		return inherited
	}
	return own
}

// falsy reports whether a policy is absent or a constant that Python takes for false: Mistral doesn't tell them apart.
func falsy(t *expr.Tree) bool {
	if t == nil {
		return true
	}
	v, constant := t.Const()
	return constant && !truthy(v)
}

// engineCommand reports whether a target's name is one of the commands; they win over a task of the same name.
func engineCommand(name string) bool {
	return name == "noop" || name == "fail" || name == "succeed" || name == "pause"
}

func (t *taskProgram) clauses() [4]*clause {
	return [4]*clause{&t.onSuccess, &t.onError, &t.onDone, &t.onSkip}
}

func (p *Program) linkTransitions() error {
	for _, t := range p.order {
		linked := map[string]bool{}
		for _, c := range t.clauses() {
			for _, n := range c.next {
				to, ok := p.tasks[n.Name]
				if !ok && !engineCommand(n.Name) {
					return fault.New(fault.Invalid, "Task '%s' not found.", n.Name)
				}
				if ok && !linked[n.Name] {
					linked[n.Name] = true
					to.inbound = append(to.inbound, t)
				}
			}
		}
	}
	for _, t := range p.order {
		if len(t.inbound) == 0 {
			p.start = append(p.start, t)
		}
	}
	if len(p.start) == 0 {
		return fault.New(fault.Invalid, "Failed to find start tasks in direct workflow. "+
			"There must be at least one task without inbound transition.[workflow_name=%s]", p.spec.Name)
	}
	for _, t := range p.order {
		if t.Join.IsJoin() {
			p.linkJoin(t)
		}
	}
	return nil
}

// upstream is what lies before a join.
type upstream struct {
	leads []uint64 // a bit for each task, by number: the join can be reached from it
	// tangled are the inbound tasks that lead to one of them: the end of such a one may make another impossible.
	tangled map[*taskProgram]bool
}

// linkJoin finds what lies before a join. What lies before another one that is found already is taken over as a whole, so that thousands of
// joins one after the other take little time.
func (p *Program) linkJoin(join *taskProgram) {
	up := &upstream{leads: make([]uint64, (len(p.order)+63)/64)}
	queue := slices.Clone(join.inbound)
	for len(queue) > 0 {
		t := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if up.has(t) {
			continue
		}
		up.leads[t.number/64] |= 1 << (t.number % 64)
		if t.upstream == nil {
			queue = append(queue, t.inbound...)
			continue
		}
		for i, bits := range t.upstream.leads {
			up.leads[i] |= bits
		}
	}
	into := func(n dsl.Target) bool { to := p.tasks[n.Name]; return to != nil && up.has(to) }
	for _, t := range join.inbound {
		clauses := t.clauses()
		if !slices.ContainsFunc(clauses[:], func(c *clause) bool { return slices.ContainsFunc(c.next, into) }) {
			continue
		}
		if up.tangled == nil {
			up.tangled = map[*taskProgram]bool{}
		}
		up.tangled[t] = true
	}
	join.upstream = up
}

// has reports whether the join can be reached from a task.
func (up *upstream) has(t *taskProgram) bool {
	return up.leads[t.number/64]&(1<<(t.number%64)) != 0
}

func (p *Program) linkRequires() error {
	for _, t := range p.order {
		for _, name := range t.requires {
			of, ok := p.tasks[name]
			if !ok {
				return fault.New(fault.Invalid, "Task '%s' not found.", name)
			}
			of.dependent = append(of.dependent, t)
		}
	}
	return nil
}

// required lists the target of a reverse workflow and all that it needs, directly or not.
func (p *Program) requiredBy(target string) map[string]bool {
	need := map[string]bool{}
	queue := []string{target}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if need[name] {
			continue
		}
		need[name] = true
		queue = append(queue, p.tasks[name].requires...)
	}
	return need
}

// specClass is Mistral's name of the workflow's class, for its error texts.
func (p *Program) specClass() string { return specClass(p.spec.Type) }

func specClass(workflowType string) string {
	if workflowType == dsl.Reverse {
		return "ReverseWorkflowSpec"
	}
	return "DirectWorkflowSpec"
}
