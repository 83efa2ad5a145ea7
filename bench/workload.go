package bench

import (
	"fmt"
	"strings"
)

// Definitions is the text of the workflows that the workloads run.
func Definitions() []byte {
	var b strings.Builder
	flows(&b, ownPrefix, actionName)
	fmt.Fprintf(&b, `%[1]sidle:
  tasks:
    wait: {action: %[2]s, wait-before: 864000}
%[1]sheld:
  tasks:
    wait: {action: std.async_noop}
`, ownPrefix, actionName)
	for _, n := range []int{1, 101} {
		fmt.Fprintf(&b, "%sdata_%d:\n  input: [data]\n  tasks:\n", ownPrefix, n)
		for i := 1; i <= n; i++ {
			fmt.Fprintf(&b, "    t%d:\n      action: %s\n      publish: {p%d: %q}\n", i, actionName, i, strings.Repeat("x", 100))
			if i < n {
				fmt.Fprintf(&b, "      on-success: t%d\n", i+1)
			}
		}
	}
	return []byte(b.String())
}

// ownPrefix begins the names of the workflows on a node of the measurement's own.
const ownPrefix = "bench_"

// flows writes the workflows that any server can run, as a document.
func flows(b *strings.Builder, prefix, action string) {
	b.WriteString("version: '2.0'\n")
	for _, n := range []int{1, 2, 20} {
		fmt.Fprintf(b, "%sseq_%d:\n  tasks:\n", prefix, n)
		for i := 1; i <= n; i++ {
			fmt.Fprintf(b, "    t%d:\n      action: %s\n", i, action)
			if i < n {
				fmt.Fprintf(b, "      on-success: t%d\n", i+1)
			}
		}
	}
	fmt.Fprintf(b, "%sfan:\n  input: [n]\n  tasks:\n    all:\n      with-items: i in <%% range($.n) %%>\n      action: %s\n", prefix, action)
	fmt.Fprintf(b, "%sfork_50:\n  tasks:\n", prefix)
	for i := 1; i <= 50; i++ {
		fmt.Fprintf(b, "    f%d: {action: %s, on-success: joined}\n", i, action)
	}
	fmt.Fprintf(b, "    joined: {join: all, action: %s}\n", action)
}

// load is what one workload starts.
type load struct {
	workflow string
	input    map[string]any
	clients  int
	count    int  // executions
	actions  int  // of each
	waits    bool // they don't end
}

// Workloads names all workloads in the order in which they are run.
func Workloads() []string { return []string{"W0", "W1", "W2", "W3", "W4", "W4F", "W5", "W6", "W7"} }

// Describe says in a few words what a workload is.
func Describe(name string) string {
	return map[string]string{
		"W0":  "a server's start on SQLite to its first answer, its memory when idle",
		"W1":  "one-action workflows, 8 clients",
		"W2":  "sequences of 20 actions, 50 executions",
		"W3":  "one execution, 500 parallel actions (with-items)",
		"W4":  "20 executions, 50 parallel actions each (with-items)",
		"W4F": "20 executions, 50 tasks side by side, joined",
		"W5":  "one-action workflows, one at a time: latency",
		"W6":  "executions that wait, for somebody outside or for days: memory, idle cost",
		"W7":  "as W2, between two idle spells: net counts",
	}[name]
}

func (c Config) load(name string) load {
	switch name {
	case "W1":
		return load{workflow: "bench_seq_1", clients: 8, count: c.Executions, actions: 1}
	case "W2", "W7":
		return load{workflow: "bench_seq_20", clients: 8, count: 50, actions: 20}
	case "W3":
		return load{workflow: "bench_fan", input: map[string]any{"n": c.Fan}, clients: 1, count: 1, actions: c.Fan}
	case "W4":
		return load{workflow: "bench_fan", input: map[string]any{"n": 50}, clients: 8, count: 20, actions: 50}
	case "W4F":
		return load{workflow: "bench_fork_50", clients: 8, count: 20, actions: 50}
	case "W6":
		return load{workflow: "bench_held", clients: 8, count: c.Idle, actions: 1, waits: true}
	case "W6 days":
		return load{workflow: "bench_idle", clients: 8, count: c.Idle, actions: 1, waits: true}
	default: // W5
		return load{workflow: "bench_seq_1", clients: 1, count: 1, actions: 1}
	}
}
