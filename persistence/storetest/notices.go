package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"cierzo/expr/value"
	"cierzo/persistence"
	"cierzo/workflow"
)

// hook is a notifier as an execution's params name it.
func hook(url string) *value.Dict {
	d := value.NewDict(0)
	d.SetString("type", value.String("webhook"))
	d.SetString("url", value.String(url))
	return d
}

// noisy is a turn with events for two webhooks, one that does nothing, and a publisher of the server.
func noisy(n int, turns uint64, events ...string) persistence.Turn {
	t := creation(n, nil)
	if turns > 1 {
		t = update(n, 1, "")
	}
	t.Writes.Execution.Turns = turns
	noop := value.NewDict(0)
	noop.SetString("type", value.String("noop"))
	for i, e := range events {
		notice := workflow.Notification{
			Event: e, At: start().Add(time.Duration(i) * time.Millisecond), State: workflow.Running, Server: []string{"audit"},
			Publishers: []*value.Dict{hook("http://a"), hook("http://b"), noop, hook("http://a")},
		}
		if strings.HasPrefix(e, "TASK") {
			notice.Task = task(n, i)
		}
		t.Writes.Notices = append(t.Writes.Notices, notice)
	}
	return t
}

func claim(t *testing.T, s persistence.Store, lane persistence.NoticeLane, limit int) string {
	t.Helper()
	list, err := s.ClaimNotices(t.Context(), lane, time.Hour, limit)
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	for _, n := range list {
		events = append(events, fmt.Sprintf("%s/%d", n.Doc.Event, n.Tries))
	}
	return strings.Join(events, " ")
}

