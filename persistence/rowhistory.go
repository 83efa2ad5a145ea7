package persistence

import (
	"encoding/json"
	"fmt"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

// HistoryRow is a run of history events, those of one turn, in a store.
type HistoryRow struct {
	Shard       uint16
	ExecutionID string
	LastSeq     int64 // of the newest event in it
	Doc         string
}

// historyDoc is a row's document. There is a row for each turn of each execution, so it is written small: tasks and
// actions are named once, events are arrays that end with their last member that says something.
type historyDoc struct {
	First   uint64      `json:"n"`           // number of the first event; the others follow without gaps
	At      int64       `json:"at"`          // of the first event
	Tasks   [][2]string `json:"t,omitempty"` // id and name
	Actions []string    `json:"a,omitempty"`
	Events  []eventDoc  `json:"e"`
}

// eventDoc is [kind, task, action, state, info, detail, later]: task and action count from 1 in the document's lists, 0 is
// none; detail is JSON; later is in microseconds after the document's moment.
type eventDoc [7]any

// MarshalJSON leaves the empty members at the end out.
func (d eventDoc) MarshalJSON() ([]byte, error) {
	n := len(d)
	for n > 1 && (d[n-1] == 0 || d[n-1] == "" || d[n-1] == int64(0)) {
		n--
	}
	return json.Marshal(d[:n])
}

// short forms of the kinds and states that are frequent; others are written as they are.
var (
	shortKinds = map[string]string{
		"execution.state": "x", "task.state": "t", "action.state": "a", "action.attempt": "n", "action.late": "l", "command": "c",
	}
	shortStates = map[workflow.State]string{
		workflow.Idle: "I", workflow.Waiting: "W", workflow.Running: "R", workflow.Delayed: "D", workflow.Paused: "P", workflow.Success: "S",
		workflow.Error: "E", workflow.Cancelled: "C", workflow.Skipped: "K",
	}
	longKinds  = inverse(shortKinds)
	longStates = inverse(shortStates)
)

func inverse[K, V comparable](m map[K]V) map[V]K {
	out := make(map[V]K, len(m))
	for k, v := range m {
		out[v] = k
	}
	return out
}

// abbreviate gives the short form of what has one.
func abbreviate[K ~string](v K, short map[K]string) string {
	if s, ok := short[v]; ok {
		return s
	}
	return string(v)
}

// expand is the inverse of abbreviate.
func expand[K ~string](s string, long map[string]K) K {
	if v, ok := long[s]; ok {
		return v
	}
	return K(s)
}

// NewHistoryRow makes the row of a turn's events; len(events) ≥ 1. fault.Invalid: no store can keep it.
func NewHistoryRow(id workflow.ExecutionID, events []workflow.HistoryEvent) (HistoryRow, error) {
	row := HistoryRow{Shard: Shard(id), ExecutionID: string(id), LastSeq: int64(events[len(events)-1].Seq)}
	d := historyDoc{First: events[0].Seq, At: Micros(events[0].At), Events: make([]eventDoc, 0, len(events))}
	tasks, actions := map[[2]string]int{}, map[string]int{}
	for i, e := range events {
		if e.Seq != d.First+uint64(i) {
			return row, fault.New(fault.Invalid, "history of execution %s: event %d comes after %d", id, e.Seq, d.First+uint64(i)-1)
		}
		detail := ""
		if e.Detail != nil {
			text, err := value.AppendJSON(nil, e.Detail)
			if err != nil {
				return row, fault.Wrap(fault.Invalid, err, "encode history event %d of execution %s", e.Seq, id)
			}
			detail = string(text)
		}
		task, action := 0, 0
		if name := [2]string{string(e.TaskID), e.Task}; name != [2]string{} {
			if task = tasks[name]; task == 0 {
				d.Tasks = append(d.Tasks, name)
				task = len(d.Tasks)
				tasks[name] = task
			}
		}
		if e.ActionID != "" {
			if action = actions[string(e.ActionID)]; action == 0 {
				d.Actions = append(d.Actions, string(e.ActionID))
				action = len(d.Actions)
				actions[string(e.ActionID)] = action
			}
		}
		d.Events = append(d.Events, eventDoc{
			abbreviate(e.Kind, shortKinds), task, action, abbreviate(e.State, shortStates), e.Info, detail, Micros(e.At) - d.At,
		})
	}
	var err error
	row.Doc, err = encodeDoc(d, "history of execution", row.ExecutionID)
	return row, err
}

// Decode makes the events of a row.
func (row *HistoryRow) Decode() ([]workflow.HistoryEvent, error) {
	var d struct {
		historyDoc
		Events [][]json.RawMessage `json:"e"`
	}
	if err := json.Unmarshal([]byte(row.Doc), &d); err != nil {
		return nil, fmt.Errorf("decode history of execution %s: %w", row.ExecutionID, err)
	}
	events := make([]workflow.HistoryEvent, 0, len(d.Events))
	for i, members := range d.Events {
		e, err := d.event(members)
		if err != nil {
			return nil, fmt.Errorf("decode history event %d of execution %s: %w", d.First+uint64(i), row.ExecutionID, err)
		}
		e.Seq = d.First + uint64(i)
		events = append(events, e)
	}
	return events, nil
}

func (d *historyDoc) event(members []json.RawMessage) (e workflow.HistoryEvent, err error) {
	var kind, state, info, detail string
	var task, action int
	var later int64
	for i, into := range []any{&kind, &task, &action, &state, &info, &detail, &later} {
		if i < len(members) {
			if err := json.Unmarshal(members[i], into); err != nil {
				return e, err
			}
		}
	}
	e.Kind, e.State, e.Info = expand(kind, longKinds), expand(state, longStates), info
	if e.At = FromMicros(d.At + later); d.At == 0 && later == 0 {
		e.At = FromMicros(0)
	}
	if task < 0 || task > len(d.Tasks) || action < 0 || action > len(d.Actions) {
		return e, fmt.Errorf("it is of task %d and action %d, the row has %d and %d", task, action, len(d.Tasks), len(d.Actions))
	}
	if task > 0 {
		e.TaskID, e.Task = workflow.TaskID(d.Tasks[task-1][0]), d.Tasks[task-1][1]
	}
	if action > 0 {
		e.ActionID = workflow.ActionID(d.Actions[action-1])
	}
	if detail != "" {
		e.Detail, err = parseValue(detail)
	}
	return e, err
}

// JoinHistory makes the events after a sequence number, at most limit of them, from rows in order.
func JoinHistory(rows []HistoryRow, after uint64, limit int) ([]workflow.HistoryEvent, error) {
	var out []workflow.HistoryEvent
	for i := range rows {
		if uint64(rows[i].LastSeq) <= after {
			continue
		}
		events, err := rows[i].Decode()
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if e.Seq > after && len(out) < Limit(limit) {
				out = append(out, e)
			}
		}
	}
	return out, nil
}
