package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"cierzo/api/apitype"
	"cierzo/api/client"
	"cierzo/internal/wait"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// load is the users of a run: who starts what, looks at it, and interferes.
type load struct {
	cfg     *Config
	cluster *cluster
	plan    *plan

	mu       sync.Mutex
	ops      []check.Op
	seen     map[workflow.ExecutionID][]workflow.HistoryEvent
	moved    map[int][]time.Duration // of each subject: when something new was seen of it
	began    map[int]time.Duration   // when its start was asked for
	ended    map[int]time.Duration   // when its end was seen
	answers  map[string][]string     // ids that the starts of a key were answered
	repeated []check.Op              // commands that were done and sent again
	trouble  []string                // requests that should have been answered and were not
}

func newLoad(cfg *Config, c *cluster, p *plan) *load {
	return &load{
		cfg: cfg, cluster: c, plan: p, seen: map[workflow.ExecutionID][]workflow.HistoryEvent{}, moved: map[int][]time.Duration{},
		began: map[int]time.Duration{}, ended: map[int]time.Duration{}, answers: map[string][]string{},
	}
}

// run starts the subjects and follows each to its end, or to the end of ctx.
func (l *load) run(ctx context.Context) {
	queue := make(chan *subject)
	var users sync.WaitGroup
	for n := range l.cfg.Concurrency {
		users.Go(func() {
			for s := range queue {
				f := &follower{load: l, caller: &caller{cluster: l.cluster, at: n}, subject: s, tree: map[string]*watched{}}
				f.follow(ctx)
			}
		})
	}
	ends := l.cluster.began.Add(l.cfg.Duration)
	for _, s := range l.plan.subjects {
		if wait.For(ctx, s.at-l.cluster.since()) != nil {
			break
		}
		late := time.NewTimer(time.Until(ends))
		select {
		case queue <- s:
		case <-late.C: // all users are busy, and the time for starts is over
		case <-ctx.Done():
		}
		late.Stop()
	}
	close(queue)
	users.Wait()
}

func (l *load) note(op check.Op) {
	l.mu.Lock()
	defer l.mu.Unlock()
	op.Client = len(l.ops)
	l.ops = append(l.ops, op)
}

// under lists the executions that were under way at a moment, and when each went on.
func (l *load) under(at time.Duration) (next []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for no, began := range l.began {
		if end, ok := l.ended[no]; began > at || ok && end < at {
			continue
		}
		for _, m := range l.moved[no] {
			if m > at {
				next = append(next, m-at)
				break
			}
		}
	}
	return next
}

// follower is the user of one subject.
type follower struct {
	*load
	*caller
	subject *subject
	id      string // of the execution
	acked   time.Duration
	asked   int // requests that have a key
	issued  int // of the subject's commands
	tree    map[string]*watched
	ids     []string // of the tree, in the order in which they were found
	rounds  int
	listed  bool // the tree was read after the end of its root
}

// watched is one execution of the tree as it was seen last.
type watched struct {
	flow   *flow
	state  workflow.State
	paused time.Duration // since when; 0: it isn't
	after  uint64        // number of the last event
	whole  bool          // all events have been read after its end
	open   map[string]*waiting
}

// waiting is an asynchronous action that waits for its user.
type waiting struct {
	since time.Duration // or since its user has given a result
}

// The pauses of users.
const (
	lookMin   = 250 * time.Millisecond
	thinkTime = 500 * time.Millisecond // before an action gets its result
	pauseTime = time.Second            // before what is paused goes on
)

// follow starts the execution and sees it through.
func (f *follower) follow(ctx context.Context) {
	f.load.mu.Lock()
	f.began[f.subject.no] = f.since()
	f.load.mu.Unlock()
	if !f.start(ctx) {
		return
	}
	f.acked = f.since()
	for {
		f.rounds++
		f.look(ctx)
		f.interfere(ctx)
		if f.over() {
			f.load.mu.Lock()
			f.ended[f.subject.no] = f.since()
			f.load.mu.Unlock()
			return
		}
		if wait.For(ctx, lookMin+time.Duration(f.subject.no%7)*30*time.Millisecond) != nil {
			return // whatever hasn't ended is found at the end
		}
	}
}

// key names the next request.
func (f *follower) key() string {
	f.asked++
	return fmt.Sprintf("%s/%d", f.subject.key, f.asked)
}

