package sim

import (
	"fmt"
	"slices"
	"strings"
)

// flow is a workflow of a plan.
type flow struct {
	Name    string `json:"name"`
	Reverse bool   `json:"reverse,omitempty"`
	Tasks   []*job `json:"tasks"`
}

// job is a task of a flow.
type job struct {
	Name        string            `json:"name"`
	Action      string            `json:"action,omitempty"` // "work", "later", "std.noop", or "" for a sub-workflow
	Workflow    string            `json:"workflow,omitempty"`
	Millis      int               `json:"millis,omitempty"` // that the work takes
	Fails       int               `json:"fails,omitempty"`  // percent of attempts
	Items       int               `json:"items,omitempty"`  // 0: no with-items
	Concurrency int               `json:"concurrency,omitempty"`
	Retries     int               `json:"retries,omitempty"`
	RetryDelay  int               `json:"retry_delay,omitempty"`
	WaitBefore  int               `json:"wait_before,omitempty"`
	WaitAfter   int               `json:"wait_after,omitempty"`
	Timeout     int               `json:"timeout,omitempty"`
	Safe        bool              `json:"safe,omitempty"`
	PauseBefore bool              `json:"pause_before,omitempty"`
	FailOn      bool              `json:"fail_on,omitempty"`
	Join        string            `json:"join,omitempty"`
	On          map[string][]next `json:"on,omitempty"` // by "success", "error", "complete"
	Requires    []string          `json:"requires,omitempty"`
}

// next is a transition.
type next struct {
	To string `json:"to"`           // a task or an engine command
	If string `json:"if,omitempty"` // a condition, "" is always
}

var clauses = []string{"success", "error", "complete"}

// children are the flows that others use as sub-workflows; the second may use the first.
func (g *generator) children() []*flow {
	first := g.flow("child0", nil, 1+g.IntN(3))
	if g.percent(50) {
		return []*flow{first}
	}
	return []*flow{first, g.flow("child1", []*flow{first}, 1+g.IntN(3))}
}

// flow draws an acyclic graph of tasks with every kind of clause and policy.
func (g *generator) flow(name string, children []*flow, n int) *flow {
	f := &flow{Name: name, Reverse: strings.HasPrefix(name, "main") && g.percent(8)}
	inbound := make([]int, n)
	for i := range n {
		t := g.job(fmt.Sprintf("t%d", i), children)
		f.Tasks = append(f.Tasks, t)
		if f.Reverse {
			for j := range i {
				if g.percent(40) {
					t.Requires = append(t.Requires, f.Tasks[j].Name)
				}
			}
			continue
		}
		t.On = map[string][]next{}
		for _, c := range clauses {
			for j := i + 1; j < n && len(t.On[c]) < 2; j++ {
				if g.percent(30) && inbound[j] < 4 {
					inbound[j]++
					t.On[c] = append(t.On[c], g.transition(fmt.Sprintf("t%d", j)))
				}
			}
		}
		if g.percent(40) {
			t.On["error"] = append(t.On["error"], next{To: "noop"})
		}
		if g.percent(4) {
			c := clauses[g.IntN(3)]
			t.On[c] = append(t.On[c], next{To: []string{"fail", "succeed", "pause"}[g.IntN(3)]})
		}
	}
	for i, t := range f.Tasks {
		if inbound[i] > 0 && g.percent(60) {
			t.Join = []string{"all", "all", "one", "1", "2"}[g.IntN(5)]
			if sources := f.sources(t.Name); t.Join == "2" && sources < 2 {
				t.Join = "one"
			}
		}
	}
	return f
}

func (g *generator) transition(to string) next {
	x := next{To: to}
	if g.percent(15) {
		x.If = []string{"<% 1 < 2 %>", "<% 2 < 1 %>"}[g.IntN(2)]
	}
	return x
}

