package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/internal/proctest"
	"cierzo/verify/check"
	"cierzo/workflow"
)

// load is users: each starts an execution, looks at it until its end, commands it now and then, and starts the next one.
// What they ask for and are told is kept.
type load struct {
	c    *site
	stop chan struct{} // closed: no more starts
	busy sync.WaitGroup

	mu    sync.Mutex
	next  int
	runs  []run
	ops   []check.Op
	tries map[int]int       // starts by how often they were sent
	wrong []string          // answers that no server should give
	open  map[string]string // states of what has not come to its end
}

// run is an execution that a user has started, or tried to.
type run struct {
	no        int
	deep      bool // of the workflow "deep", else of "chaos"
	commanded bool
	started   time.Time
}

// itemsMax is how many items the fan-out of a run has at most.
const itemsMax = 6

func runID(i int) string { return fmt.Sprintf("%08d-0000-4000-8000-%012d", i*7919%100000000, i) }

func (c *site) load(ctx context.Context, users int) *load {
	l := &load{c: c, stop: make(chan struct{}), tries: map[int]int{}, open: map[string]string{}}
	for range users {
		l.busy.Go(func() {
			for !l.over() && ctx.Err() == nil {
				l.one(ctx)
			}
		})
	}
	return l
}

func (l *load) over() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// settle starts nothing more and waits until all has come to its end; what hasn't is the answer.
func (l *load) settle(limit time.Duration) (stuck []string) {
	close(l.stop)
	done := make(chan struct{})
	go func() { l.busy.Wait(); close(done) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, state := range l.open {
		stuck = append(stuck, fmt.Sprintf("%s after the last fault execution %s is %s", limit, id, state))
	}
	slices.Sort(stuck)
	return stuck
}

// triesSince counts, of the starts that were acknowledged since then, how often they were sent.
func (l *load) triesSince(at time.Time) map[int]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sent, out := map[workflow.ExecutionID]int{}, map[int]int{}
	for _, op := range l.ops {
		if op.Kind != check.Start || op.Call < time.Duration(at.UnixNano()) {
			continue
		}
		if sent[op.Execution]++; op.Answer == check.Done {
			out[sent[op.Execution]]++
		}
	}
	return out
}

// underWay lists the executions that haven't come to their end.
func (l *load) underWay() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.open {
		ids = append(ids, id)
	}
	return ids
}

func (l *load) anyOpen(ids []string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(ids, func(id string) bool { return l.open[id] != "" })
}

// burst starts executions all at once and returns when the first is acknowledged. They are looked after as the others.
func (l *load) burst(ctx context.Context, n int) {
	first := make(chan struct{}, n)
	for range n {
		l.busy.Go(func() { l.follow(ctx, first) })
	}
	select {
	case <-first:
	case <-ctx.Done():
	}
}

func (l *load) one(ctx context.Context) { l.follow(ctx, make(chan struct{}, 1)) }

// follow is an execution's life, as its user sees it.
func (l *load) follow(ctx context.Context, started chan<- struct{}) {
	l.mu.Lock()
	i := l.next
	l.next++
	r := run{no: i, deep: i%3 > 0, started: time.Now()}
	l.open[runID(i)] = "not started"
	l.mu.Unlock()
	rng := rand.New(rand.NewPCG(uint64(i), 11))
	tries := 0
	err := until(ctx, func() (bool, error) {
		tries++
		err := l.start(ctx, r, i+tries)
		return err == nil, err
	})
	started <- struct{}{}
	if err != nil {
		return
	}
	if r.deep && rng.IntN(100) < 25 {
		r.commanded = true
	}
	l.mu.Lock()
	l.tries[tries]++
	l.runs = append(l.runs, r)
	l.mu.Unlock()
	l.watch(ctx, r, rng)
}