// start asks for the execution; false: it was refused, or never answered.
func (f *follower) start(ctx context.Context) bool {
	s := f.subject
	input, err := json.Marshal(map[string]string{"key": s.key})
	if err != nil {
		panic(err) // a map of texts
	}
	body := apitype.NewExecution{WorkflowName: f.plan.prefix + s.flow.name, Input: input}
	if p := s.params(); p != nil {
		if body.Params, err = json.Marshal(p); err != nil {
			panic(err)
		}
	}
	if s.named {
		body.ID = s.id()
	}
	var done *apitype.Execution
	a := f.do(ctx, "start", func(ctx context.Context, c *client.Client) (err error) {
		if !s.named {
			c = c.Keyed(s.id())
		}
		done, err = c.StartExecution(ctx, body)
		return err
	})
	op := check.Op{Kind: check.Start, Call: a.call, Return: a.end, Answer: a.answer()}
	switch {
	case a.err == nil:
		f.load.mu.Lock()
		f.answers[s.key] = append(f.answers[s.key], done.ID)
		f.load.mu.Unlock()
		f.id = done.ID
	case s.named:
		f.id = s.id()
		op.Error = a.err.Error()
	default:
		f.wrong("start of %s: %v", s.key, a.err)
		return false // nobody knows its id; the executions that there are show whether it exists
	}
	op.Execution = workflow.ExecutionID(f.id)
	f.note(op)
	if a.err != nil {
		f.wrong("start of %s: %v", s.key, a.err)
	}
	if f.tree[f.id] == nil {
		f.found(f.id, s.flow)
	}
	return a.err == nil
}

func (f *follower) wrong(format string, args ...any) {
	f.load.mu.Lock()
	defer f.load.mu.Unlock()
	f.trouble = append(f.trouble, fmt.Sprintf(format, args...))
}

func (f *follower) found(id string, flow *flow) {
	f.tree[id] = &watched{flow: flow, open: map[string]*waiting{}}
	f.ids = append(f.ids, id)
}

// look reads the execution, now and then its sub-workflows too, and what has been added to their histories.
func (f *follower) look(ctx context.Context) {
	if f.rounds%3 == 0 {
		ended := f.tree[f.id].state.Final()
		var list []apitype.Execution
		a := f.do(ctx, "tree", func(ctx context.Context, c *client.Client) (err error) {
			list, err = c.SubExecutions(ctx, f.id, false, -1)
			return err
		})
		if a.err == nil {
			f.listed = ended
			for i := range list {
				f.saw(a, list[i].ID, list[i].WorkflowName, workflow.State(list[i].State))
			}
		}
	} else {
		var x *apitype.Execution
		a := f.do(ctx, "read", func(ctx context.Context, c *client.Client) (err error) {
			x, err = c.Execution(ctx, f.id)
			return err
		})
		switch {
		case a.err == nil:
			f.saw(a, f.id, x.WorkflowName, workflow.State(x.State))
		case !a.unknown():
			f.saw(a, f.id, "", "")
		}
	}
	for i, id := range f.ids {
		if w := f.tree[id]; !w.whole && (i == 0 || f.rounds%3 == 0) {
			f.events(ctx, id, w)
		}
	}
}

// saw notes a state that was shown.
func (f *follower) saw(a answered, id, name string, s workflow.State) {
	w := f.tree[id]
	if w == nil {
		f.found(id, f.plan.flow(name))
		w = f.tree[id]
	}
	if s.Final() != w.state.Final() {
		w.whole = false
	}
	w.state = s
	if s != workflow.Paused {
		w.paused = 0
	} else if w.paused == 0 {
		w.paused = a.end
	}
	f.note(check.Op{Execution: workflow.ExecutionID(id), Kind: check.Get, State: s, Call: a.call, Return: a.end, Answer: check.Done})
}

// events reads on in a history.
func (f *follower) events(ctx context.Context, id string, w *watched) {
	var list []apitype.Event
	a := f.do(ctx, "events", func(ctx context.Context, c *client.Client) (err error) {
		list, err = c.Events(ctx, id, w.after)
		return err
	})
	if a.err != nil {
		return
	}
	if len(list) == 0 && w.state.Final() {
		w.whole = true
	}
	for i := range list {
		h := historyEvent(&list[i])
		w.after = h.Seq
		f.load.mu.Lock()
		f.seen[workflow.ExecutionID(id)] = append(f.seen[workflow.ExecutionID(id)], h)
		f.moved[f.subject.no] = append(f.moved[f.subject.no], a.end)
		f.load.mu.Unlock()
		if h.Kind != "action.state" || w.flow == nil {
			continue
		}
		if t := w.flow.job(h.Task); t == nil || t.action != async {
			continue
		}
		if h.State.Final() {
			delete(w.open, string(h.ActionID))
		} else if w.open[string(h.ActionID)] == nil {
			w.open[string(h.ActionID)] = &waiting{since: a.end}
		}
	}
}