// sources counts the tasks that lead to a task.
func (f *flow) sources(name string) int {
	n := 0
	for _, t := range f.Tasks {
		if slices.ContainsFunc(clauses, func(c string) bool {
			return slices.ContainsFunc(t.On[c], func(x next) bool { return x.To == name })
		}) {
			n++
		}
	}
	return n
}

func (g *generator) job(name string, children []*flow) *job {
	t := &job{Name: name, Action: "work", Safe: g.percent(60)}
	switch k := g.IntN(20); {
	case k < 2:
		t.Action = "std.noop"
	case k < 3:
		t.Action = "later"
	case k < 6 && len(children) > 0:
		t.Action, t.Workflow = "", children[g.IntN(len(children))].Name
	}
	if t.Action == "work" {
		t.Millis = g.IntN([]int{50, 1500, 6000}[g.IntN(3)])
		if g.percent(40) {
			t.Fails = 10 + g.IntN(60)
		}
	}
	if t.Action != "later" && g.percent(25) {
		t.Items = 1 + g.IntN(6)
		t.Concurrency = g.IntN(4)
	}
	if g.percent(25) {
		t.Retries, t.RetryDelay = 1+g.IntN(3), g.IntN(3)
	}
	if g.percent(12) {
		t.WaitBefore = 1 + g.IntN(4)
	}
	if g.percent(12) {
		t.WaitAfter = 1 + g.IntN(3)
	}
	if g.percent(12) {
		t.Timeout = 1 + g.IntN(8)
	}
	t.PauseBefore, t.FailOn = g.percent(3), g.percent(3)
	return t
}

// text is the flows as a document of the language.
func (p *plan) text() string {
	var b strings.Builder
	b.WriteString("version: '2.0'\n")
	for _, f := range p.Flows {
		f.write(&b)
	}
	return b.String()
}

func (f *flow) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s:\n", f.Name)
	if f.Reverse {
		b.WriteString("  type: reverse\n")
	}
	b.WriteString("  tasks:\n")
	for _, t := range f.Tasks {
		t.write(b)
	}
}

func (t *job) write(b *strings.Builder) {
	fmt.Fprintf(b, "    %s:\n", t.Name)
	line := func(format string, args ...any) { fmt.Fprintf(b, "      "+format+"\n", args...) }
	switch {
	case t.Workflow != "":
		line("workflow: %s", t.Workflow)
	case t.Action == "work":
		line("action: work ms=%d fails=%d", t.Millis, t.Fails)
	default:
		line("action: %s", t.Action)
	}
	if t.Items > 0 {
		line("with-items: i in <%% range(%d).toList() %%>", t.Items)
		if t.Concurrency > 0 {
			line("concurrency: %d", t.Concurrency)
		}
	}
	line("publish: {%s: <%% task().result %%>}", t.Name)
	if t.Retries > 0 {
		line("retry: {count: %d, delay: %d}", t.Retries, t.RetryDelay)
	}
	for _, p := range []struct {
		name  string
		value int
	}{{"wait-before", t.WaitBefore}, {"wait-after", t.WaitAfter}, {"timeout", t.Timeout}} {
		if p.value > 0 {
			line("%s: %d", p.name, p.value)
		}
	}
	for _, p := range []struct {
		name string
		set  bool
	}{{"safe-rerun", t.Safe}, {"pause-before", t.PauseBefore}, {"fail-on", t.FailOn}} {
		if p.set {
			line("%s: true", p.name)
		}
	}
	if t.Join != "" {
		line("join: %s", t.Join)
	}
	if len(t.Requires) > 0 {
		line("requires: [%s]", strings.Join(t.Requires, ", "))
	}
	for _, c := range clauses {
		if len(t.On[c]) == 0 {
			continue
		}
		line("on-%s:", c)
		for _, x := range t.On[c] {
			if x.If != "" {
				line("  - %s: %s", x.To, x.If)
			} else {
				line("  - %s", x.To)
			}
		}
	}
}
