package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"

	"cierzo/workflow"
)

// Fold packs an execution as an engine has it in memory into few bytes: its rows, as a store would keep them, without its id. Unfold is the
// inverse. What one process has folded only the same one can unfold; nothing of it is stored. fault.Invalid: no store can keep the execution.
func Fold(s *Snapshot) (string, error) {
	h := homeOf(s.Execution)
	x, err := h.row(s.Execution)
	if err != nil {
		return "", err
	}
	given, err := NewGivenText(s.Data)
	if err != nil {
		return "", err
	}
	data, err := NewDataText(s.Execution.ID, s.Data)
	if err != nil {
		return "", err
	}
	tasks, err := h.encodeTasks(s.Tasks, 0)
	if err != nil {
		return "", err
	}
	actions, err := h.encodeActions(s.Actions, 0)
	if err != nil {
		return "", err
	}
	f := &folder{b: make([]byte, 0, 1024)}
	f.rows(&SnapshotRows{Epoch: s.Epoch, Execution: x, Given: given, Data: data, Tasks: tasks, Actions: actions})
	return string(f.b), nil
}

// Unfold is the inverse of Fold, for the execution with that id.
func Unfold(id workflow.ExecutionID, folded string) (*Snapshot, error) {
	f := &folder{b: []byte(folded), back: true}
	rows := SnapshotRows{Execution: ExecutionRow{ID: string(id), Key: int64(id.Key())}}
	f.rows(&rows)
	if f.short || len(f.b) > 0 {
		return nil, errors.New("a folded execution is damaged")
	}
	s, err := rows.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("unfold execution %s: %w", id, err)
	}
	return s, nil
}

// folder goes through the fields of rows, in one direction or the other: so both have the same.
type folder struct {
	b     []byte // what is folded so far, or what is left to be unfolded
	back  bool   // it unfolds
	short bool   // more was to be unfolded than there is
}

func (f *folder) rows(r *SnapshotRows) {
	x, epoch := &r.Execution, int64(r.Epoch)
	f.numbers(&epoch, &x.CreatedAt, &x.WakeAt, &x.Wanting, &x.Busy)
	f.texts(&x.ProjectID, &x.WorkflowName, &x.RootID, &x.ParentID, &x.ParentTaskID, &x.About, &x.State, &x.Runners, &x.Doc)
	r.Epoch = uint64(epoch)
	f.texts(&r.Given, &r.Data)
	r.Tasks = foldEach(f, r.Tasks, func(t *TaskRow) {
		f.numbers(&t.Seq)
		f.texts(&t.About, &t.Doc, &t.Values)
	})
	r.Actions = foldEach(f, r.Actions, func(a *ActionRow) {
		f.numbers(&a.Seq, &a.Task)
		f.texts(&a.About, &a.Given, &a.Doc, &a.Values)
	})
}

// foldEach goes through a list of rows.
func foldEach[R any](f *folder, list []R, row func(*R)) []R {
	n := int64(len(list))
	f.numbers(&n)
	if f.back {
		if n < 0 || n > int64(len(f.b)) { // each takes a byte at least
			f.short = true
			return nil
		}
		list = make([]R, n)
	}
	for i := range list {
		row(&list[i])
	}
	return list
}

func (f *folder) numbers(fields ...*int64) {
	for _, n := range fields {
		if !f.back {
			f.b = binary.AppendVarint(f.b, *n)
			continue
		}
		v, size := binary.Varint(f.b)
		if size <= 0 {
			f.short = true
			return
		}
		*n, f.b = v, f.b[size:]
	}
}

func (f *folder) texts(fields ...*string) {
	for _, s := range fields {
		n := int64(len(*s))
		f.numbers(&n)
		if !f.back {
			f.b = append(f.b, *s...)
			continue
		}
		if n < 0 || n > int64(len(f.b)) {
			f.short = true
			return
		}
		*s, f.b = string(f.b[:n]), f.b[n:]
	}
}
