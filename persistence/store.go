// Package persistence is the contract between the engine and its database: what is stored, and the law that every
// store obeys. The stores are memstore and sqlstore; storetest holds all of them to the law.
//
// # The law
//
//  1. Every method that writes is one serializable transaction: it happens as a whole, at one moment between its call and
//     its return, or not at all.
//  2. nil means durable. An error that IsAmbiguous (its kind is fault.Unavailable) means that nobody knows; the caller
//     must load again, and must not assume either. Any other error means that nothing was written.
//  3. A turn is written only if its execution's epoch is still the turn's epoch. A fenced or refused turn drops out of its
//     batch; the other turns of the batch are written.
//  4. A turn says which of its rows the store has not (Writes.FirstTask, FirstAction). When that isn't so the engine and the
//     database disagree: the error's kind is Internal, and nothing of the batch was written.
//  5. Time in leases is the database's time. No method compares clocks of two machines.
//  6. What a method returns belongs to the caller; what it was given it doesn't keep or change.
//  7. Every read has a limit. A limit below 1 or above 1000 means 1000.
//  8. Times are kept in microseconds, in UTC. Values come back as their JSON says: a tuple is a list, a key is a text.
package persistence

import (
	"context"
	"time"

	"cierzo/fault"
	"cierzo/workflow"
)

// Store is everything that a node with a database needs. It is safe for concurrent use.
type Store interface {
	Executions
	Definitions
	Nodes
	Reader
	Pages
	Resources
	Notices

	// Info tells which database this is, for logs and for `doctor`.
	Info(ctx context.Context) (Info, error)
	// Close waits for running transactions and closes the connections. It can be called twice.
	Close() error
}

// Info describes a store.
type Info struct {
	Kind    string // "memory", "sqlite", "postgres", "cockroach"
	Version string
	Schema  int // number of the newest migration that is applied
	// Retries counts transactions that were run again because of a serialization failure; Commits counts those that succeeded.
	Retries, Commits uint64
	BatchMax         int // turns that Commit takes best at once
	// Exclusive says that no other process can have the store while this one has it: who was in it before is dead.
	Exclusive bool
}

// Executions is the engine's side: fenced turns.
type Executions interface {
	// Commit writes the turns of many executions in one transaction and answers each in the same place. A turn with
	// Writes.Create inserts the execution with epoch 1 and its owner; if the execution exists its outcome is Exists.
	// Each turn has an execution of its own, else fault.Invalid. What an execution is (its project, workflow and definition,
	// namespace, priority, root, parent and place below it, source) is written with Create and never again, whatever a later
	// turn says; but its CreatedAt must stay, for other moments are kept by their distance from it. So is what a task is (name, type, tags, creation), and what an action is and gets.
	// The data's Input, Params and Env are written with Create and with Given only.
	Commit(ctx context.Context, turns []Turn) ([]TurnOutcome, error)

	// Activate makes the node the owner of executions, in one transaction: it raises the epoch of each by one, records the owner,
	// and reads the execution whole. Each is answered in the same place; no id is there twice, else fault.Invalid.
	Activate(ctx context.Context, ids []workflow.ExecutionID, node NodeID) ([]Activation, error)

	// Peek reads executions as Activate does, in one transaction, and leaves them alone.
	Peek(ctx context.Context, ids []workflow.ExecutionID) ([]Activation, error)

	// DeleteExecution removes an execution with all that is below it in the tree: tasks, actions, history,
	// sub-executions. It raises the epochs first, so that a living actor is fenced. fault.NotFound; fault.Conflict when
	// the execution isn't final and force is false.
	DeleteExecution(ctx context.Context, id workflow.ExecutionID, force bool) error

	// Due lists executions whose WakeAt has come (by the database's clock), the longest waiting first. A final execution
	// has a WakeAt too while a report or a cancel of it is not acknowledged. Only those whose shard (see Shard) is in the
	// set, nil meaning all.
	Due(ctx context.Context, shards []uint16, limit int) ([]workflow.ExecutionID, error)

	// Wanting lists executions with queued actions, in the order of their keys, those after the given claim: the shards
	// are as in Due. It is how a node finds what a dead one had in its memory.
	Wanting(ctx context.Context, shards []uint16, after Claim, limit int) ([]Claim, error)

	// Quiet lists executions that run, and that neither a moment (WakeAt) nor an action that is queued or on a runner will
	// move: they wait for a sub-workflow, for somebody outside, or for nothing. Order, shards and paging are Wanting's.
	Quiet(ctx context.Context, shards []uint16, after Claim, limit int) ([]Claim, error)

	// DispatchedRunners lists the runners that hold dispatched actions, each once.
	DispatchedRunners(ctx context.Context, limit int) ([]workflow.RunnerID, error)
	// OnRunner lists the executions that have an action dispatched to the runner.
	OnRunner(ctx context.Context, runner workflow.RunnerID, limit int) ([]workflow.ExecutionID, error)
}

