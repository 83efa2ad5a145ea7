package chaos

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/persistence"
	"cierzo/persistence/sqlstore"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// verdicts is what the judges count beside what they find wrong.
type verdicts struct {
	executions, runs, attempts, late int
}

// judge compares what users were told and what the ledgers have seen with what the store says in the end. It stops the
// cluster for that: what it judges doesn't change any more.
func (c *site) judge(ctx context.Context, l *load, stuck []string) (verdicts, map[workflow.ExecutionID]*check.Execution) {
	t := c.t
	store, err := sqlstore.Open(ctx, c.dsn, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	var v verdicts
	all := map[workflow.ExecutionID]*check.Execution{}
	for _, deep := range []bool{true, false} {
		part := &check.Case{Partial: !deep}
		var ids []workflow.ExecutionID
		for _, r := range l.runs {
			if r.deep == deep {
				ids = append(ids, workflow.ExecutionID(runID(r.no)))
			}
		}
		mine := map[workflow.ExecutionID]bool{}
		for _, id := range ids {
			mine[id] = true
		}
		for _, op := range l.ops {
			if mine[op.Execution] {
				part.Ops = append(part.Ops, op)
			}
		}
		if deep {
			part.Runs, part.Slots, part.Stuck = runs(t, c.folder), slots, stuck
			v.runs = len(part.Runs)
		}
		report(ctx, t, store, part, ids)
		for id, x := range part.Executions {
			all[id] = x
			v.executions++
			for _, a := range x.Actions {
				v.late += a.LateResults
				v.attempts += a.Attempt
			}
		}
	}
	for _, r := range l.runs {
		if !r.deep {
			judgeRun(t, all[workflow.ExecutionID(runID(r.no))], c.ledger, r.no)
		}
	}
	for _, w := range l.wrong {
		t.Errorf("a server's answer: %s", w)
	}
	return v, all
}

// report loads the executions, has the checkers look at the case, and fails for what they find.
func report(ctx context.Context, t *testing.T, store persistence.Store, c *check.Case, ids []workflow.ExecutionID) {
	t.Helper()
	known := map[string]*dsl.Workflow{}
	var err error
	c.Executions, err = check.Load(ctx, store, ids, func(id string) *dsl.Workflow {
		if known[id] == nil {
			known[id] = definition(ctx, store, id)
		}
		return known[id]
	})
	if err != nil {
		t.Fatal(err)
	}
	const most = 20
	found := c.All()
	for _, v := range found[:min(len(found), most)] {
		t.Errorf("violation: %s", v)
	}
	if len(found) > most {
		t.Errorf("and %d more violations", len(found)-most)
	}
}

func definition(ctx context.Context, store persistence.Store, id string) *dsl.Workflow {
	d, err := store.GetDefinition(ctx, id)
	if err != nil {
		return nil
	}
	list, _ := dsl.ParseWorkflows(d.Name, []byte(d.Text))
	for _, w := range list {
		if w.Name == d.Name {
			return w
		}
	}
	return nil
}

// restless says which engine still has something to do; "" is none.
func (c *site) restless(ctx context.Context) string {
	for _, e := range c.engines {
		for _, name := range []string{"cierzo_slots_used", "cierzo_actions_queued"} {
			if n, err := metric(ctx, e.api, name); err != nil || n > 0 {
				return fmt.Sprintf("%s: %s is %d (%v)", e.Name, name, n, err)
			}
		}
	}
	return ""
}

// rest waits until no engine has anything to do, and fails if one has for too long, or has caught a panic.
func (c *site) rest(ctx context.Context, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := ""
	if until(ctx, func() (bool, error) { last = c.restless(ctx); return last == "", nil }) != nil {
		c.t.Errorf("%s after all has ended %s", patience, last)
	}
	for _, e := range c.engines {
		if n, err := metric(ctx, e.api, "cierzo_panics_total"); err != nil || n > 0 {
			c.t.Errorf("%s has caught %d panics (%v)", e.Name, n, err)
		}
	}
}

// judgeRun checks one run of the web workflow.
func judgeRun(t *testing.T, x *check.Execution, l *ledger, i int) {
	t.Helper()
	if x == nil {
		t.Errorf("run %d was acknowledged, and there is no such execution", i)
		return
	}
	if x.State != workflow.Success {
		t.Errorf("run %d (%s): state %s, want SUCCESS: %s", i, x.ID, x.State, x.StateInfo)
		return
	}
	checkOutput(t, i, x.Data.Output)
	names, byName := map[string]int{}, map[workflow.TaskID]string{}
	for _, task := range x.Tasks {
		names[task.Name]++
		byName[task.ID] = task.Name
		if !task.State.Final() {
			t.Errorf("run %d: task %s is %s after the end", i, task.Name, task.State)
		}
	}
	for name, want := range map[string]int{"begin": 1, "spread": 1, "once": 1, "meet": 1, "finish": 1, "forbidden": 0} {
		if names[name] != want {
			t.Errorf("run %d: task %s ran %d times, want %d", i, name, names[name], want)
		}
	}
	for _, a := range x.Actions {
		if !a.Accepted || !a.State.Final() {
			t.Errorf("run %d: action %s of %s: state %s, accepted %t", i, a.ID, byName[a.TaskID], a.State, a.Accepted)
		}
		judgeCalls(t, i, l, byName[a.TaskID], a)
	}
	if want := 1 + i%itemsMax; countOf(x.Actions, byName, "spread") != want {
		t.Errorf("run %d: %d actions of spread, want %d", i, countOf(x.Actions, byName, "spread"), want)
	}
}

// judgeCalls compares the ledger with an action: at most one call for each attempt, at least one if it succeeded. An attempt that
// may be repeated is made once more when its runner had stopped it because it heard no engine.
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
	most := a.Attempt
	if a.SafeRerun {
		most *= 2
	}
	if calls > most {
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
func metric(ctx context.Context, address, name string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	data, err := httpGet(ctx, "http://"+address+"/metrics")
	if err != nil {
		return 0, err
	}
	scan := bufio.NewScanner(bytes.NewReader(data))
	for scan.Scan() {
		if text, ok := strings.CutPrefix(scan.Text(), name+" "); ok {
			return strconv.Atoi(text)
		}
	}
	return 0, fmt.Errorf("%s shows no metric %s", address, name)
}
