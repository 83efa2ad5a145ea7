package workflow_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"cierzo/dsl"
	"cierzo/expr/value"
	"cierzo/workflow"
)

// What a workflow costs in what can be counted, so that a change that makes it dearer is seen without a clock.

// bill is what an execution has cost from its beginning to its end.
type bill struct {
	turns, rows, sends int
	allocs, bytes      float64
}

func sequence(n int) string {
	var b strings.Builder
	b.WriteString("version: '2.0'\nw:\n  tasks:\n")
	for i := range n {
		fmt.Fprintf(&b, "    t%d:\n      action: std.safe\n", i)
		if i < n-1 {
			fmt.Fprintf(&b, "      on-success: t%d\n", i+1)
		}
	}
	return b.String()
}

func joins(n int) string {
	first, rest, _ := strings.Cut(sequence(n), "    t1:\n")
	return first + "    t1:\n" + strings.ReplaceAll(rest, "      action", "      join: all\n      action")
}

func items(n int) string {
	return fmt.Sprintf("version: '2.0'\nw:\n  tasks:\n    all:\n      with-items: i in <%% range(%d) %%>\n      action: std.safe\n", n)
}

func fork(n int) string {
	var b strings.Builder
	b.WriteString("version: '2.0'\nw:\n  tasks:\n")
	for i := range n {
		fmt.Fprintf(&b, "    f%d: {action: std.safe, on-success: joined}\n", i)
	}
	b.WriteString("    joined: {join: all, action: std.safe}\n")
	return b.String()
}

func fiveItems(n int) string {
	return strings.Replace(items(n), "action:", "concurrency: 5\n      action:", 1)
}

func publishing(n int) string {
	text := fork(n)
	for i := range n {
		text = strings.Replace(text, fmt.Sprintf(" f%d: {", i), fmt.Sprintf(" f%d: {publish: {v%d: 1}, ", i, i), 1)
	}
	return text
}

func subs(n int) string {
	return fmt.Sprintf("version: '2.0'\nw:\n  tasks:\n    all:\n      with-items: i in <%% range(%d) %%>\n      workflow: leaf\nleaf:\n  tasks:\n    t: {action: std.safe}\n", n)
}

// price runs a workflow whose runners succeed at once.
func price(t *testing.T, text string) bill {
	t.Helper()
	w := newWorld(t)
	if err := w.define("workflow", "", text, false); err != nil {
		t.Fatal(err)
	}
	var b bill
	w.wrote = func(f workflow.Writes) {
		b.turns++
		b.rows += 1 + len(f.Tasks) + len(f.Actions) + min(len(f.History), 1)
		if f.Data != nil {
			b.rows++
		}
	}
	w.log = func(workflow.ExecutionID, workflow.Send) { b.sends++ }
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	id, err := w.start("w", "", value.NewDict(0).Freeze(), value.NewDict(0).Freeze())
	if err != nil {
		t.Fatal(err)
	}
	if !w.until(time.Hour, func() bool { return w.execs[id].rec.State.Final() }) {
		t.Fatalf("the workflow is %s", w.execs[id].rec.State)
	}
	runtime.ReadMemStats(&after)
	b.allocs, b.bytes = float64(after.Mallocs-before.Mallocs), float64(after.TotalAlloc-before.TotalAlloc)
	return b
}

// TestCostOfAnAction bounds what an action costs, and runs workflows of ten times as many: each action costs about as much as in the
// small one. The bounds of allocations leave room for other versions of Go and the race detector.
func TestCostOfAnAction(t *testing.T) {
	const n = 60
	for _, c := range []struct {
		name                              string
		text                              func(int) string
		turns, rows, sends, allocs, bytes float64 // at most, for each action
	}{
		{"sequence", sequence, 2.05, 9.1, 3.05, 170, 21_000},
		{"with-items", items, 1.05, 5.1, 3.05, 100, 13_000},
		{"with-items, five at a time", fiveItems, 2.05, 7.1, 3.05, 120, 15_000},
		{"fork and join, each publishes", publishing, 1.05, 7.1, 3.05, 170, 23_000},
		{"fork and join", fork, 1.05, 7.1, 3.05, 160, 21_000},
		{"sequence of joins", joins, 2.05, 9.1, 3.05, 200, 26_000},
		{"sub-workflows", subs, 6.05, 20.1, 8.05, 300, 58_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			few, many := price(t, c.text(n)), price(t, c.text(10*n))
			for _, v := range []struct {
				what              string
				few, many, bounds float64
			}{
				{"turns", float64(few.turns), float64(many.turns), c.turns},
				{"rows", float64(few.rows), float64(many.rows), c.rows},
				{"messages", float64(few.sends), float64(many.sends), c.sends},
				{"allocations", few.allocs, many.allocs, c.allocs},
				{"bytes allocated", few.bytes, many.bytes, c.bytes},
			} {
				each := v.many / (10 * n)
				t.Logf("%.2f %s for each action", each, v.what)
				if each > v.bounds {
					t.Errorf("%.2f %s for each action, want at most %.2f", each, v.what, v.bounds)
				}
				if v.many > 15*v.few {
					t.Errorf("%d actions take %.1f times the %s of %d", 10*n, v.many/v.few, v.what, n)
				}
			}
		})
	}
}

// TestCompileOfManyJoins: each of thousands of joins can be reached from all before it. That takes a bit for each, not a list.
func TestCompileOfManyJoins(t *testing.T) {
	const n = 2000
	list, diags := dsl.ParseWorkflows("test", []byte(joins(n)))
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := workflow.Compile(list[0], "w", ""); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if each := float64(after.TotalAlloc-before.TotalAlloc) / n; each > 1200 {
		t.Errorf("%.0f bytes for each of %d joins, want at most 1200", each, n)
	}
}

// TestContextsArePutTogetherOnce: each task of a long sequence takes the context of the one before, which is remembered, also when
// nobody has published anything. A loop of 20,000 rounds took minutes.
func TestContextsArePutTogetherOnce(t *testing.T) {
	t.Parallel()
	const n = 300
	for name, publish := range map[string]string{"nothing published": "", "each publishes": "      publish: {v: <% task().result %>}\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			text := strings.ReplaceAll(sequence(n), "std.safe\n", "std.safe\n"+publish)
			if err := w.define("workflow", "", text, false); err != nil {
				t.Fatal(err)
			}
			id, err := w.start("w", "", value.NewDict(0).Freeze(), value.NewDict(0).Freeze())
			if err != nil {
				t.Fatal(err)
			}
			if !w.until(time.Hour, func() bool { return w.execs[id].rec.State.Final() }) {
				t.Fatalf("the workflow is %s", w.execs[id].rec.State)
			}
			if got := w.execs[id].ex.Merged(); got < n || got > 2*n {
				t.Errorf("%d tasks had their contexts put together %d times", n, got)
			}
		})
	}
}
