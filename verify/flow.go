package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// flow is a workflow of a plan.
type flow struct {
	name    string // without the prefix of the run
	reverse bool
	tasks   []*job
}

// The actions that jobs run: those that every cluster has.
const (
	echo  = "std.echo"
	noop  = "std.noop"
	fails = "std.fail"
	async = "std.async_noop"
)

// job is a task of a flow.
type job struct {
	name        string
	action      string // "" for a sub-workflow
	child       *flow
	millis      int // that std.echo waits
	items       int // 0: no with-items
	concurrency int
	retries     int
	retryDelay  int // s, here and below
	waitBefore  int
	waitAfter   int
	timeout     int
	pauseBefore bool
	join        string
	on          map[string][]string // by "success", "error", "complete": tasks and engine commands
	requires    []string
}

func clauses() []string { return []string{"success", "error", "complete"} }

// children are the flows that others use as sub-workflows; the second may use the first.
func (g *generator) children() []*flow {
	first := g.flow("child-a", nil, 1+g.IntN(3))
	return []*flow{first, g.flow("child-b", []*flow{first}, 1+g.IntN(2))}
}

// flow draws an acyclic graph of tasks with every kind of clause and policy.
func (g *generator) flow(name string, children []*flow, n int) *flow {
	f := &flow{name: name, reverse: strings.HasPrefix(name, "main") && g.percent(10)}
	inbound := make([]int, n)
	for i := range n {
		t := g.job(fmt.Sprintf("t%d", i), children)
		f.tasks = append(f.tasks, t)
		if f.reverse {
			for j := range i {
				if g.percent(40) {
					t.requires = append(t.requires, f.tasks[j].name)
				}
			}
			continue
		}
		t.on = map[string][]string{}
		for _, c := range clauses() {
			for j := i + 1; j < n && len(t.on[c]) < 2; j++ {
				if g.percent(35) && inbound[j] < 4 {
					inbound[j]++
					t.on[c] = append(t.on[c], fmt.Sprintf("t%d", j))
				}
			}
		}
		if g.percent(60) {
			t.on["error"] = append(t.on["error"], "noop")
		}
		if g.percent(3) {
			c := clauses()[g.IntN(3)]
			t.on[c] = append(t.on[c], []string{"fail", "succeed", "pause"}[g.IntN(3)])
		}
	}
	for i, t := range f.tasks {
		if inbound[i] == 0 || !g.percent(60) {
			continue
		}
		t.join = []string{"all", "all", "one", "1", "2"}[g.IntN(5)]
		if t.join == "2" && len(f.sources(t.name)) < 2 {
			t.join = "one"
		}
	}
	return f
}

// sources lists the tasks that lead to a task, or that it requires.
func (f *flow) sources(name string) []*job {
	var out []*job
	for _, t := range f.tasks {
		if slices.Contains(f.job(name).requires, t.name) || slices.ContainsFunc(clauses(), func(c string) bool { return slices.Contains(t.on[c], name) }) {
			out = append(out, t)
		}
	}
	return out
}

func (g *generator) job(name string, children []*flow) *job {
	t := &job{name: name, action: echo}
	switch k := g.IntN(20); {
	case k < 2:
		t.action = noop
	case k < 4:
		t.action = async
	case k < 7:
		t.action = fails
	case k < 11 && len(children) > 0:
		t.action, t.child = "", children[g.IntN(len(children))]
	}
	if t.action == echo {
		t.millis = g.IntN([]int{20, 300, 1000}[g.IntN(3)])
	}
	if t.action != async && g.percent(30) {
		t.items = 1 + g.IntN(4)
		t.concurrency = g.IntN(3)
	}
	if g.percent(30) {
		t.retries, t.retryDelay = 1+g.IntN(2), g.IntN(2)
	}
	if g.percent(10) {
		t.waitBefore = 1
	}
	if g.percent(10) {
		t.waitAfter = 1
	}
	if g.percent(10) {
		t.timeout = 1 + g.IntN(4)
	}
	t.pauseBefore = g.percent(2)
	return t
}

