package storetest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// What a store may keep together with something else: actions with their tasks, history with what a turn writes.

// actionPlaces: an action is the same wherever a store keeps it. It may keep one that has the number of its task with the task.
func actionPlaces(t *testing.T, s persistence.Store) {
	commitAll(t, s, creation(1, nil), creation(2, nil))
	tasks, actions, epoch := map[int]*workflow.TaskRecord{}, map[int]*workflow.ActionRecord{}, uint64(1)
	turn := func(firstTask, firstAction int, changed []*workflow.TaskRecord, run []*workflow.ActionRecord) {
		t.Helper()
		x := update(1, epoch, "")
		w := &x.Writes
		w.FirstTask, w.FirstAction, w.Tasks, w.Actions = firstTask, firstAction, changed, run
		for _, r := range changed {
			tasks[r.Seq] = r
		}
		for _, r := range run {
			actions[r.Seq] = r
		}
		commitAll(t, s, x, update(2, 1, "beside it"))
		epoch = samePlaces(t, s, tasks, actions)
	}
	of := func(seq, task int, info string) *workflow.ActionRecord {
		a := action(1, seq, tasks[task])
		a.Input, a.Output = dict("of", value.Int(seq)), dict("result", value.String(info))
		return a
	}
	in := func(seq int, info string) *workflow.TaskRecord {
		r := task(1, seq)
		r.StateInfo, r.Published = info, dict("info", value.String(info))
		tasks[seq] = r
		return r
	}
	type ts = []*workflow.TaskRecord
	type as = []*workflow.ActionRecord
	turn(0, 0, ts{in(0, "with its action"), in(1, "without"), in(2, "with that of another number")}, as{of(0, 0, "new"), of(1, 2, "new")})
	turn(3, 2, nil, as{of(0, 0, "only the action"), of(1, 2, "only the action")})
	turn(3, 2, ts{in(0, "only the task")}, nil)
	turn(3, 2, ts{in(0, "both"), in(2, "both")}, as{of(0, 0, "both"), of(1, 2, "both")})
	turn(3, 2, ts{in(2, "gets one of its number")}, as{of(2, 2, "late")})
	turn(3, 3, nil, as{of(2, 2, "goes on"), of(3, 1, "new"), of(4, 0, "new")})
	turn(3, 5, ts{in(3, ""), in(4, ""), in(5, "new"), in(6, "")}, as{of(5, 5, "new"), of(6, 5, "second")})
	turn(7, 7, ts{in(6, "ended"), in(7, "without")}, as{of(0, 0, "again"), of(5, 5, "ended"), of(6, 5, "ended")})
	for name, change := range map[string]func(*workflow.Writes){
		"a new action where one is": func(w *workflow.Writes) { w.FirstAction, w.Actions = 5, as{action(1, 5, tasks[5])} },
		"a change where none is":    func(w *workflow.Writes) { w.FirstAction, w.Actions = 9, as{action(1, 7, tasks[7])} },
		"a changed action of a new task": func(w *workflow.Writes) {
			w.FirstTask, w.FirstAction, w.Tasks, w.Actions = 8, 9, ts{task(1, 8)}, as{action(1, 8, task(1, 8))}
		},
	} {
		x := update(1, epoch, "")
		change(&x.Writes)
		_, err := s.Commit(t.Context(), []persistence.Turn{x})
		wantKind(t, err, fault.Internal, name)
	}
	samePlaces(t, s, tasks, actions)
}

// samePlaces reads the tasks and actions of execution 1 in every way, and gives its epoch.
func samePlaces(t *testing.T, s persistence.Store, tasks map[int]*workflow.TaskRecord, actions map[int]*workflow.ActionRecord) uint64 {
	t.Helper()
	ctx := t.Context()
	var wantTasks []*workflow.TaskRecord
	var wantActions []*workflow.ActionRecord
	for seq := range len(tasks) {
		wantTasks = append(wantTasks, tasks[seq])
	}
	for seq := range len(actions) {
		wantActions = append(wantActions, actions[seq])
	}
	pageActions, err := s.PageActions(ctx, persistence.PageQuery{ID: executionID(1)})
	if err != nil || len(pageActions) != len(actions) {
		t.Fatalf("%d actions of a page, want %d, %v", len(pageActions), len(actions), err)
	}
	for i, entry := range pageActions {
		wantSame(t, entry.Action, wantActions[i], "an action of a page")
	}
	gotTasks, err := s.ListTasks(ctx, executionID(1), -1, 100)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, gotTasks, wantTasks, "tasks")
	for _, limit := range []int{1, 2, 100} {
		var got []*workflow.ActionRecord
		for after := -1; ; after = got[len(got)-1].Seq {
			page, err := s.ListActions(ctx, executionID(1), "", after, limit)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, page...)
			if len(page) < limit {
				break
			}
		}
		wantSame(t, got, wantActions, "actions")
	}
	for _, of := range wantTasks {
		var want []*workflow.ActionRecord
		for _, a := range wantActions {
			if a.TaskID == of.ID {
				want = append(want, a)
			}
		}
		got, err := s.ListActions(ctx, executionID(1), of.ID, -1, 100)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, got, want, "actions of "+of.Name)
		if len(want) > 1 {
			if got, err = s.ListActions(ctx, executionID(1), of.ID, want[0].Seq, 1); err != nil {
				t.Fatal(err)
			}
			wantSame(t, got, want[1:2], "the second action of "+of.Name)
		}
	}
	for _, want := range wantActions {
		got, err := s.FindAction(ctx, want.ID)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, got, want, "an action by its id")
	}
	if a, err := s.FindAction(ctx, parts(1).Action(len(actions))); !fault.Is(err, fault.NotFound) {
		t.Errorf("an action that isn't there: %v, %v", a, err)
	}
	snap, err := persistence.ActivateOne(ctx, s, executionID(1), "n")
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, snap.Tasks, wantTasks, "tasks of a snapshot")
	wantSame(t, snap.Actions, wantActions, "actions of a snapshot")
	return snap.Epoch
}

