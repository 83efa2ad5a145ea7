package chaos

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"cierzo/expr/value"
	"cierzo/persistence"
	"cierzo/workflow"
)

// judgeRun checks one run of the chaos workflow, and tells how many late results and attempts it had.
func judgeRun(ctx context.Context, t *testing.T, store persistence.Store, l *ledger, i int) (late, attempts int) {
	t.Helper()
	id := workflow.ExecutionID(runID(i))
	rec, data, err := store.GetExecution(ctx, "", id)
	if err != nil {
		t.Fatalf("acknowledged execution %s: %v", id, err)
	}
	if rec.State != workflow.Success {
		t.Errorf("run %d: state %s, want SUCCESS: %s", i, rec.State, rec.StateInfo)
		return 0, 0
	}
	checkOutput(t, i, data.Output)
	tasks, err := store.ListTasks(ctx, id, -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, task := range tasks {
		names[task.Name]++
		if !task.State.Final() {
			t.Errorf("run %d: task %s is %s after the end", i, task.Name, task.State)
		}
	}
	for name, want := range map[string]int{"begin": 1, "spread": 1, "once": 1, "meet": 1, "finish": 1, "forbidden": 0} {
		if names[name] != want {
			t.Errorf("run %d: task %s ran %d times, want %d", i, name, names[name], want)
		}
	}
	actions, err := store.ListActions(ctx, id, "", -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[workflow.TaskID]string{}
	for _, task := range tasks {
		byName[task.ID] = task.Name
	}
	for _, a := range actions {
		late += a.LateResults
		attempts += a.Attempt
		if !a.Accepted || !a.State.Final() {
			t.Errorf("run %d: action %s of %s: state %s, accepted %t", i, a.ID, byName[a.TaskID], a.State, a.Accepted)
		}
		judgeCalls(t, i, l, byName[a.TaskID], a)
	}
	if want := 1 + i%itemsMax; countOf(actions, byName, "spread") != want {
		t.Errorf("run %d: %d actions of spread, want %d", i, countOf(actions, byName, "spread"), want)
	}
	return late, attempts
}

// judgeCalls compares the ledger with an action: at most one call for each attempt, at least one if it succeeded.
func judgeCalls(t *testing.T, i int, l *ledger, task string, a *workflow.ActionRecord) {
	t.Helper()
	if a.Name != "std.http" {
		return
	}
	item := "0"
	if task == "spread" {
		item = strconv.Itoa(a.Index + 1)
	}
	calls := l.count(runID(i), task, item)
	if calls > a.Attempt {
		t.Errorf("run %d: %s was called %d times in %d attempts", i, task, calls, a.Attempt)
	}
	if a.State == workflow.Success && calls == 0 {
		t.Errorf("run %d: %s has a result and was never called", i, task)
	}
	if !a.SafeRerun && calls > 1 {
		t.Errorf("run %d: %s isn't safe to repeat and was called %d times", i, task, calls)
	}
}

func countOf(actions []*workflow.ActionRecord, byName map[workflow.TaskID]string, task string) int {
	n := 0
	for _, a := range actions {
		if byName[a.TaskID] == task {
			n++
		}
	}
	return n
}

// checkOutput: every item once and in order, and the count that the join has seen.
func checkOutput(t *testing.T, i int, output value.Value) {
	t.Helper()
	got, err := value.AppendJSON(nil, output)
	if err != nil {
		t.Fatal(err)
	}
	n := 1 + i%itemsMax
	items := make([]string, n)
	for k := range items {
		items[k] = strconv.Itoa(k + 1)
	}
	list := strings.Join(items, ", ")
	for _, once := range []string{"done", "repaired"} {
		want, err := value.ParseJSON([]byte(fmt.Sprintf(`{"items": [%s], "once": "%s", "end": %d}`, list, once, n)))
		if err != nil {
			t.Fatal(err)
		}
		if value.Equal(want, output) {
			return
		}
	}
	t.Errorf("run %d: output %s", i, got)
}

// metric reads a counter of a server.
func metric(ctx context.Context, t *testing.T, address, name string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	scan := bufio.NewScanner(resp.Body)
	for scan.Scan() {
		if text, ok := strings.CutPrefix(scan.Text(), name+" "); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("metric %s: %v", name, err)
			}
			return n
		}
	}
	t.Fatalf("%s shows no metric %s", address, name)
	return 0
}
