package persistence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/workflow"
)

// HistoryRow is a run of history events, those of one turn, in a store, in its execution's home.
type HistoryRow struct {
	LastSeq int64 // of the newest event in it; 0: it is the execution's first row
	Doc     string
	First   bool // it begins with the execution's first event; not stored
}

// historyDoc is a row's document. There is a row for each turn of each execution, so it is written small: tasks and actions
// are named once, by their numbers.
type historyDoc struct {
	At      int64      `json:"at,omitempty"` // of the first event, see distance
	Tasks   []taskName `json:"t,omitempty"`
	Actions []int      `json:"a,omitempty"` // none: those with the numbers of the tasks
	Runners []string   `json:"r,omitempty"`
	Events  []eventDoc `json:"e"`
}

// taskName is [number from 1, name]; 0 is a name without a task.
type taskName struct {
	number int
	name   string
}

// MarshalJSON writes the pair.
func (n taskName) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{n.number, n.name}) }

// UnmarshalJSON reads the pair.
func (n *taskName) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[2]any{&n.number, &n.name})
}

// eventDoc is [kind, task, action, state, info, detail, later]: task and action count from 1 in the document's lists, 0 is
// none; detail is JSON; later is in microseconds after the document's moment. Most have no more than a state, and one letter
// for it and for the kind: these are a text, as "t1R" or "a1.2S"; with an attempt, and the number of its runner in the
// document's list, "n1.2R@1.1"; and when it is later "n1.2R@1.1+250".
type eventDoc [7]any

// attempt is the detail of an event that says on which runner an attempt is: the runner is a number of the document's list.
type attempt struct{ no, runner int }

// attemptOf takes such a detail apart.
func attemptOf(detail value.Value) (no int, runner string, ok bool) {
	d, isDict := detail.(*value.Dict)
	if !isDict || d.Len() != 2 {
		return 0, "", false
	}
	first, n := d.At(0)
	second, r := d.At(1)
	name, isText := r.(value.String)
	number, isNumber := n.(value.Int)
	if !isText || !isNumber || !isString(first, "attempt") || !isString(second, "runner") {
		return 0, "", false
	}
	return int(number), string(name), number >= 0
}

func isString(v value.Value, want string) bool {
	s, ok := v.(value.String)
	return ok && string(s) == want
}

func attemptDetail(no int, runner string) value.Value {
	d := value.NewDict(2)
	d.SetString("attempt", value.Int(no))
	d.SetString("runner", value.String(runner))
	return d.Freeze()
}

// MarshalJSON leaves the empty members at the end out.
func (d eventDoc) MarshalJSON() ([]byte, error) {
	n := len(d)
	for n > 1 && (d[n-1] == 0 || d[n-1] == "" || d[n-1] == int64(0)) {
		n--
	}
	kind, _ := d[0].(string)
	state, _ := d[3].(string)
	at, hasAttempt := d[5].(attempt)
	later, _ := d[6].(int64)
	if len(kind) != 1 || len(state) != 1 || d[4] != "" || d[5] != "" && !hasAttempt || later < 0 {
		if hasAttempt {
			d[5] = [2]int{at.no, at.runner}
		}
		return json.Marshal(d[:n])
	}
	text := append(make([]byte, 0, 16), '"')
	text = append(text, kind...)
	if d[1] != 0 || d[2] != 0 {
		text = fmt.Append(text, d[1])
	}
	if d[2] != 0 {
		text = fmt.Append(append(text, '.'), d[2])
	}
	text = append(text, state...)
	if hasAttempt {
		text = fmt.Appendf(text, "@%d.%d", at.no, at.runner)
	}
	if later > 0 {
		text = fmt.Appendf(text, "+%d", later)
	}
	return append(text, '"'), nil
}

// UnmarshalJSON reads both forms.
func (d *eventDoc) UnmarshalJSON(text []byte) error {
	if text[0] != '[' {
		var short string
		if err := json.Unmarshal(text, &short); err != nil {
			return err
		}
		return d.parse(short)
	}
	var members []json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	var kind, state, info, detail string
	var task, action int
	var later int64
	var at *attempt
	for i, into := range []any{&kind, &task, &action, &state, &info, &detail, &later} {
		if i >= len(members) {
			break
		}
		if i == 5 && members[i][0] == '[' {
			var pair [2]int
			if err := json.Unmarshal(members[i], &pair); err != nil {
				return err
			}
			at = &attempt{pair[0], pair[1]}
			continue
		}
		if err := json.Unmarshal(members[i], into); err != nil {
			return err
		}
	}
	*d = eventDoc{kind, task, action, state, info, detail, later}
	if at != nil {
		d[5] = *at
	}
	return nil
}