// longest is how long the flow may take when nothing goes wrong and nobody interferes. What users do (results of
// asynchronous actions, resuming) has its time in it.
func (f *flow) longest() time.Duration {
	var all time.Duration
	until := map[string]time.Duration{}
	// In the order of the text sources come first; the tasks that a reverse workflow requires do, too.
	for _, t := range f.tasks {
		from := time.Duration(0)
		for _, s := range f.sources(t.name) {
			from = max(from, until[s.name])
		}
		until[t.name] = from + t.longest()
		all = max(all, until[t.name])
	}
	return all
}

// userMax is how long the load takes to see that an execution waits for a user, and to act.
const userMax = 3 * time.Second

func (t *job) longest() time.Duration {
	one := time.Duration(t.millis)*time.Millisecond + 100*time.Millisecond
	switch {
	case t.child != nil:
		one = t.child.longest()
	case t.action == async:
		one = userMax
	}
	rounds := 1
	if t.items > 0 && t.concurrency > 0 {
		rounds = (t.items + t.concurrency - 1) / t.concurrency
	}
	d := time.Duration(rounds)*one*time.Duration(1+t.retries) + time.Duration(t.retries*t.retryDelay+t.waitBefore+t.waitAfter)*time.Second
	if t.pauseBefore || slices.ContainsFunc(clauses(), func(c string) bool { return slices.Contains(t.on[c], "pause") }) {
		d += userMax
	}
	return d
}

// write writes the flow as YAML; tag is quoted, for some of its kind are numbers to YAML; prefix is what the names of the run's workflows begin with.
func (f *flow) write(b *strings.Builder, prefix, tag string) {
	fmt.Fprintf(b, "%s%s:\n  tags: [cierzo-verify, %q]\n  input: [key]\n", prefix, f.name, tag)
	if f.reverse {
		b.WriteString("  type: reverse\n")
	}
	b.WriteString("  tasks:\n")
	for _, t := range f.tasks {
		t.write(b, prefix)
	}
}

func (t *job) write(b *strings.Builder, prefix string) {
	line := func(format string, args ...any) { fmt.Fprintf(b, "      "+format+"\n", args...) }
	fmt.Fprintf(b, "    %s:\n", t.name)
	item := ""
	if t.items > 0 {
		item = " <% $.i %>"
	}
	switch {
	case t.child != nil:
		line("workflow: %s%s", prefix, t.child.name)
		line("input: {key: '<%% $.key %%>/%s%s'}", t.name, strings.ReplaceAll(item, " <", "/<"))
	case t.action == echo:
		line("action: %s", echo)
		line("input: {output: '%s <%% $.key %%>%s', delay: %d.%03d}", t.name, item, t.millis/1000, t.millis%1000)
	case t.action == fails && t.items > 0:
		line("action: %s", fails)
		line("input: {error_data: '%s%s'}", t.name, item)
	default:
		line("action: %s", t.action)
	}
	if t.items > 0 {
		line("with-items: i in <%% range(%d).toList() %%>", t.items)
	}
	line("publish: {%s: <%% task().result %%>}", t.name)
	if t.retries > 0 {
		line("retry: {count: %d, delay: %d}", t.retries, t.retryDelay)
	}
	for _, p := range []struct {
		name  string
		value int
	}{{"concurrency", t.concurrency}, {"wait-before", t.waitBefore}, {"wait-after", t.waitAfter}, {"timeout", t.timeout}} {
		if p.value > 0 && (p.name != "concurrency" || t.items > 0) {
			line("%s: %d", p.name, p.value)
		}
	}
	if t.pauseBefore {
		line("pause-before: true")
	}
	if t.join != "" {
		line("join: %s", t.join)
	}
	if len(t.requires) > 0 {
		line("requires: [%s]", strings.Join(t.requires, ", "))
	}
	for _, c := range clauses() {
		if len(t.on[c]) > 0 {
			line("on-%s: [%s]", c, strings.Join(t.on[c], ", "))
		}
	}
}

// expected is what std.echo must give in a task of an execution with the key.
func (t *job) expected(key string, index int) string {
	if t.items > 0 {
		return fmt.Sprintf("%s %s %d", t.name, key, index)
	}
	return t.name + " " + key
}

func (f *flow) job(name string) *job {
	for _, t := range f.tasks {
		if t.name == name {
			return t
		}
	}
	return nil
}
