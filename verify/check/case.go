package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/persistence"
	"cierzo/workflow"
)

// Case is what a cluster did. Times count from any common moment.
type Case struct {
	Executions map[workflow.ExecutionID]*Execution
	Runs       []*Run
	Ops        []Op
	Grants     []Grant
	// Slots is how many actions a runner may run at a time; 0: not checked.
	Slots int
	// Stuck is what had not come to its end when there had been time enough.
	Stuck []string
	// Repairs is what had to be repaired though nothing went wrong.
	Repairs []string
	// Partial says that Runs doesn't know everything that runners did: what isn't in it may have been run all the same.
	Partial bool
	// Made has, for each request to start something, the executions that exist because of it; nil: not checked.
	Made map[string][]workflow.ExecutionID
	// Again has the commands that were done and sent again under the same key.
	Again []Op
	// Seen has what users were shown of an execution's history while it went on; nil: not checked.
	Seen map[workflow.ExecutionID][]workflow.HistoryEvent
	// Expected is the result that an action has if it succeeds, where only one is right; nil: not checked.
	Expected map[workflow.ActionID]value.Value
}

// Execution is an execution as the store has it at the end.
type Execution struct {
	*workflow.ExecutionRecord
	Data       *workflow.ExecutionData
	Definition *dsl.Workflow // nil: the graph isn't checked
	Tasks      []*workflow.TaskRecord
	Actions    []*workflow.ActionRecord
	History    []workflow.HistoryEvent
}

// Run is one time that an action was run, by the ledger of those who ran it.
type Run struct {
	Execution, Action string
	Attempt           int
	Runner            string
	Task              string // name
	Index             int
	No                int // of the runs of this attempt, from 1
	Began, Ended      time.Duration
	Kind              string // "" while it hasn't ended
	Result            string // the token that it returned
}

// The ways in which a run ends.
const (
	Succeeded = "succeeded"
	Failed    = "failed"
	Cancelled = "cancelled"
	Deferred  = "deferred"
)

// Token is a result by which the run can be recognised.
func (r *Run) Token() string { return fmt.Sprintf("%s/%d@%s#%d", r.Action, r.Attempt, r.Runner, r.No) }

// Op is something that a user asked for.
type Op struct {
	Client    int // one op at a time
	Execution workflow.ExecutionID
	Kind      OpKind
	State     workflow.State    // of Stop: the state that was asked for; of Get: the one that was seen, "" if there was none
	Action    workflow.ActionID // of Complete
	Token     string            // of Complete: the result
	Task      workflow.TaskID   // of Rerun and Skip
	Call      time.Duration     // when it was asked
	Return    time.Duration     // when it was answered
	Answer    Answer
	Error     string
}

// OpKind tells ops apart.
type OpKind string

// The kinds of ops.
const (
	Start    OpKind = "start"
	Get      OpKind = "get"
	Pause    OpKind = "pause"
	Resume   OpKind = "resume"
	Stop     OpKind = "stop"
	Rerun    OpKind = "rerun"
	Skip     OpKind = "skip"
	Complete OpKind = "complete"
)

// Answer is what became of an op, as its user was told.
type Answer string

// The answers.
const (
	Done    Answer = "done"
	Refused Answer = "refused"
	Unknown Answer = "unknown" // it may have happened, may happen still, or never
)

// Grant is a runner's permission to begin an attempt that had waited longer than its lease.
type Grant struct {
	Execution workflow.ExecutionID
	Action    workflow.ActionID
	At        time.Duration
}

// Violation is a promise that wasn't kept.
type Violation struct {
	Checker   string
	Execution workflow.ExecutionID // "" is none in particular
	Text      string
}

// String is the violation on one line.
func (v Violation) String() string {
	if v.Execution == "" {
		return v.Checker + ": " + v.Text
	}
	return fmt.Sprintf("%s: execution %s: %s", v.Checker, v.Execution, v.Text)
}