// watch looks at the execution until its end.
func (l *load) watch(ctx context.Context, r run, rng *rand.Rand) {
	id, look := runID(r.no), 0
	at := 2 + rng.IntN(8) // when it is commanded
	for ctx.Err() == nil {
		proctest.Pass(ctx, 200*time.Millisecond+rand.N(100*time.Millisecond))
		look++
		state, err := l.get(ctx, id, r.no+look)
		if err != nil {
			continue
		}
		l.mu.Lock()
		l.open[id] = string(state)
		l.mu.Unlock()
		switch {
		case state == workflow.Paused:
			l.ask(ctx, check.Op{Execution: workflow.ExecutionID(id), Kind: check.Resume}, r.no+look, "RUNNING")
		case state == workflow.Error && r.commanded && at >= 0 && !l.over():
			at = -1
			l.rerun(ctx, id, r.no+look)
		case state.Final():
			l.mu.Lock()
			delete(l.open, id)
			l.mu.Unlock()
			return
		case r.commanded && look == at && rng.IntN(2) == 0:
			l.ask(ctx, check.Op{Execution: workflow.ExecutionID(id), Kind: check.Pause}, r.no+look, "PAUSED")
		case r.commanded && look == at:
			l.ask(ctx, check.Op{Execution: workflow.ExecutionID(id), Kind: check.Stop, State: workflow.Cancelled}, r.no+look, "CANCELLED")
		}
	}
}

// asked carries an op out and keeps what its user was told.
func (l *load) asked(ctx context.Context, op check.Op, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	op.Call = since()
	err := do(ctx)
	op.Return = since()
	switch {
	case err == nil:
		op.Answer = check.Done
	case fault.Is(err, fault.Unavailable), errors.Is(err, context.DeadlineExceeded):
		op.Answer, op.Error = check.Unknown, err.Error()
	default:
		op.Answer, op.Error = check.Refused, err.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if fault.Is(err, fault.Internal) && len(l.wrong) < 10 {
		l.wrong = append(l.wrong, fmt.Sprintf("%s of %s: %v", op.Kind, op.Execution, err))
	}
	op.Client = len(l.ops)
	l.ops = append(l.ops, op)
	return err
}

func (l *load) start(ctx context.Context, r run, engine int) error {
	var items []int
	for k := range 1 + r.no%itemsMax {
		items = append(items, k+1)
	}
	in, name := map[string]any{"items": items}, "deep"
	if !r.deep {
		in["run"], name = runID(r.no), "chaos"
	}
	input, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return l.asked(ctx, check.Op{Execution: workflow.ExecutionID(runID(r.no)), Kind: check.Start}, func(ctx context.Context) error {
		_, err := l.c.client(engine).StartExecution(ctx, apitype.NewExecution{ID: runID(r.no), WorkflowName: name, Input: input})
		return err
	})
}

// get reads the state. Only what was read is kept.
func (l *load) get(ctx context.Context, id string, engine int) (workflow.State, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	op := check.Op{Execution: workflow.ExecutionID(id), Kind: check.Get, Call: since(), Answer: check.Done}
	e, err := l.c.client(engine).Execution(ctx, id)
	op.Return = since()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case fault.Is(err, fault.NotFound):
		op.State = "" // it was acknowledged: the register says what is wrong with that
	case err != nil:
		if fault.Is(err, fault.Internal) && len(l.wrong) < 10 {
			l.wrong = append(l.wrong, fmt.Sprintf("read %s: %v", id, err))
		}
		return "", err
	default:
		op.State = workflow.State(e.State)
	}
	op.Client = len(l.ops)
	l.ops = append(l.ops, op)
	return op.State, err
}

func (l *load) ask(ctx context.Context, op check.Op, engine int, state string) {
	_ = l.asked(ctx, op, func(ctx context.Context) error { // what came of it is kept
		_, err := l.c.client(engine).SetState(ctx, string(op.Execution), state, "")
		return err
	})
}

// rerun runs the failed task again.
func (l *load) rerun(ctx context.Context, id string, engine int) {
	callCtx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tasks, err := l.c.client(engine).Tasks(callCtx, id)
	if err != nil {
		return
	}
	for _, t := range tasks {
		if t.State != string(workflow.Error) || t.Name != "shaky" {
			continue
		}
		op := check.Op{Execution: workflow.ExecutionID(id), Kind: check.Rerun, Task: workflow.TaskID(t.ID)}
		_ = l.asked(ctx, op, func(ctx context.Context) error {
			_, err := l.c.client(engine).UpdateTask(ctx, t.ID, "RUNNING", true)
			return err
		})
		return
	}
}

// httpGet reads what a server answers.
func httpGet(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return data, err
}