// over reports whether nothing more is to come.
func (f *follower) over() bool {
	if f.issued < len(f.subject.commands) || !f.listed {
		return false
	}
	for _, w := range f.tree {
		if !w.state.Final() || !w.whole || len(w.open) > 0 {
			return false
		}
	}
	return true
}

// interfere does what the users of the execution do: the commands of the plan, and what the language wants of users.
func (f *follower) interfere(ctx context.Context) {
	for f.issued < len(f.subject.commands) && f.since()-f.acked >= f.subject.commands[f.issued].after {
		c := f.subject.commands[f.issued]
		f.issued++
		f.command(ctx, c)
	}
	for _, id := range f.ids {
		w := f.tree[id]
		if w.paused > 0 && f.since()-w.paused > pauseTime {
			w.paused = f.since()
			f.state(ctx, check.Op{Execution: workflow.ExecutionID(id), Kind: check.Resume}, workflow.Running)
		}
		for action, open := range w.open {
			if f.since()-open.since > thinkTime {
				f.complete(ctx, id, action)
				open.since = f.since() + userMax
			}
		}
	}
}

// order gives a command until it is answered, and notes what its user was told.
func (f *follower) order(ctx context.Context, op check.Op, fn func(context.Context, *client.Client) error) {
	key := f.key()
	a := f.do(ctx, string(op.Kind), func(ctx context.Context, c *client.Client) error { return fn(ctx, c.Keyed(key)) })
	op.Call, op.Return, op.Answer = a.call, a.end, a.answer()
	if a.err != nil {
		op.Error = a.err.Error()
	}
	f.note(op)
	f.tree[string(op.Execution)].whole, f.listed = false, false
	if op.Answer != check.Done || (f.asked+f.subject.no)%4 != 0 {
		return
	}
	a = f.do(ctx, "repetition", func(ctx context.Context, c *client.Client) error { return fn(ctx, c.Keyed(key)) })
	if op.Answer = check.Done; a.err != nil {
		op.Error = a.err.Error()
		if op.Answer = check.Refused; a.unknown() {
			op.Answer = check.Unknown
		}
	}
	f.load.mu.Lock()
	defer f.load.mu.Unlock()
	f.repeated = append(f.repeated, op)
}

func (f *follower) state(ctx context.Context, op check.Op, s workflow.State) {
	f.order(ctx, op, func(ctx context.Context, c *client.Client) error {
		_, err := c.SetState(ctx, string(op.Execution), string(s), "by cierzo verify")
		return err
	})
}

// complete gives an asynchronous action its result.
func (f *follower) complete(ctx context.Context, execution, action string) {
	op := check.Op{Execution: workflow.ExecutionID(execution), Kind: check.Complete, Action: workflow.ActionID(action), State: workflow.Success}
	op.Token = fmt.Sprintf("%s by %s", action, f.subject.key)
	text, err := json.Marshal(map[string]string{"token": op.Token})
	if err != nil {
		panic(err) // a map of texts
	}
	f.order(ctx, op, func(ctx context.Context, c *client.Client) error {
		_, err := c.CompleteAction(ctx, action, string(op.State), text)
		return err
	})
}

// command carries out a command of the plan on what there is at the moment.
func (f *follower) command(ctx context.Context, c command) {
	op := check.Op{Execution: workflow.ExecutionID(f.ids[c.pick%len(f.ids)])}
	if c.pick%3 > 0 {
		op.Execution = workflow.ExecutionID(f.id)
	}
	switch c.op {
	case "again":
		f.start(ctx)
	case "cancel", "fail", "succeed":
		op.Kind, op.State = check.Stop, map[string]workflow.State{"cancel": workflow.Cancelled, "fail": workflow.Error, "succeed": workflow.Success}[c.op]
		f.state(ctx, op, op.State)
	case "pause":
		op.Kind = check.Pause
		f.state(ctx, op, workflow.Paused)
	case "resume":
		op.Kind = check.Resume
		f.state(ctx, op, workflow.Running)
	case "rerun", "skip":
		var tasks []apitype.Task
		a := f.do(ctx, "tasks", func(ctx context.Context, cl *client.Client) (err error) {
			tasks, err = cl.FindTasks(ctx, string(op.Execution), map[string][]string{"state": {string(workflow.Error)}}, 100)
			return err
		})
		if a.err != nil || len(tasks) == 0 {
			return
		}
		t := tasks[c.pick%len(tasks)]
		op.Kind, op.Task = check.Rerun, workflow.TaskID(t.ID)
		s := workflow.Running
		if c.op == "skip" {
			op.Kind, s = check.Skip, workflow.Skipped
		}
		f.order(ctx, op, func(ctx context.Context, cl *client.Client) error {
			_, err := cl.UpdateTask(ctx, t.ID, string(s), true)
			return err
		})
	}
}