// Verdict is what one checker has to say.
type Verdict struct {
	Checker string
	// Checked is how many things it has looked at; Of says what they are.
	Checked    int
	Of         string
	Violations []Violation
}

// report collects what a checker finds.
type report struct {
	checker string
	checked int
	found   []Violation
}

func (r *report) addf(id workflow.ExecutionID, format string, args ...any) {
	r.found = append(r.found, Violation{r.checker, id, fmt.Sprintf(format, args...)})
}

// checkers is all of them, in the order of the package's list.
func checkers() []checker {
	return []checker{
		{"lost", "acknowledged starts", (*Case).lost},
		{"double", "requests and repetitions", (*Case).doubles},
		{"seen", "events that users were shown", (*Case).seen},
		{"history", "events", (*Case).history},
		{"outcome", "actions and sub-workflows", (*Case).outcomes},
		{"grant", "attempts", (*Case).grants},
		{"graph", "tasks", (*Case).graphs},
		{"limits", "limits", (*Case).limits},
		{"register", "reads and commands", (*Case).registers},
		{"stuck", "executions", (*Case).stuck},
		{"repair", "executions", (*Case).repairs},
	}
}

type checker struct {
	name, of string
	run      func(*Case, *report)
}

// Judge runs every checker.
func (c *Case) Judge() []Verdict {
	var out []Verdict
	for _, k := range checkers() {
		r := &report{checker: k.name}
		k.run(c, r)
		out = append(out, Verdict{k.name, r.checked, k.of, r.found})
	}
	return out
}

// All is what the checkers have found, one after the other.
func (c *Case) All() []Violation {
	var out []Violation
	for _, v := range c.Judge() {
		out = append(out, v.Violations...)
	}
	return out
}

// sorted lists the executions by id.
func (c *Case) sorted() []*Execution {
	out := make([]*Execution, 0, len(c.Executions))
	for _, x := range c.Executions {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b *Execution) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Load reads the executions and all their sub-workflows from a store. definition gives the parsed definition of a revision;
// nil when it isn't known. Those that aren't there are left out.
func Load(ctx context.Context, store persistence.Reader, ids []workflow.ExecutionID, definition func(id string) *dsl.Workflow) (map[workflow.ExecutionID]*Execution, error) {
	out := map[workflow.ExecutionID]*Execution{}
	for _, id := range ids {
		list, err := store.ListExecutions(ctx, persistence.ExecutionsQuery{RootID: id, Limit: 1000})
		if err != nil {
			return nil, err
		}
		root, err := store.FindExecution(ctx, "", id)
		if err == nil {
			list = append(list, root)
		}
		for _, rec := range list {
			x, err := load(ctx, store, rec.ID)
			if err != nil {
				return nil, err
			}
			x.Definition = definition(x.DefinitionID)
			out[x.ID] = x
		}
	}
	return out, nil
}

func load(ctx context.Context, store persistence.Reader, id workflow.ExecutionID) (*Execution, error) {
	rec, data, err := store.GetExecution(ctx, "", id)
	if err != nil {
		return nil, err
	}
	x := &Execution{ExecutionRecord: rec, Data: data}
	const page = 1000
	for after := -1; ; {
		list, err := store.ListTasks(ctx, id, after, page)
		if err != nil {
			return nil, err
		}
		if x.Tasks = append(x.Tasks, list...); len(list) < page {
			break
		}
		after = list[len(list)-1].Seq
	}
	for after := -1; ; {
		list, err := store.ListActions(ctx, id, "", after, page)
		if err != nil {
			return nil, err
		}
		if x.Actions = append(x.Actions, list...); len(list) < page {
			break
		}
		after = list[len(list)-1].Seq
	}
	for after := uint64(0); ; {
		list, err := store.History(ctx, id, after, page)
		if err != nil {
			return nil, err
		}
		if x.History = append(x.History, list...); len(list) < page {
			break
		}
		after = list[len(list)-1].Seq
	}
	return x, nil
}
