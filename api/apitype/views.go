package apitype

import "encoding/json"

// What goes beyond Mistral: revisions, reasons, graphs, bulk operations.

// Revision is a text that a definition has had.
type Revision struct {
	ID         string      `json:"id"`
	Revision   int         `json:"revision"` // 1, 2, …
	Name       string      `json:"name"`
	Namespace  string      `json:"namespace"`
	Hash       string      `json:"hash"` // SHA-256 of the text, hex
	Scope      string      `json:"scope"`
	Tags       []string    `json:"tags"`
	CreatedAt  Opt[string] `json:"created_at"`
	CreatedBy  Opt[string] `json:"created_by"`
	Definition Opt[string] `json:"definition,omitzero"` // not in lists
}

// Revisions are the revisions of a definition, the oldest first.
type Revisions struct {
	Revisions []Revision `json:"revisions"`
}

// Diff is what changed between two revisions, as `diff -u` shows it. From is 0 for the empty text before the first one.
type Diff struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Diff string `json:"diff"`
}

// Explanation says what an execution waits for.
type Explanation struct {
	ID      string       `json:"id"`
	State   string       `json:"state"`
	Summary string       `json:"summary"` // one sentence about the whole
	Tasks   []TaskReason `json:"tasks"`   // of the tasks that have not ended, in the order of their creation
}

// TaskReason says what a task waits for.
type TaskReason struct {
	TaskID string      `json:"task_id"`
	Task   string      `json:"task"`
	State  string      `json:"state"`
	Waits  string      `json:"waits_for"` // a word for programs: "runner", "slot", "result", "time", "tasks", …
	Text   string      `json:"text"`      // a sentence for people
	Since  Opt[string] `json:"since"`
	Until  Opt[string] `json:"until"` // null: nobody knows
	Holder Opt[string] `json:"holder"`
}

// Graph is an execution as a picture: what its workflow consists of, and how far it has come.
type Graph struct {
	ID       string      `json:"id"`
	Workflow string      `json:"workflow"`
	State    string      `json:"state"`
	Nodes    []GraphNode `json:"nodes"`
	Edges    []GraphEdge `json:"edges"`
}