// ShardsMax is the number of shards: Shard(id) < ShardsMax. It is fixed for ever, the shard leads keys: see workflow.Key.
const ShardsMax = 256

// Claim says which node has activated an execution last. The zero Claim is before all others.
type Claim struct {
	ID    workflow.ExecutionID
	Owner NodeID
}

// Turn is what one execution wants written.
type Turn struct {
	ID    workflow.ExecutionID
	Epoch uint64 // of the activation that computed the turn; ignored with Create
	Node  NodeID // owner, recorded with Create
	// Newest, with Create: the turn is written only if the execution's definition is at that moment the newest revision of its
	// workflow, of the execution's own project; else its outcome is Outdated.
	Newest bool
	// Definitions is the DefinitionsVersion with which the turn is written only, else its outcome is Outdated; 0 is any.
	Definitions uint64
	Writes      workflow.Writes

	rows  *TurnRows // by Prepare, as is unfit: why there are none
	unfit error
}

// TurnOutcome says what became of a turn.
type TurnOutcome uint8

// The outcomes of a turn.
const (
	Committed TurnOutcome = iota + 1
	Fenced                // another activation has raised the epoch; nothing of the turn was written
	Exists                // Create found the execution there; nothing of the turn was written
	// Refused: no store can keep the turn (a value without a JSON form, a name with a NUL character, rows of another
	// execution); nothing of it was written, and writing it again would end the same.
	Refused
	// Taken: Create found an execution there whose id is another one but has the same workflow.Key; nothing of the turn was
	// written, and the id can't be used while that one is there.
	Taken
	// Outdated: the turn has Newest, and its revision isn't, or isn't there, or it has Definitions, which have changed; nothing of the
	// turn was written. The execution comes first: when it is there, or another one, or fenced, the outcome is Exists, Taken or Fenced.
	Outdated
)

// Activation is what Activate or Peek says of an execution.
type Activation struct {
	Snapshot *Snapshot // nil with Err
	// Err is of kind NotFound when there is no such execution, and Internal when its rows can't be understood.
	Err error
}

// ActivateOne activates one execution.
func ActivateOne(ctx context.Context, s Executions, id workflow.ExecutionID, node NodeID) (*Snapshot, error) {
	out, err := s.Activate(ctx, []workflow.ExecutionID{id}, node)
	if err != nil {
		return nil, err
	}
	return out[0].Snapshot, out[0].Err
}

// CheckOnce refuses a list in which an id is there twice.
func CheckOnce(ids []workflow.ExecutionID) error {
	seen := make(map[workflow.ExecutionID]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			return fault.New(fault.Invalid, "execution %s is there twice", id)
		}
		seen[id] = true
	}
	return nil
}

// Snapshot is an execution as read by Activate or Peek.
type Snapshot struct {
	Epoch     uint64
	Execution *workflow.ExecutionRecord
	Data      *workflow.ExecutionData
	Tasks     []*workflow.TaskRecord   // by Seq
	Actions   []*workflow.ActionRecord // by Seq
}

// NodeID names one incarnation of a node: new for each process start and after each lost lease.
type NodeID string

// Nodes is the membership of engines, by leases on the database's clock.
type Nodes interface {
	// Register inserts the node with a lease of ttl and removes other rows with the same address: that process is dead.
	Register(ctx context.Context, n Node, ttl time.Duration) error
	// Renew extends a lease that has not run out. fault.Conflict: the lease is lost, the node must stop what it owns.
	Renew(ctx context.Context, id NodeID, state string, ttl time.Duration) error
	// Unregister removes the node. It is no error if it isn't there.
	Unregister(ctx context.Context, id NodeID) error
	// LiveNodes lists the nodes whose lease holds, by id.
	LiveNodes(ctx context.Context) ([]Node, error)
}

// Node is a member of the cluster.
type Node struct {
	ID      NodeID
	Address string // host:port of its actor system
	Roles   []string
	State   string // "up", "draining"
	Version string
	Started time.Time
}

// Definition is one revision of a workflow, action or workbook definition, or an environment. Revisions are never changed or removed while an
// execution refers to them.
type Definition struct {
	ID        string // UUID of the revision
	FirstID   string // ID of revision 1: the definition's own id, which stays through all revisions; set by the store
	ProjectID string
	Kind      DefinitionKind
	Namespace string
	Name      string
	Scope     string // "private", "public"
	Tags      []string
	Text      string // as uploaded
	Hash      string // SHA-256 of Text, hex
	Revision  int    // 1, 2, … of (project, kind, namespace, name)
	Workbook  string // name of the workbook that it came with, or ""
	CreatedAt time.Time
	CreatedBy string
	FirstAt   time.Time // CreatedAt of revision 1; set by the store
}

// DefinitionKind tells what a definition defines.
type DefinitionKind string

