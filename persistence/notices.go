package persistence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

// Notices is the outbox of notifications: a turn writes them in its own transaction, and whoever delivers them takes them
// out. Those of one execution for one receiver are a lane: they are delivered in their order. Any node may deliver; a claim
// keeps the others away for a while, and when its owner dies somebody else goes on. So each notice is delivered at least
// once. A notice doesn't go with its execution.
type Notices interface {
	// DueNotices lists lanes whose time has come by the database's clock, the longest waiting first.
	DueNotices(ctx context.Context, limit int) ([]NoticeLane, error)
	// ClaimNotices returns the first notices of a lane, and hides the lane for ttl. None: somebody else has claimed it, it
	// has been put off, or it is empty.
	ClaimNotices(ctx context.Context, lane NoticeLane, ttl time.Duration, limit int) ([]Notice, error)
	// SettleNotices ends a claim.
	SettleNotices(ctx context.Context, lane NoticeLane, s NoticeSettlement) error
	// CountNotices counts the notices that wait; it stops counting at limit.
	CountNotices(ctx context.Context, limit int) (int, error)
}

// NoticeLane is a sequence of notices: of one execution, for one receiver.
type NoticeLane struct {
	ExecutionID workflow.ExecutionID
	Lane        string
}

// Notice is a notification that is to be delivered.
type Notice struct {
	NoticeLane
	Seq   uint64 // grows within the execution, with gaps
	Tries int    // that have failed
	Doc   NoticeDoc
}

// NoticeSettlement is what became of the claimed notices of a lane.
type NoticeSettlement struct {
	Through uint64        // these and those before are done; 0: none is
	Failed  uint64        // the one that a try of has failed; 0: none has
	Pause   time.Duration // before the rest is due again
}

// NoticeDoc is what a notice says, and to whom.
type NoticeDoc struct {
	Event string    `json:"event"`
	At    time.Time `json:"at"`
	// Server names one of the server's publishers; else Publisher is an entry of the execution's params, a JSON object.
	Server    string          `json:"server,omitempty"`
	Publisher json.RawMessage `json:"publisher,omitempty"`
	// Data is what the receiver gets, a JSON object.
	Data json.RawMessage `json:"data"`
}

// NoticeRow is a notice in a store. Its time is due at once.
type NoticeRow struct {
	Key         int64 // of the execution
	ExecutionID string
	Lane        string
	Seq         int64
	DueAt       int64
	Doc         string
}

// Decode makes the notice of a row.
func (row *NoticeRow) Decode(tries int) (Notice, error) {
	n := Notice{NoticeLane: NoticeLane{workflow.ExecutionID(row.ExecutionID), row.Lane}, Seq: uint64(row.Seq), Tries: tries}
	return n, decodeDoc(row.Doc, &n.Doc, "notice of execution", row.ExecutionID)
}

// noticesOfTurn bounds the notices of one turn: what a turn is by its own limits is far below.
const noticesOfTurn = 1 << 20

// noopPublisher is Mistral's notifier that does nothing.
const noopPublisher = "noop"