// GraphNode is a task of the workflow.
type GraphNode struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`            // "action", "workflow", "command"
	Runs     string   `json:"runs,omitempty"`  // the name of the action or workflow, as written
	Join     string   `json:"join,omitempty"`  // "all", or how many
	Items    bool     `json:"items,omitempty"` // with-items
	State    string   `json:"state,omitempty"` // of its newest task execution; absent: it has not been run
	TaskIDs  []string `json:"task_ids"`        // its task executions, the oldest first
	Children []string `json:"children"`        // sub-workflow executions of the newest one
	Retries  int      `json:"retries,omitempty"`
	// ItemCount is the number of items of the newest task execution, once it is known.
	ItemCount int `json:"item_count,omitempty"`
	// Line is where the task is written, from 1: in the text of its workflow, or of the workbook.
	Line int `json:"line,omitempty"`
}

// GraphEdge is a transition between tasks.
type GraphEdge struct {
	From        string `json:"from"`
	To          string `json:"to"`
	On          string `json:"on"` // "success", "error", "complete", "skip", "requires"
	Conditional bool   `json:"conditional,omitempty"`
	Taken       bool   `json:"taken"`
}

// BulkResult is what a bulk operation has done.
type BulkResult struct {
	Action  string        `json:"action"`
	DryRun  bool          `json:"dry_run"`
	Matched int           `json:"matched"`
	Done    int           `json:"done"`
	IDs     []string      `json:"ids"` // of those that matched
	Failed  []BulkFailure `json:"failed"`
	Marker  string        `json:"marker,omitempty"` // there may be more: repeat the request with it
}

// BulkFailure is an execution that refused.
type BulkFailure struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// Report is Mistral's report about an execution.
type Report struct {
	Statistics Statistics       `json:"statistics"`
	Root       *ReportExecution `json:"root_workflow_execution,omitempty"`
}

// Statistics counts tasks by state. EstimatedTime is in seconds: 0 when the execution isn't running, -1 when nobody knows.
type Statistics struct {
	Total         int `json:"total_tasks_count"`
	Running       int `json:"running_tasks_count"`
	Success       int `json:"success_tasks_count"`
	Error         int `json:"error_tasks_count"`
	Idle          int `json:"idle_tasks_count"`
	Paused        int `json:"paused_tasks_count"`
	EstimatedTime int `json:"estimated_time"`
}

// ReportExecution is an execution in a report.
type ReportExecution struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	CreatedAt Opt[string]  `json:"created_at"`
	UpdatedAt Opt[string]  `json:"updated_at"`
	State     string       `json:"state"`
	StateInfo Opt[string]  `json:"state_info"`
	Tasks     []ReportTask `json:"task_executions,omitzero"` // absent below the depth that was asked for
}

// ReportTask is a task in a report. One of its lists is empty.
type ReportTask struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	CreatedAt  Opt[string]       `json:"created_at"`
	UpdatedAt  Opt[string]       `json:"updated_at"`
	State      string            `json:"state"`
	StateInfo  Opt[string]       `json:"state_info"`
	RetryCount int               `json:"retry_count"`
	Actions    []ReportAction    `json:"action_executions"`
	Workflows  []ReportExecution `json:"workflow_executions"`
}

// ReportAction is an action in a report.
type ReportAction struct {
	ID            string      `json:"id"`
	Name          string      `json:"name"`
	CreatedAt     Opt[string] `json:"created_at"`
	UpdatedAt     Opt[string] `json:"updated_at"`
	State         string      `json:"state"`
	StateInfo     Opt[string] `json:"state_info"`
	LastHeartbeat Opt[string] `json:"last_heartbeat"`
	Accepted      bool        `json:"accepted"`
}

// Event is one thing that has happened to an execution.
type Event struct {
	ExecutionID  string          `json:"execution_id"`
	WorkflowName string          `json:"workflow_name,omitempty"` // in the stream of all executions
	Seq          uint64          `json:"seq"`                     // in the execution's history, from 1, without gaps
	At           string          `json:"at"`                      // RFC 3339
	Kind         string          `json:"kind"`                    // "execution.state", "task.state", "action.state", "command", …
	TaskID       string          `json:"task_id,omitempty"`
	Task         string          `json:"task,omitempty"`
	ActionID     string          `json:"action_id,omitempty"`
	State        string          `json:"state,omitempty"`
	Info         string          `json:"info,omitempty"`
	Detail       json.RawMessage `json:"detail,omitempty"`
}

// Events is a page of an execution's history.
type Events struct {
	Events []Event `json:"events"`
}

// PastEvents is a page of the past of all executions, the newest first: what the histories of the next newest executions have.
type PastEvents struct {
	Events     []Event `json:"events"`
	Executions int     `json:"executions"`      // whose histories were read
	Since      string  `json:"since,omitempty"` // when the last of these was created
	Next       string  `json:"next,omitempty"`  // the marker of the next page; "" when there is none
}

// Counts says how many executions are in each state. More: there are more than were looked at, the newest first.
type Counts struct {
	States map[string]int `json:"states"`
	Total  int            `json:"total"`
	More   bool           `json:"more,omitempty"`
}

// Lint says what is wrong with a definition's text, and draws what was understood of it.
type Lint struct {
	Valid    bool      `json:"valid"` // it can be uploaded
	Findings []Finding `json:"findings"`
	Graphs   []Graph   `json:"graphs"` // of its workflows
}

// Finding is a problem of a text, with its place.
type Finding struct {
	Line      int    `json:"line"`                 // from 1; 0: the text as a whole
	Column    int    `json:"column"`               // in characters, from 1
	EndColumn int    `json:"end_column,omitempty"` // behind the last character
	Severity  string `json:"severity"`             // "error": it would be refused; "warning"
	Code      string `json:"code"`                 // a stable name of the rule
	Path      string `json:"path,omitempty"`       // "w1.tasks.t1.on-success"
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
}

// Evaluate is the body of a request to compute an expression, on data or on what an execution has published.
type Evaluate struct {
	Expression  string `json:"expression"`
	Lang        string `json:"lang,omitempty"` // "yaql" or "jinja" where the expression has no delimiters
	Data        any    `json:"data,omitempty"` // any JSON
	ExecutionID string `json:"execution_id,omitempty"`
	TaskID      string `json:"task_id,omitempty"` // up to the end of this task
}

// Evaluated is what an expression has given.
type Evaluated struct {
	Result any `json:"result"` // any JSON
}

// ExpressionFunctions are the names that expressions can use.
type ExpressionFunctions struct {
	Functions []ExpressionFunction `json:"functions"`
}

// ExpressionFunction is a name that expressions of a language can use.
type ExpressionFunction struct {
	Lang      string `json:"lang"` // "yaql" or "jinja"
	Name      string `json:"name"`
	Kind      string `json:"kind"`      // "function", "method" (YAQL), "filter" or "test" (Jinja)
	Signature string `json:"signature"` // for people: name(parameter, another=…)
}

// Nodes are the nodes of the cluster, and the action runners that the answering one hears.
type Nodes struct {
	Nodes   []Node   `json:"nodes"`
	Runners []Runner `json:"runners"`
	Queue   []Queue  `json:"queue"` // what waits for a slot at the answering node's engine; empty: nothing
}

// Queue is what waits for a slot on runners of a target.
type Queue struct {
	Target string      `json:"target"` // "": any runner will do
	Queued int         `json:"queued"` // actions; of each execution the first 256
	Oldest Opt[string] `json:"oldest"` // since when the oldest one waits
	Able   int         `json:"able"`   // runners of the target that take actions; 0: they wait in vain
}

// Node is a process of the cluster with a lease in the database.
type Node struct {
	ID        string      `json:"id"`
	Address   string      `json:"address"`
	Roles     []string    `json:"roles"`
	State     string      `json:"state"` // "up", "draining"
	Version   string      `json:"version"`
	StartedAt Opt[string] `json:"started_at"`
}

// Runner is an action runner, as its last word says.
type Runner struct {
	ID      string      `json:"id"`
	Address string      `json:"address"`
	Targets []string    `json:"targets"`
	Version string      `json:"version"`
	Slots   int         `json:"slots"` // that it grants to the answering engine
	Used    int         `json:"used"`
	State   string      `json:"state"` // "up", "draining", "silent"
	HeardAt Opt[string] `json:"heard_at"`
}

// Preview is when a cron pattern fires next.
type Preview struct {
	Times []string `json:"times"`
}