// historyOfTasks: turns of which some make tasks, and which have any number of events, read from each place in pages of any size. A
// store may keep a turn's history with a task that it makes or changes.
func historyOfTasks(t *testing.T, s persistence.Store) {
	for n := range 3 {
		var all []workflow.HistoryEvent
		tasks := 0
		for turn := range 20 {
			x := update(n, 1, "")
			if turn == 0 {
				x = creation(n, nil)
			}
			w := &x.Writes
			w.FirstTask, w.FirstAction = tasks, tasks
			for range 1 + turn%4 {
				if turn%7 != 3 {
					all = append(all, workflow.HistoryEvent{Seq: uint64(len(all) + 1), At: start(), Kind: "command", Info: fmt.Sprint("turn ", turn)})
					w.History = append(w.History, all[len(all)-1])
				}
			}
			made := []int{1, 0, 3, 2, 0}[(turn+n)%5]
			if made == 0 && tasks > 0 {
				w.Tasks = append(w.Tasks, task(n, tasks-1))
			}
			for range made {
				tk := task(n, tasks)
				w.Tasks, w.Actions = append(w.Tasks, tk), append(w.Actions, action(n, tasks, tk))
				tasks++
			}
			w.Execution.Runtime.HistorySeq, w.Execution.Turns = uint64(len(all)), uint64(turn+1)
			commitAll(t, s, x)
		}
		sameHistory(t, s, n, all)
	}
}

// sameHistory reads an execution's history from each place, in pages of some sizes.
func sameHistory(t *testing.T, s persistence.Store, n int, all []workflow.HistoryEvent) {
	t.Helper()
	if got, err := s.History(t.Context(), executionID(n), math.MaxInt64, 1); err != nil || len(got) > 0 {
		t.Errorf("events after the last possible one: %v, %v", got, err)
	}
	for after := range len(all) + 2 {
		for _, limit := range []int{1, 2, 5, 1000} {
			got, err := s.History(t.Context(), executionID(n), uint64(after), limit)
			if err != nil {
				t.Fatal(err)
			}
			want := all[min(after, len(all)):min(after+limit, len(all))]
			if len(got) != len(want) {
				t.Fatalf("%d events after %d, want %d", len(got), after, len(want))
			}
			for i := range got {
				if got[i].Seq != want[i].Seq || got[i].Info != want[i].Info {
					t.Fatalf("after %d: event %d is %d of %s, want %d of %s", after, i, got[i].Seq, got[i].Info, want[i].Seq, want[i].Info)
				}
			}
		}
	}
}

// eventForms: events come back as they were, however small a store writes those that are frequent.
func eventForms(t *testing.T, s persistence.Store) {
	ids := parts(1)
	late := func(microseconds int) time.Time { return start().Add(time.Duration(microseconds) * time.Microsecond) }
	tried := func(no int, runner string) value.Value {
		d := value.NewDict(2)
		d.SetString("attempt", value.Int(no))
		d.SetString("runner", value.String(runner))
		return d.Freeze()
	}
	var all []workflow.HistoryEvent
	turn := func(epoch uint64, events ...workflow.HistoryEvent) persistence.Turn {
		for i := range events {
			events[i].Seq = uint64(len(all) + 1)
			all = append(all, events[i])
		}
		x := update(1, epoch, "")
		x.Writes.History = events
		return x
	}
	action := func(at time.Time, task, action int, detail value.Value) workflow.HistoryEvent {
		return workflow.HistoryEvent{
			At: at, Kind: "action.attempt", TaskID: ids.Task(task), Task: "t", ActionID: ids.Action(action), State: workflow.Running, Detail: detail,
		}
	}
	commitAll(t, s, creation(1, nil))
	for _, x := range []persistence.Turn{
		turn(1, action(start(), 3, 3, nil), action(late(225), 4, 4, nil)), // the numbers of their tasks
		turn(1, action(start(), 3, 4, nil), action(late(225), 4, 3, nil)),
		turn(1, action(start(), 3, 3, nil), action(start(), 3, 5, nil)),
		turn(1, action(start(), 0, 0, tried(1, "r+1@2")), action(late(7), 0, 0, tried(2, "r")), action(late(-7), 1, 0, tried(3, "r"))),
		turn(1, action(start(), 1, 1, dict("attempt", value.Int(1))), action(late(1), 1, 1, dict("runner", "r"))),
		turn(1, workflow.HistoryEvent{At: start(), Kind: "execution.state", State: workflow.Running},
			workflow.HistoryEvent{At: late(1), Kind: "execution.state", State: workflow.Error, Info: "t1R@1.1+2"},
			workflow.HistoryEvent{At: late(2), Kind: "command", Info: "x", Detail: dict("a", value.Int(1))},
			workflow.HistoryEvent{At: late(3), Kind: "other", State: "OTHER"},
			workflow.HistoryEvent{At: late(4), Kind: "task.state", Task: "a name alone", State: workflow.Idle},
			workflow.HistoryEvent{At: late(1 << 40), Kind: "task.state", TaskID: ids.Task(9), Task: "t", State: workflow.Idle}),
	} {
		commitAll(t, s, x)
	}
	got, err := s.History(t.Context(), executionID(1), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, all, "history")
}
