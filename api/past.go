package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cierzo/api/apitype"
	"cierzo/fault"
	"cierzo/persistence"
	"cierzo/workflow"
)

// The past of all executions, page by page: there is no index over their histories, so a page is what the next newest
// executions have in theirs.

const (
	// pastExecutions is among how many executions a page looks when nothing is said, and pastExecutionsMax how many it can be.
	pastExecutions    = 100
	pastExecutionsMax = 500
	// pastEventsMax is about how many events a page reads; most are of no wanted kind. It may end amid a history.
	pastEventsMax = 20_000
)

// pastMark is where the next page goes on: behind an execution, or amid the history of one.
type pastMark struct {
	persistence.PageKey
	seq uint64 // the last event that was read; 0: the execution is done with
}

func (m pastMark) String() string {
	return fmt.Sprintf("%d-%d-%s", persistence.Micros(m.CreatedAt), m.seq, m.ID)
}

func readPastMark(text string) (*pastMark, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // the first page has none
	}
	parts := strings.SplitN(text, "-", 3)
	if len(parts) == 3 {
		us, err1 := strconv.ParseInt(parts[0], 10, 64)
		seq, err2 := strconv.ParseUint(parts[1], 10, 63)
		if err1 == nil && err2 == nil && us > 0 && parts[2] != "" {
			return &pastMark{PageKey: persistence.PageKey{CreatedAt: persistence.FromMicros(us), ID: workflow.ExecutionID(parts[2])}, seq: seq}, nil
		}
	}
	return nil, fault.New(fault.Invalid, "Invalid input for field/attribute marker. Value: '%s'. Value should be the field next of the page before", clipText(text))
}

// past reads a page.
type past struct {
	store feedStore
	kinds []string
	left  int // events that may still be read
	out   apitype.PastEvents
}

func (s *server) pastEvents(w http.ResponseWriter, r *http.Request, key feedKey, kinds []string) error {
	q := r.URL.Query()
	mark, err := readPastMark(q.Get("marker"))
	if err != nil {
		return err
	}
	limit := pastExecutions
	if v := q.Get("limit"); v != "" {
		n, err := parseLimit(v)
		if err != nil {
			return err
		}
		limit = min(n, pastExecutionsMax)
	}
	p := past{store: s.Store, kinds: kinds, left: pastEventsMax, out: apitype.PastEvents{Events: []apitype.Event{}}}
	if err := p.read(r.Context(), key, mark, limit); err != nil {
		return err
	}
	slices.SortStableFunc(p.out.Events, func(a, b apitype.Event) int { return strings.Compare(b.At, a.At) })
	s.write(w, http.StatusOK, p.out)
	return nil
}

func (p *past) read(ctx context.Context, key feedKey, mark *pastMark, limit int) error {
	q := persistence.ExecutionsQuery{ProjectID: key.project, WorkflowName: key.workflow, Limit: limit}
	if mark != nil {
		q.Before = &mark.PageKey
		if mark.seq > 0 {
			rec, err := p.store.FindExecution(ctx, key.project, mark.ID)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			if err == nil {
				if done, err := p.execution(ctx, rec, mark.seq); err != nil || !done {
					return err
				}
			}
		}
	}
	list, err := p.store.ListExecutions(ctx, q)
	if err != nil {
		return err
	}
	for _, rec := range list {
		if done, err := p.execution(ctx, rec, 0); err != nil || !done {
			return err
		}
	}
	if len(list) < limit {
		p.out.Next = "" // there is no other
	}
	return nil
}

// execution reads the history of an execution behind an event; false: the page has read enough, and Next says where it ends.
func (p *past) execution(ctx context.Context, rec *workflow.ExecutionRecord, after uint64) (bool, error) {
	mark := pastMark{PageKey: persistence.PageKey{CreatedAt: rec.CreatedAt, ID: rec.ID}}
	p.out.Since = rec.CreatedAt.UTC().Format(apitype.TimeFormat)
	for after < rec.Runtime.HistorySeq && rec.WorkflowName != actionWorkflow {
		if p.left <= 0 {
			mark.seq = after
			break
		}
		events, err := p.store.History(ctx, rec.ID, after, pageMax)
		if err != nil {
			return false, err
		}
		p.left -= len(events)
		for i := range events {
			e := &events[i]
			after = e.Seq
			if !slices.ContainsFunc(p.kinds, func(k string) bool { return strings.HasPrefix(e.Kind, k) }) {
				continue
			}
			item, err := eventJSON(rec.ID, e)
			if err != nil {
				return false, err
			}
			item.WorkflowName = rec.WorkflowName
			p.out.Events = append(p.out.Events, item)
		}
		if len(events) < pageMax {
			break
		}
	}
	p.left-- // executions cost something, too
	p.out.Executions++
	p.out.Next = mark.String()
	return mark.seq == 0 && p.left > 0, nil
}
