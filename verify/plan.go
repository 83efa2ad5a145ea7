package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// plan is all that a seed decides. The names of workflows and the keys of executions are led by the run's prefix, so that
// the same seed can be run again in the same cluster.
type plan struct {
	run      string // names the run
	prefix   string // of the names of its workflows
	flows    []*flow
	subjects []*subject
}

// subject is an execution that is to be started, and what its users do with it.
type subject struct {
	no       int
	flow     *flow
	key      string        // its input, unique
	named    bool          // its id is chosen here; else its request has a key only
	at       time.Duration // when it is started
	commands []command
}

// command is what a user asks for.
type command struct {
	after time.Duration // the start was acknowledged
	op    string        // "cancel", "fail", "succeed", "pause", "resume", "rerun", "skip", "again"
	pick  int           // chooses a task or a sub-workflow
}

// flowsMax is how many different workflows are started.
const flowsMax = 12

// draw makes the plan of a seed.
func draw(run string, seed uint64, executions int, over time.Duration) *plan {
	g := &generator{rand.New(rand.NewPCG(seed, 7))}
	p := &plan{run: run, prefix: "cierzo-verify-" + run + "-"}
	children := g.children()
	p.flows = append(p.flows, children...)
	for i := range flowsMax {
		p.flows = append(p.flows, g.flow(fmt.Sprintf("main-%d", i), children, 2+g.IntN(5)))
	}
	for i := range executions {
		s := &subject{
			no: i + 1, flow: p.flows[len(children)+g.IntN(flowsMax)], key: fmt.Sprintf("%s-%d", run, i+1), named: g.percent(50),
			at: over * time.Duration(i) / time.Duration(executions),
		}
		if g.percent(50) {
			for range 1 + g.IntN(2) {
				s.commands = append(s.commands, g.command())
			}
		}
		slices.SortStableFunc(s.commands, func(a, b command) int { return int(a.after - b.after) })
		p.subjects = append(p.subjects, s)
	}
	return p
}

type generator struct{ *rand.Rand }

func (g *generator) percent(p int) bool { return g.IntN(100) < p }

func (g *generator) command() command {
	ops := []string{"cancel", "cancel", "fail", "succeed", "pause", "pause", "resume", "rerun", "rerun", "skip", "again", "again"}
	return command{after: time.Duration(g.IntN(4000)) * time.Millisecond, op: ops[g.IntN(len(ops))], pick: g.IntN(1000)}
}

// id is the execution's id where it is chosen here, and the Idempotency-Key where it is not.
func (s *subject) id() string { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(s.key)).String() }

// params of the start.
func (s *subject) params() map[string]any {
	if !s.flow.reverse {
		return nil
	}
	return map[string]any{"task_name": s.flow.tasks[len(s.flow.tasks)-1].name}
}

// text is the flows as a document of the language.
func (p *plan) text() string {
	var b strings.Builder
	b.WriteString("version: '2.0'\n")
	for _, f := range p.flows {
		f.write(&b, p.prefix, p.run)
	}
	return b.String()
}

// longest is the time of the longest flow.
func (p *plan) longest() time.Duration {
	var d time.Duration
	for _, f := range p.flows {
		d = max(d, f.longest())
	}
	return d.Round(time.Second) + time.Second
}

// flow finds a flow by the name of its workflow.
func (p *plan) flow(workflow string) *flow {
	name, ok := strings.CutPrefix(workflow, p.prefix)
	if !ok {
		return nil
	}
	for _, f := range p.flows {
		if f.name == name {
			return f
		}
	}
	return nil
}
