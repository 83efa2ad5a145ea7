package workflow_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cierzo/dsl"
	"cierzo/workflow"
)

// TestUpstream: from which tasks each join can be reached, in random graphs with loops, beside a search that takes nothing over.
func TestUpstream(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		n := 2 + rnd.IntN(80)
		next, join, clauses := make([][]int, n), make([]bool, n), make([]string, n)
		for i := range n {
			for _, clause := range []string{"on-success", "on-error"} {
				var list []string
				for range rnd.IntN(3) {
					to := 1 + rnd.IntN(n-1) // t0 is the start
					if rnd.IntN(4) > 0 {
						to = max(1, min(i+1+rnd.IntN(5), n-1))
					}
					if name := fmt.Sprint("t", to); !slices.Contains(list, name) {
						list, next[i] = append(list, name), append(next[i], to)
						join[to] = join[to] || rnd.IntN(4) == 0 // what nothing leads to is no join
					}
				}
				if len(list) > 0 {
					clauses[i] += fmt.Sprintf("      %s: [%s]\n", clause, strings.Join(list, ", "))
				}
			}
		}
		var text strings.Builder
		text.WriteString("version: '2.0'\nw:\n  tasks:\n")
		for i := range n {
			fmt.Fprintf(&text, "    t%d:\n      action: std.noop\n%s", i, clauses[i])
			if join[i] {
				text.WriteString("      join: all\n")
			}
		}
		list, diags := dsl.ParseWorkflows("test", []byte(text.String()))
		if err := diags.Err(); err != nil {
			t.Fatalf("%v in\n%s", err, text.String())
		}
		p, err := workflow.Compile(list[0], "w", "")
		if err != nil {
			t.Fatal(err)
		}
		for j := range n {
			if !join[j] {
				continue
			}
			leads := make([]bool, n)
			for changed := true; changed; {
				changed = false
				for from := range n {
					if !leads[from] && slices.ContainsFunc(next[from], func(to int) bool { return to == j || leads[to] }) {
						leads[from], changed = true, true
					}
				}
			}
			var want, wantTangled []string
			for i := range n {
				if !leads[i] {
					continue
				}
				want = append(want, fmt.Sprint("t", i))
				if slices.Contains(next[i], j) && slices.ContainsFunc(next[i], func(to int) bool { return leads[to] }) {
					wantTangled = append(wantTangled, fmt.Sprint("t", i))
				}
			}
			got, tangled := p.Upstream(fmt.Sprint("t", j))
			if !slices.Equal(got, want) || !slices.Equal(tangled, wantTangled) {
				t.Fatalf("t%d: %v, tangled %v; want %v, tangled %v, in\n%s", j, got, tangled, want, wantTangled, text.String())
			}
		}
	}
}