func lanes(t *testing.T, s persistence.Store) []persistence.NoticeLane {
	t.Helper()
	list, err := s.DueNotices(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func settle(t *testing.T, s persistence.Store, lane persistence.NoticeLane, end persistence.NoticeSettlement) {
	t.Helper()
	if err := s.SettleNotices(t.Context(), lane, end); err != nil {
		t.Fatal(err)
	}
}

func notices(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	commitAll(t, s, noisy(1, 1, "WORKFLOW_LAUNCHED", "TASK_LAUNCHED"))
	fenced := noisy(1, 2, "LOST")
	fenced.Epoch = 9
	commit(t, s, fenced)
	commitAll(t, s, noisy(1, 3, "TASK_SUCCEEDED"))
	if n, err := s.CountNotices(ctx, 100); err != nil || n != 9 {
		t.Errorf("%d notices wait, %v", n, err)
	}
	if n, err := s.CountNotices(ctx, 4); err != nil || n != 4 {
		t.Errorf("counted to 4: %d, %v", n, err)
	}
	all := lanes(t, s)
	if len(all) != 3 {
		t.Fatalf("lanes: %v", all)
	}
	if list, err := s.DueNotices(ctx, 2); err != nil || len(list) != 2 {
		t.Errorf("two lanes: %v, %v", list, err)
	}
	var server, hooks persistence.NoticeLane
	for _, lane := range all {
		if lane.Lane == "server-audit" {
			server = lane
		} else {
			hooks = lane
		}
	}
	list, err := s.ClaimNotices(ctx, server, time.Hour, 2)
	if err != nil || len(list) != 2 || list[0].Seq >= list[1].Seq || list[0].Doc.Server != "audit" || list[0].Doc.Publisher != nil {
		t.Fatalf("claimed: %+v, %v", list, err)
	}
	var data struct {
		ID, Event, State, Type string
		Name                   string
		WorkflowExecutionID    string `json:"workflow_execution_id"`
		CreatedAt              string `json:"created_at"`
	}
	if err := json.Unmarshal(list[1].Doc.Data, &data); err != nil || data.Event != "TASK_LAUNCHED" || data.Name != "task-1" ||
		data.WorkflowExecutionID != string(executionID(1)) || data.Type != "ACTION" || data.CreatedAt != "2026-03-14 15:09:26" {
		t.Errorf("data: %s, %v", list[1].Doc.Data, err)
	}
	if got := claim(t, s, server, 10); got != "" {
		t.Errorf("claimed twice: %s", got)
	}
	if rest := lanes(t, s); len(rest) != 2 {
		t.Errorf("while one is claimed: %v", rest)
	}
	// What comes now waits behind.
	commitAll(t, s, noisy(1, 4, "TASK_FAILED"))
	if got := claim(t, s, server, 10); got != "" {
		t.Errorf("claimed past the first: %s", got)
	}
	settle(t, s, server, persistence.NoticeSettlement{Through: list[0].Seq, Failed: list[1].Seq})
	if got := claim(t, s, server, 10); got != "TASK_LAUNCHED/1 TASK_SUCCEEDED/0 TASK_FAILED/0" {
		t.Errorf("after a failure: %s", got)
	}
	settle(t, s, server, persistence.NoticeSettlement{Pause: time.Hour})
	if got := claim(t, s, server, 10); got != "" {
		t.Errorf("claimed in the pause: %s", got)
	}
	if got := claim(t, s, hooks, 10); got != "WORKFLOW_LAUNCHED/0 TASK_LAUNCHED/0 TASK_SUCCEEDED/0 TASK_FAILED/0" {
		t.Errorf("another lane: %s", got)
	}
	// Notices outlive their execution.
	if err := s.DeleteExecution(ctx, executionID(1), true); err != nil {
		t.Fatal(err)
	}
	settle(t, s, hooks, persistence.NoticeSettlement{})
	if got := claim(t, s, hooks, 1); got != "WORKFLOW_LAUNCHED/0" {
		t.Errorf("after the execution is gone: %s", got)
	}
	settle(t, s, hooks, persistence.NoticeSettlement{Through: 1 << 60})
	if got := claim(t, s, hooks, 10); got != "" {
		t.Errorf("of an empty lane: %s", got)
	}
	if n, err := s.CountNotices(ctx, 100); err != nil || n != 7 {
		t.Errorf("%d notices wait at last, %v", n, err)
	}
}

// noticeRivals has many claim a lane: one of them gets it.
func noticeRivals(t *testing.T, s persistence.Store) {
	commitAll(t, s, noisy(1, 1, "WORKFLOW_LAUNCHED"))
	lane := lanes(t, s)[0]
	var mu sync.Mutex
	won := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			list, err := s.ClaimNotices(t.Context(), lane, time.Hour, 10)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			won += len(list)
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("one notice was claimed %d times", won)
	}
}

func projectsAndRoots(t *testing.T, s persistence.Store) {
	ctx := t.Context()
	for i, project := range []string{"b", "a", "b", "c", "a"} {
		commitAll(t, s, creation(i, func(w *workflow.Writes) {
			w.Execution.ProjectID, w.Execution.State = project, workflow.Success
			switch i {
			case 1:
				w.Execution.State = workflow.Error
			case 2:
				w.Execution.ParentID = executionID(0)
			case 3:
				w.Execution.State = workflow.Running
			}
		}))
	}
	for _, c := range []struct {
		after string
		limit int
		want  string
	}{{"", 10, "a b c"}, {"a", 10, "b c"}, {"", 2, "a b"}, {"c", 2, ""}} {
		got, err := s.ExecutionProjects(ctx, c.after, c.limit)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("projects after %q: %q, %v, want %q", c.after, got, err, c.want)
		}
	}
	for want, states := range map[int][]workflow.State{
		2: {workflow.Success}, 3: {workflow.Success, workflow.Error, workflow.Cancelled}, 0: {workflow.Cancelled},
	} {
		if n, err := s.CountRoots(ctx, states); err != nil || n != want {
			t.Errorf("roots in %v: %d, %v, want %d", states, n, err, want)
		}
	}
}