// parse reads the form of a text.
func (d *eventDoc) parse(text string) error {
	var task, action int
	var later int64
	var err error
	short, after, isLater := strings.Cut(text, "+")
	if isLater {
		if later, err = strconv.ParseInt(after, 10, 64); err != nil {
			return err
		}
	}
	short, tried, isTried := strings.Cut(short, "@")
	if len(short) < 2 {
		return fmt.Errorf("event %q", text)
	}
	numbers, second, two := strings.Cut(short[1:len(short)-1], ".")
	if numbers != "" {
		if task, err = strconv.Atoi(numbers); err != nil {
			return err
		}
	}
	if two {
		if action, err = strconv.Atoi(second); err != nil {
			return err
		}
	}
	*d = eventDoc{short[:1], task, action, short[len(short)-1:], "", "", later}
	if isTried {
		var at attempt
		if _, err := fmt.Sscanf(tried, "%d.%d", &at.no, &at.runner); err != nil {
			return fmt.Errorf("event %q: %w", text, err)
		}
		d[5] = at
	}
	return nil
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
func (h *Home) NewHistoryRow(events []workflow.HistoryEvent) (HistoryRow, error) {
	first := events[0].Seq
	row := HistoryRow{LastSeq: int64(events[len(events)-1].Seq), First: first == 1}
	d := historyDoc{At: distance(h.CreatedAt, events[0].At), Events: make([]eventDoc, 0, len(events))}
	start := Micros(events[0].At)
	tasks, actions, runners := map[taskName]int{}, map[int]int{}, map[string]int{}
	for i, e := range events {
		if e.Seq != first+uint64(i) {
			return row, fault.New(fault.Invalid, "history of execution %s: event %d comes after %d", h.ID, e.Seq, first+uint64(i)-1)
		}
		var detail any = ""
		if no, name, ok := attemptOf(e.Detail); ok {
			at := runners[name]
			if at == 0 {
				d.Runners = append(d.Runners, name)
				at = len(d.Runners)
				runners[name] = at
			}
			detail = attempt{no, at}
		} else if e.Detail != nil {
			text, err := value.AppendJSON(nil, e.Detail)
			if err != nil {
				return row, fault.Wrap(fault.Invalid, err, "encode history event %d of execution %s", e.Seq, h.ID)
			}
			detail = string(text)
		}
		number, err := h.task(e.TaskID)
		if err != nil {
			return row, err
		}
		task, action := 0, 0
		if name := (taskName{number, e.Task}); name != (taskName{}) {
			if task = tasks[name]; task == 0 {
				d.Tasks = append(d.Tasks, name)
				task = len(d.Tasks)
				tasks[name] = task
			}
		}
		if e.ActionID != "" {
			seq, ok := h.ids.ActionSeq(e.ActionID)
			if !ok {
				return row, fault.New(fault.Invalid, "%q is no action of execution %s", e.ActionID, h.ID)
			}
			if action = actions[seq]; action == 0 {
				d.Actions = append(d.Actions, seq)
				action = len(d.Actions)
				actions[seq] = action
			}
		}
		d.Events = append(d.Events, eventDoc{
			abbreviate(e.Kind, shortKinds), task, action, abbreviate(e.State, shortStates), e.Info, detail, Micros(e.At) - start,
		})
	}
	if slices.EqualFunc(d.Tasks, d.Actions, func(t taskName, action int) bool { return t.number-1 == action }) {
		d.Actions = nil
	}
	var err error
	row.Doc, err = encodeDoc(d, "history of execution", string(h.ID))
	return row, err
}

// History makes the events of a row.
func (h *Home) History(row *HistoryRow) ([]workflow.HistoryEvent, error) {
	var d historyDoc
	if err := decodeDoc(row.Doc, &d, "history of execution", string(h.ID)); err != nil {
		return nil, err
	}
	if len(d.Actions) == 0 {
		for _, t := range d.Tasks {
			d.Actions = append(d.Actions, t.number-1)
		}
	}
	first := uint64(1)
	if row.LastSeq > 0 {
		first = uint64(row.LastSeq) - uint64(len(d.Events)) + 1
	}
	events := make([]workflow.HistoryEvent, 0, len(d.Events))
	for i := range d.Events {
		e, err := h.event(&d, &d.Events[i])
		if err != nil {
			return nil, fmt.Errorf("decode history event %d of execution %s: %w", first+uint64(i), h.ID, err)
		}
		e.Seq = first + uint64(i)
		events = append(events, e)
	}
	return events, nil
}

func (h *Home) event(d *historyDoc, members *eventDoc) (e workflow.HistoryEvent, err error) {
	kind, task, action := members[0].(string), members[1].(int), members[2].(int)
	state, info, later := members[3].(string), members[4].(string), members[6].(int64)
	e.Kind, e.State, e.Info = expand(kind, longKinds), expand(state, longStates), info
	e.At = moment(h.CreatedAt, d.At)
	switch {
	case later == 0:
	case d.At == 0:
		e.At = FromMicros(later)
	default:
		e.At = e.At.Add(time.Duration(later) * time.Microsecond)
	}
	if task < 0 || task > len(d.Tasks) || action < 0 || action > len(d.Actions) {
		return e, fmt.Errorf("it is of task %d and action %d, the row has %d and %d", task, action, len(d.Tasks), len(d.Actions))
	}
	if task > 0 {
		e.TaskID, e.Task = h.taskID(d.Tasks[task-1].number), d.Tasks[task-1].name
	}
	if action > 0 {
		seq := d.Actions[action-1]
		if seq < 0 {
			return e, fmt.Errorf("it is of an action of no task")
		}
		e.ActionID = h.ids.Action(seq)
	}
	switch detail := members[5].(type) {
	case attempt:
		if detail.runner < 1 || detail.runner > len(d.Runners) {
			return e, fmt.Errorf("it is of runner %d, the row has %d", detail.runner, len(d.Runners))
		}
		e.Detail = attemptDetail(detail.no, d.Runners[detail.runner-1])
	case string:
		if detail != "" {
			e.Detail, err = parseValue(detail)
		}
	}
	return e, err
}

// JoinHistory makes the events after a sequence number, at most limit of them, from rows in order.
func (h *Home) JoinHistory(rows []HistoryRow, after uint64, limit int) ([]workflow.HistoryEvent, error) {
	var out []workflow.HistoryEvent
	for i := range rows {
		if last := uint64(rows[i].LastSeq); last > 0 && last <= after {
			continue
		}
		events, err := h.History(&rows[i])
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
