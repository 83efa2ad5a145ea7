package api

import (
	"context"
	"slices"
	"time"

	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// A feed finds what has happened to all executions of a project, although no index is kept of that: only executions that
// have not ended can change, and those that were created since the last look. So each poll looks at these two lists, and
// reads the history of those whose number of events has grown.

const (
	// feedSlack is how much later than its time an event may be committed. After a reconnect, events of so long ago may
	// come again: clients know them by execution and number.
	feedSlack = 5 * time.Second
	// feedMax bounds the live executions that a feed watches, the newest first.
	feedMax = 10_000
	// resumeMax bounds the executions, the newest first, among which a resumed feed looks for those that have ended
	// meanwhile.
	resumeMax = 5_000
)

// feedStore is what a feed reads.
type feedStore interface {
	FindExecution(ctx context.Context, projectID string, id workflow.ExecutionID) (*workflow.ExecutionRecord, error)
	ListExecutions(ctx context.Context, q persistence.ExecutionsQuery) ([]*workflow.ExecutionRecord, error)
	History(ctx context.Context, id workflow.ExecutionID, after uint64, limit int) ([]workflow.HistoryEvent, error)
}

type feed struct {
	store feedStore
	query persistence.ExecutionsQuery     // the project, perhaps a workflow
	since time.Time                       // events before are not wanted of executions that were not seen before
	seen  map[workflow.ExecutionID]uint64 // the last event that was given of each
}

type feedEvent struct {
	execution workflow.ExecutionID
	workflow  string
	event     workflow.HistoryEvent
	line      []byte // as JSON, once it is to be sent
}

// begin notes where every live execution is, so that a new feed doesn't begin with their past. A resumed one gets what
// has happened since.
func (f *feed) begin(ctx context.Context, resumed bool) error {
	live, err := f.live(ctx)
	if err != nil {
		return err
	}
	// A new feed has nothing to say of those that were created just now and have ended, either.
	limit, since := feedMax, f.since.Add(-feedSlack)
	if resumed {
		limit, since = resumeMax, time.Time{}
	}
	others, err := f.list(ctx, nil, limit, func(r *workflow.ExecutionRecord) bool { return r.CreatedAt.After(since) })
	if err != nil {
		return err
	}
	for _, r := range append(live, others...) {
		if !resumed || r.UpdatedAt.Before(f.since.Add(-feedSlack)) {
			f.seen[r.ID] = r.Runtime.HistorySeq
		} else if r.State.Final() {
			f.seen[r.ID] = 0 // poll reads it once more
		}
	}
	return nil
}

// live lists the executions that have not ended.
func (f *feed) live(ctx context.Context) ([]*workflow.ExecutionRecord, error) {
	return f.list(ctx, persistence.LiveStates(), feedMax, func(*workflow.ExecutionRecord) bool { return true })
}

// list reads executions, the newest first, while they are wanted, at most limit.
func (f *feed) list(ctx context.Context, states []workflow.State, limit int, wanted func(*workflow.ExecutionRecord) bool) ([]*workflow.ExecutionRecord, error) {
	q := f.query
	q.States, q.Limit = states, pageMax
	var out []*workflow.ExecutionRecord
	for {
		page, err := f.store.ListExecutions(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			if !wanted(r) || len(out) == limit {
				return out, nil
			}
			if r.WorkflowName != actionWorkflow {
				out = append(out, r)
			}
		}
		if len(page) < pageMax {
			return out, nil
		}
		last := page[len(page)-1]
		q.Before = &persistence.PageKey{CreatedAt: last.CreatedAt, ID: last.ID}
	}
}

// poll gives the events since the last one, by their time.
func (f *feed) poll(ctx context.Context, now time.Time) ([]feedEvent, error) {
	window := f.since.Add(-feedSlack)
	found := map[workflow.ExecutionID]*workflow.ExecutionRecord{}
	live, err := f.live(ctx)
	if err != nil {
		return nil, err
	}
	recent, err := f.list(ctx, nil, feedMax, func(r *workflow.ExecutionRecord) bool { return r.CreatedAt.After(window) })
	if err != nil {
		return nil, err
	}
	for _, r := range append(live, recent...) {
		found[r.ID] = r
	}
	// What was seen and is in neither list has ended since.
	for id := range f.seen {
		if found[id] != nil {
			continue
		}
		r, err := f.store.FindExecution(ctx, f.query.ProjectID, id)
		if fault.Is(err, fault.NotFound) {
			delete(f.seen, id)
			continue
		}
		if err != nil {
			return nil, err
		}
		found[id] = r
	}
	var out []feedEvent
	for id, r := range found {
		if out, err = f.grown(ctx, r, window, out); err != nil {
			return nil, err
		}
		if r.State.Final() && !r.CreatedAt.After(window) {
			delete(f.seen, id) // nothing comes of it any more, unless it is run again: then it is live
		}
	}
	f.since = now
	slices.SortStableFunc(out, func(a, b feedEvent) int { return a.event.At.Compare(b.event.At) })
	return out, nil
}

// grown adds the new events of an execution.
func (f *feed) grown(ctx context.Context, r *workflow.ExecutionRecord, window time.Time, out []feedEvent) ([]feedEvent, error) {
	after, known := f.seen[r.ID]
	if known && after >= r.Runtime.HistorySeq {
		return out, nil
	}
	for {
		events, err := f.store.History(ctx, r.ID, after, pageMax)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			after = e.Seq
			if known && f.seen[r.ID] > 0 || e.At.After(window) {
				out = append(out, feedEvent{execution: r.ID, workflow: r.WorkflowName, event: e})
			}
		}
		if len(events) < pageMax {
			break
		}
	}
	f.seen[r.ID] = after
	return out, nil
}