// newNoticeRows makes the rows of a turn's notices.
func newNoticeRows(w *workflow.Writes) ([]NoticeRow, error) {
	if len(w.Notices) > noticesOfTurn {
		return nil, fault.New(fault.Invalid, "a turn of execution %s has %d notifications", w.Execution.ID, len(w.Notices))
	}
	var rows []NoticeRow
	for i := range w.Notices {
		n := &w.Notices[i]
		row := NoticeRow{
			Key: int64(w.Execution.ID.Key()), ExecutionID: string(w.Execution.ID), Seq: int64(w.Execution.Turns*noticesOfTurn) + int64(i) + 1,
			DueAt: Micros(n.At),
		}
		doc := NoticeDoc{Event: n.Event, At: n.At}
		var err error
		if doc.Data, err = noticeData(w.Execution, n); err != nil {
			return nil, err
		}
		lanes := map[string]bool{}
		add := func(lane string) error {
			if lanes[lane] {
				return nil
			}
			lanes[lane], row.Lane = true, lane
			text, err := json.Marshal(doc)
			row.Doc = string(text)
			rows = append(rows, row)
			return fault.Wrap(fault.Invalid, err, "encode notice of execution %s", row.ExecutionID)
		}
		for _, p := range n.Publishers {
			if kind, _ := p.GetString("type"); kind != nil && value.Str(kind) == noopPublisher {
				continue
			}
			text, err := value.AppendJSON(nil, p)
			if err != nil {
				return nil, fault.Wrap(fault.Invalid, err, "encode a notifier of execution %s", row.ExecutionID)
			}
			sum := sha256.Sum256(text)
			doc.Publisher, doc.Server = text, ""
			if err := add("params-" + hex.EncodeToString(sum[:8])); err != nil {
				return nil, err
			}
		}
		for _, name := range n.Server {
			doc.Publisher, doc.Server = nil, name
			if err := add("server-" + name); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// noticeTime is how times are written in notifications.
func noticeTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.DateTime)
	return &text
}

// optional is null for an empty text.
func optional[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}

// executionNotice is what Mistral tells about an execution.
type executionNotice struct {
	ID         workflow.ExecutionID  `json:"id"`
	Name       string                `json:"name"`
	Workflow   string                `json:"workflow_name"`
	Namespace  string                `json:"workflow_namespace"`
	WorkflowID string                `json:"workflow_id"`
	State      workflow.State        `json:"state"`
	StateInfo  *string               `json:"state_info"`
	ProjectID  string                `json:"project_id"`
	TaskID     *workflow.TaskID      `json:"task_execution_id"`
	RootID     *workflow.ExecutionID `json:"root_execution_id"`
	CreatedAt  *string               `json:"created_at"`
	UpdatedAt  *string               `json:"updated_at"`
	Event      string                `json:"event"`
	Timestamp  string                `json:"timestamp"`
}

// taskNotice is what Mistral tells about a task.
type taskNotice struct {
	ID          workflow.TaskID      `json:"id"`
	Name        string               `json:"name"`
	ExecutionID workflow.ExecutionID `json:"workflow_execution_id"`
	Workflow    string               `json:"workflow_name"`
	Namespace   string               `json:"workflow_namespace"`
	WorkflowID  string               `json:"workflow_id"`
	State       workflow.State       `json:"state"`
	StateInfo   *string              `json:"state_info"`
	Type        string               `json:"type"`
	ProjectID   string               `json:"project_id"`
	CreatedAt   *string              `json:"created_at"`
	UpdatedAt   *string              `json:"updated_at"`
	StartedAt   *string              `json:"started_at"`
	FinishedAt  *string              `json:"finished_at"`
	Event       string               `json:"event"`
	Timestamp   string               `json:"timestamp"`
}

// noticeData is what a receiver gets: Mistral's fields, and the moment.
func noticeData(e *workflow.ExecutionRecord, n *workflow.Notification) (json.RawMessage, error) {
	at := n.At.UTC().Format(time.RFC3339Nano)
	var doc any = executionNotice{
		ID: e.ID, Name: e.WorkflowName, Workflow: e.WorkflowName, Namespace: e.Namespace, WorkflowID: e.DefinitionID, State: n.State,
		StateInfo: optional(n.StateInfo), ProjectID: e.ProjectID, TaskID: optional(e.ParentTaskID), RootID: optional(e.RootID),
		CreatedAt: noticeTime(e.CreatedAt), UpdatedAt: noticeTime(n.At), Event: n.Event, Timestamp: at,
	}
	if t := n.Task; t != nil {
		doc = taskNotice{
			ID: t.ID, Name: t.Name, ExecutionID: e.ID, Workflow: e.WorkflowName, Namespace: e.Namespace, WorkflowID: e.DefinitionID,
			State: t.State, StateInfo: optional(t.StateInfo), Type: t.Type, ProjectID: e.ProjectID, CreatedAt: noticeTime(t.CreatedAt),
			UpdatedAt: noticeTime(n.At), StartedAt: noticeTime(t.StartedAt), FinishedAt: noticeTime(t.FinishedAt), Event: n.Event, Timestamp: at,
		}
	}
	text, err := json.Marshal(doc)
	return text, fault.Wrap(fault.Invalid, err, "encode a notification of execution %s", e.ID)
}