// The kinds of definitions.
const (
	WorkflowDefinition    DefinitionKind = "workflow"
	ActionDefinition      DefinitionKind = "action"
	WorkbookDefinition    DefinitionKind = "workbook"
	EnvironmentDefinition DefinitionKind = "environment"
)

// DefinitionKey names a definition without its revision.
type DefinitionKey struct {
	ProjectID string
	Kind      DefinitionKind
	Namespace string
	Name      string
}

// Definitions holds what users upload.
type Definitions interface {
	// CreateDefinitions stores first revisions, all or none. fault.Conflict names the one that exists.
	CreateDefinitions(ctx context.Context, ds []Definition) ([]Definition, error)
	// PutDefinitions stores new revisions (the first where there is none), all or none. What is equal to the newest
	// revision in text, scope, tags and workbook makes no new revision and returns that one.
	PutDefinitions(ctx context.Context, ds []Definition) ([]Definition, error)
	// RenameDefinition stores a revision under d's key and ends the definition of the old key, whose FirstID and count of
	// revisions go on. fault.NotFound: there is no old one; fault.Conflict: the new name is taken.
	RenameDefinition(ctx context.Context, old DefinitionKey, d Definition) (*Definition, error)
	// FindDefinition returns the newest revision: in the project, else a public one. fault.NotFound.
	FindDefinition(ctx context.Context, key DefinitionKey) (*Definition, error)
	// GetDefinition returns a revision by id, also of a deleted definition. fault.NotFound.
	GetDefinition(ctx context.Context, id string) (*Definition, error)
	// DefinitionsVersion is a number above 0 that grows with every change to any definition, as FindDefinition finds them: what was
	// found since it was read is what Turn.Definitions asserts.
	DefinitionsVersion(ctx context.Context) (uint64, error)
	// DeleteDefinition hides a definition; revisions stay for the executions that refer to them. A definition created
	// afterwards under the same key is another one: its revisions begin at 1, its FirstID is new. fault.NotFound.
	DeleteDefinition(ctx context.Context, key DefinitionKey) error
	// ListDefinitions lists newest revisions of a kind that the project can see, by name, then namespace, then project.
	// Definitions of one name are never parted: the page that begins with a name has all of it, beyond the limit if it
	// must be.
	ListDefinitions(ctx context.Context, q DefinitionsQuery) ([]Definition, error)
	// ListRevisions lists the revisions of a definition by its FirstID, those above the number after, the oldest first.
	// Also of a deleted definition; of nothing it is empty.
	ListRevisions(ctx context.Context, firstID string, after, limit int) ([]Definition, error)
}

// DefinitionsQuery selects definitions.
type DefinitionsQuery struct {
	ProjectID string // "" is all projects
	Kind      DefinitionKind
	Namespace *string // nil is every namespace
	AfterName string  // keyset paging: names greater than this
	Limit     int     // 1…1000
}

// Reader is what API and command line read; nothing here touches an engine.
type Reader interface {
	// GetExecution reads one execution; projectID "" is any project. fault.NotFound.
	GetExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, *workflow.ExecutionData, error)
	// FindExecution is GetExecution without the execution's data, which may be large.
	FindExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, error)
	// ListExecutions lists executions, newest first (created_at, then workflow.Key).
	ListExecutions(ctx context.Context, q ExecutionsQuery) ([]*workflow.ExecutionRecord, error)
	// ListTasks lists an execution's tasks by Seq.
	ListTasks(ctx context.Context, id workflow.ExecutionID, after, limit int) ([]*workflow.TaskRecord, error)
	// ListActions lists an execution's actions by Seq, those of one task if task isn't "".
	ListActions(ctx context.Context, id workflow.ExecutionID, task workflow.TaskID, after, limit int) ([]*workflow.ActionRecord, error)
	// FindTask and FindAction look rows up by their own id, which says where they are. fault.NotFound.
	FindTask(ctx context.Context, id workflow.TaskID) (*workflow.TaskRecord, error)
	FindAction(ctx context.Context, id workflow.ActionID) (*workflow.ActionRecord, error)
	// History lists an execution's history after the given sequence number.
	History(ctx context.Context, id workflow.ExecutionID, after uint64, limit int) ([]workflow.HistoryEvent, error)
	// CountExecutions counts by state; projectID "" is all projects.
	CountExecutions(ctx context.Context, projectID string) (map[workflow.State]int, error)
}

// ExecutionsQuery selects executions. Zero fields select all.
type ExecutionsQuery struct {
	ProjectID    string
	WorkflowName string
	States       []workflow.State
	RootID       workflow.ExecutionID
	ParentTask   workflow.TaskID
	RootsOnly    bool
	Before       *PageKey // keyset paging
	Limit        int      // 1…1000
}

// PageKey is a place in a list of executions.
type PageKey struct {
	CreatedAt time.Time
	ID        workflow.ExecutionID
}
